#!/usr/bin/env bash
# words.sh [FOLDER] - sentences as one would say them to a colleague: words that readers stumbled over are in no text of the program, no
# comment of its sources and no document.
set -u
. "$(dirname "$0")/tap.sh"
cd "${1:-$(dirname "$0")/..}" || exit 1
export LC_ALL=C.UTF-8

# WORDS-AS-A-PATTERN|what to say instead
stumbled='behind|after
\bstands?\b|is, are
\b(goes|go) on\b|resumes, continues
\bcomes? to\b|is
\banew\b|again
is too much|unexpected argument
\bcaret\b|cursor
(what is|was|were) said|messages
said so far|messages
\bput (it |them |the text )?away\b|hide, dismiss
are the most\b|at most
mends the answer|recovers the answer
range without|colour range excludes
take (it|the last change) back|undo
\bshall\b|is to'

# The same for comments and documents, where "stands for" is English.
stumbled_comments='\bbehind\b|after
\bstands?\b(?!(-in| for| in for| out| alone)\b)|is, are
\b(goes|go|went) on\b|resumes, continues
\b(comes?|came) to the same|gives the same
\banew\b|again
said so far|messages
range without|colour range excludes
\bput (it |them |the text )?away\b|hide, dismiss
in earnest|really
(?<![*`"])\bsaid\b(?![`"(:])|given, announced, printed, known
(?<!\*)\bcaret\b|cursor
\bshall\b|is to'

# FILE:LINE:"text" of every string in the sources.
texts()
{
	find tui engine tests -name '*.[ch]' -not -path '*/fixtures/*' -o -path 'tui/*.def' -o -path 'engine/*.def' | sort | xargs awk '
		FNR == 1 { inside = 0 }
		{
			line = $0
			if (inside && !sub(/^.*\*\//, "", line)) next
			inside = 0
			gsub(/\/\*[^*]*\*\//, "", line)
			if (line ~ /^#include/) next
			if (match(line, /\/\*/) && line !~ /"[^"]*\/\*[^"]*"/) { inside = 1; line = substr(line, 1, RSTART - 1) }
			while (match(line, /"([^"\\]|\\.)*"/)) {
				print FILENAME ":" FNR ":" substr(line, RSTART, RLENGTH)
				line = substr(line, RSTART + RLENGTH)
			}
		}'
}

# FILE:LINE:text of every line of a comment, and of the documents outside their blocks of code.
prose()
{
	find tui engine tests -name '*.[ch]' -not -path '*/fixtures/*' -o -path 'tui/*.def' -o -path 'engine/*.def' | sort | xargs awk '
		FNR == 1 { inside = 0 }
		{
			line = $0
			if (!inside) gsub(/"([^"\\]|\\.)*"/, "", line)
			text = ""
			while (line != "") {
				if (inside) { at = index(line, "*/"); if (!at) { text = text line; break }
				              text = text substr(line, 1, at - 1); line = substr(line, at + 2); inside = 0 }
				else { at = index(line, "/*"); if (!at) break
				       line = substr(line, at + 2); inside = 1 }
			}
			if (text != "") print FILENAME ":" FNR ":" text
		}'
	awk 'FNR == 1 { inside = 0 } /^```/ { inside = !inside } !inside && !/^    / { print FILENAME ":" FNR ":" $0 }' \
		README.md CONTRIBUTING.md CHANGELOG.md docs/*.md
	find tui engine tests tools presets themes check meson.build meson_options.txt -name '*.sh' -o -name '*.py' -o -name '*.steps' \
		-o -name '*.yaml' -o -name 'meson*' -o -name check | grep -v /fixtures/ | grep -v words.sh | sort |
		xargs awk 'match($0, /(^|[ \t])#[ \t]/) { print FILENAME ":" FNR ":" substr($0, RSTART) }'
}
check() # PATTERNS TEXTS OF-WHAT
{
	local line
	while IFS= read -r line; do
		none "no $3 says /${line%|*}/; say: ${line##*|}" < <(grep -P "^[^:]*:[0-9]*:.*(?:${line%|*})" <<<"$2")
	done <<<"$1"
}
check "$stumbled" "$(texts)" text
check "$stumbled_comments" "$(prose)" 'comment or document'
tap_done
