#!/usr/bin/env bash
# words.sh [FOLDER] - what the program says is said as one would say it: words that readers stumbled over are in none of its texts.
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
take (it|the last change) back|undo
\bshall\b|is to'

# FILE:LINE:"text" of every string in the sources; comments are left alone here.
texts()
{
	find tui engine -name '*.[ch]' -o -path 'tui/*.def' -o -path 'engine/*.def' | sort | xargs awk '
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

all_texts=$(texts)
while IFS= read -r line; do
	word=${line%|*} say=${line##*|}
	none "no text says /$word/; say: $say" < <(grep -P "^[^:]*:[0-9]*:.*(?:$word)" <<<"$all_texts")
done <<<"$stumbled"
tap_done
