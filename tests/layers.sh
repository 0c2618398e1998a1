#!/usr/bin/env bash
# layers.sh [FOLDER] - the rules of the building: who may include whom, and one door for each outside library.
set -u
. "$(dirname "$0")/tap.sh"
cd "${1:-$(dirname "$0")/..}" || exit 1
export LC_ALL=C
shopt -s lastpipe	# `… | none` counts in this shell, not in one of its own

sources() { find engine tui -name '*.[ch]' | sort; }
# FILE:LINE:TEXT of the sources outside comments and strings, so that a word in a sentence is no call.
code() # FOLDER
{
	find "$1" -name '*.[ch]' | sort | xargs awk '
		FNR == 1 { inside = 0 }
		{
			text = $0
			gsub(/\\./, "", text)
			if (text !~ /^[ \t]*#[ \t]*include/) gsub(/"[^"]*"/, "\"\"", text)
			out = ""
			while (text != "") {
				if (inside) { at = index(text, "*/"); if (!at) break; text = substr(text, at + 2); inside = 0 }
				else { at = index(text, "/*"); if (!at) { out = out text; break }
				       out = out substr(text, 1, at - 1); text = substr(text, at + 2); inside = 1 }
			}
			sub(/\/\/.*/, "", out)
			if (out ~ /[^ \t]/) print FILENAME ":" FNR ":" out
		}'
}

# 1. One door for each outside library: its header, and only there.
door() # DOORS HEADER-PATTERN NAME
{
	grep -nE "#[ \t]*include[ \t]*<$2>" $(sources) | grep -vE "^($1):" | none "$3 only in ${1//|/ and }"
}
door 'tui/terminal/term.c|tui/terminal/term_keys.c|tui/terminal/term_pen.c' '(ncurses|curses|ncursesw)[a-z/]*\.h' ncurses
door engine/numbers/blas.c '(cblas|openblas[a-z_]*|lapacke?)\.h' OpenBLAS
door engine/base/conf.c 'yaml\.h' libyaml
door engine/base/json.c 'jansson[a-z_]*\.h' jansson
door engine/model/tokenizer/split.c 'pcre2[a-z]*\.h' PCRE2
door engine/base/archive.c 'zip\.h' libzip
door engine/base/utf8.c 'utf8proc\.h' utf8proc
door 'engine/session/worker.c|engine/session/mailbox.c|engine/numbers/pool.c' 'pthread\.h' pthreads
code engine | grep -E '\b(fork|system|popen)[ \t]*\(' | none 'the engine starts no other program'

# 2. Includes only go down.
grep -nE '^#[ \t]*include[ \t]*"(engine|tui)/' $(sources) | awk -F'[:"]' '
	function floor(path) {
		if (path ~ /^tui\//) return 7
		if (path ~ /^engine\/base\//) return 0
		if (path ~ /^engine\/numbers\//) return 1
		if (path ~ /^engine\/model\//) return 2
		if (path ~ /^engine\/run\//) return 3
		if (path ~ /^engine\/analysis\//) return 4
		if (path ~ /^engine\/analyses\//) return 5
		return 6
	}
	floor($4) > floor($1) { print $1 ":" $2 ": includes " $4 }' |
	none 'includes only go down: base, numbers, model, run, analysis, analyses, session and worker, tui'
grep -nE '^#[ \t]*include[ \t]*"' $(sources) | grep -vE '"(engine|tui)/' | none 'includes are written from the root'

# Within the session's floor: worker above scheduler above mailbox, and nobody there knows the worker.
grep -nE '#[ \t]*include[ \t]*"engine/session/' $(find engine -name '*.[ch]' | sort) | awk -F'[:"]' '
	function step(path) {
		if (path ~ /\/worker\.[ch]$/) return 3
		if (path ~ /\/scheduler[a-z_]*\.[ch]$/) return 2
		if (path ~ /\/mailbox\.[ch]$/) return 1
		return 0
	}
	step($4) > step($1) { print $1 ":" $2 ": includes " $4 }' |
	none 'worker calls scheduler, scheduler calls mailbox, and none the other way'

# 3. The screen sees only the face of the engine; the command line asks the session itself.
face='base/[a-z0-9_]+\.h|analysis/(analysis|explain|param|span|table)\.h|analysis/analyses\.def|run/(dim|site|edit|metric)\.(h|def)|(export/export|session/(args|forecast|job|worker|witness)|model/models|preset/(preset|circuit))\.h'
grep -nE '^#[ \t]*include[ \t]*"engine/' $(find tui -name '*.[ch]' | sort) | grep -vE "\"engine/($face)\"" |
	grep -vE '^tui/(main|cli/[a-z_]*)\.[ch]:[0-9]+:#include "engine/((session/(session|parts|snapshot)|bench/bench)\.h|model/[a-z_/]+\.h|run/(run|direction|vector_file)\.h|numbers/pool\.h)"' |
	none 'tui includes only the face of the engine'
# One door outward: text from a model or a file is made safe for a terminal where it leaves, and leaves nowhere else. term_out.c sends what is
# painted (cells, which hold no control characters), tui.c bytes to itself, crash.c what a signal handler may, witness.c what a test asks for.
code tui | grep -E '(^|[^>])\b(v?f?printf|v?dprintf|f?puts|putchar|f?putc|fwrite|write|writev|perror|psignal)[ \t]*\(|\b(stdout|stderr)\b' |
	grep -vE '^tui/(cli/say|terminal/crash|terminal/term_out|app/witness)\.c:|^tui/(app/)?tui\.c:[0-9]+:.*write\(signal_pipe|^tui/(terminal/)?term\.c:[0-9]+:.*isatty' |
	none 'text leaves only through tui/cli/say.c and the terminal'

# 4. The engine is quiet and never leaves.
code engine | grep -E '\b(printf|puts|putchar|vprintf|perror)[ \t]*\(|\b(stdout|stderr)\b' | grep -v '^engine/base/arena.c:' |
	none 'the engine never prints (arena.c may, before it aborts)'
code engine | grep -E '\b(exit|_exit|_Exit|quick_exit)[ \t]*\(' | none 'the engine never exits'
code engine | grep -E '\b(gets|strcpy|strcat|sprintf|strtok|alloca|atoi|atof)[ \t]*\(' | none 'no calls that cannot be checked'

# 5. What is counted is shared between threads: a copy would read the count while another thread changes it.
{ code engine; code tui; } | grep -E '\bstruct (table|run|snapshot) [a-z_]+( =|;|,|\))' | none 'no copy of what is counted'

# 6. Every technique is in the table, and the table has no other.
comm -3 <(sed -nE 's/^ANALYSIS\(([a-z_0-9]+)\).*/\1/p' engine/analysis/analyses.def | sort) \
	<(ls engine/analyses/*.c | sed 's/.*\///; s/\.c$//' | sort) | none 'engine/analyses and analyses.def name the same techniques'

# 7. A name of a struct, an enum or a union means one thing, also where files keep it to themselves: one search finds it all.
{ sources; find tests -name '*.[ch]'; } | xargs awk '
	match($0, /(struct|enum|union) [a-z0-9_]+ \{/) {
		tag = substr($0, RSTART, RLENGTH - 2)
		if (tag in made) print FILENAME ":" FNR ": " tag " is in " made[tag] " too"
		else made[tag] = FILENAME ":" FNR
	}' | none 'a tag means one thing'

sources | xargs wc -l | awk '$2 != "total" && $1 > 450 { print "# note: " $2 " has " $1 " lines; two subjects?" }'
tap_done
