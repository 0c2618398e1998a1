#!/usr/bin/env bash
# stems.sh LMSCOPE [FOLDER] - one grep finds all of a technique: logit-lens is engine/analyses/logit_lens.c, a row of analyses.def, a preset
# presets/logit_lens.yaml, and a test of its numbers, tests/analyses/logit_lens.c. The same for views. Says what is missing.
set -u
. "$(dirname "$0")/tap.sh"
lmscope=${1:?the program}
case $lmscope in /*) ;; *) lmscope=$PWD/$lmscope ;; esac
cd "${2:-$(dirname "$0")/..}" || exit 1
export LC_ALL=C

rows=$(sed -nE 's/^ANALYSIS\(([a-z_0-9]+)\).*/\1/p' engine/analysis/analyses.def | sort)
each() { for stem in $rows; do name=${stem//_/-}; "$@"; done; }

without_file() { [ -e "engine/analyses/$stem.c" ] || echo "engine/analyses/$stem.c"; }
without_name() { grep -q "\.name = \"$name\"" "engine/analyses/$stem.c" || echo "engine/analyses/$stem.c: .name = \"$name\""; }
without_preset() { grep -qs "analysis: $name\b" "presets/$stem.yaml" || echo "presets/$stem.yaml: analysis: $name"; }
without_test() { grep -qs "\"$name[\" ]" "tests/analyses/$stem.c" || echo "tests/analyses/$stem.c, which asks \"$name\""; }

none 'there are techniques' < <([ -n "$rows" ] || echo engine/analysis/analyses.def)
none 'each row of analyses.def is a file' < <(each without_file)
none 'each file of engine/analyses is a row' < <(comm -13 <(echo "$rows") <(ls engine/analyses/*.c | sed 's/.*\///; s/\.c$//' | sort))
none 'each technique is called as its file is' < <(each without_name)
none 'each technique has a preset of its name, which asks it' < <(each without_preset)
none 'each technique has a test of its numbers' < <(each without_test)
none 'the program lists them all' < <(diff <(tr _ - <<<"$rows" | sort) <("$lmscope" analyses -f json | grep -oE '^\{"name":"[^"]+' | cut -d'"' -f4 | sort))

# Views: a row of views.def each, and every look of a table is one that a view asks for. That each view draws a sample is in screens/views.c.
made=$(sed -nE 's/^const struct view_kind view_([a-z_]+) .*/\1/p' tui/views/*.c | sort)
none 'tui/views and views.def name the same views' < <(diff <(echo "$made") <(sed -nE 's/^VIEW\(([a-z_]+),.*/\1/p' tui/views/views.def | sort))
none 'each look of a table has a view' < <(grep -E '^enum look \{' engine/analysis/table.h | grep -oE 'LOOK_[A-Z]+' |
	while read -r look; do grep -q "== $look\b" tui/views/*.c || echo "$look"; done)

# Metrics: a row of metrics.def is a file of its stem, whose word it is, and a number that a test knows.
metrics=$(sed -nE 's/^METRIC\([A-Z_]+,[ \t]*([a-z_]+)\).*/\1/p' engine/run/metrics.def | sort)
none 'each row of metrics.def is a file, and each file a row' < <([ -n "$metrics" ] || echo engine/run/metrics.def
	diff <(echo "$metrics") <(ls engine/run/metrics/*.c | sed 's/.*\///; s/\.c$//' | sort))
none 'each metric is called as its file is' < <(for stem in $metrics; do
	grep -q "\.word = \"$stem\"" "engine/run/metrics/$stem.c" || echo "engine/run/metrics/$stem.c: .word = \"$stem\""; done)
none 'each metric is asked by a test of its numbers' < <(for stem in $metrics; do
	grep -qE "\"$stem( |\")" tests/numbers/*.c || echo "tests/numbers/metrics.c: $stem"; done)

# The documents: each `function()` and each file that they name is there.
for doc in docs/ARCHITECTURE.md CONTRIBUTING.md; do
	text=$(awk '/^```c$/ { inside = 1 } !inside; /^```$/ { inside = 0 }' $doc)
	none "each function that $doc names is there" < <(grep -oE '`[a-z_0-9]+\(\)`' <<<"$text" | tr -d '`()' | sort -u |
		while read -r name; do grep -rqwE "$name" engine tui --include='*.[ch]' || echo "$name()"; done)
	none "each file that $doc names is there" < <(grep -oE '`[a-zA-Z_0-9./-]+\.(c|h|def|sh|py|yaml|md)`' <<<"$text" | tr -d '`' | sort -u |
		while read -r file; do case $file in */attention_distance.* | */margin.c) ;; *)
			[ -e "$file" ] || [ -n "$(find engine tui tests tools docs themes presets -path "*/$file" -print -quit)" ] || echo "$file" ;; esac; done)
done
tap_done
