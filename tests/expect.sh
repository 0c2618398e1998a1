#!/usr/bin/env bash
# expect.sh PROGRAM - `print --check`: what a preset expects, held: its lines, and its exit status 0, 1 or 2.
set -u
. "$(dirname "$0")/tap.sh"
program=$(readlink -f "$1")
cd "$(dirname "$0")/.." || exit 1
export LMSCOPE_SHARE=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# A preset with those lines expected of its attention pane, checked with further options.
preset() # LINES
{
	cat >"$folder/p.yaml" <<-END
	model: demo
	prompt: "one two three"
	metric: entropy
	expect: [metric > 0]
	panes:
	  - [{analysis: attention, args: {layer: 0, head: 1}, expect: [$1]}, residual-norms]
	END
}
check() # STATUS PATTERN WHAT OPTION…
{
	local status=$1 pattern=$2 what=$3 said
	shift 3
	said=$("$program" print --preset "$folder/p.yaml" --check "$@" 2>&1)
	[ $? = "$status" ] && grep -qE -- "$pattern" <<<"$said"
	result $? "$what" "$said"
}

preset 'cell 0 0 = 1 ± 1e-5'
check 0 '^ok     expected metric > 0, actual [0-9.]+$' 'of the whole'
check 0 '^ok     pane 1 attention: expected cell 0 0 = 1 ± 1e-5, actual 1$' 'of a pane'
check 0 '^ok     pane 1 attention: expected rows sum to 1: 1, actual 1$' "a table's own check"
check 0 '^\{"ok":true,"pane":1,"analysis":"attention","expected":"cell 0 0 = 1 ± 1e-5","actual":"1"\}$' 'as JSON' -f json
check 1 '^DRIFT  pane 1 attention: expected cell 0 0 = 1 ± 1e-5, actual 0$' 'an edit makes it drift' -e 'pattern 0.1 zero'
check 1 '^lmscope: 1 of [23] expectations drifted$' 'says how many' -e 'pattern 0.1 zero'
check 2 '--check: of one prompt' 'not over a file of prompts' --over "$folder/p.yaml"
check 2 '--check: of one prompt' 'not for each head' --each head
check 2 'writes text or json, not csv' 'not as a table' -f csv
preset 'cell 0 0 > 2'
check 1 '^DRIFT  pane 1 attention: expected cell 0 0 > 2, actual 1$' 'what is wrong drifts'
preset 'cell 0 0 >'
check 2 "p.yaml:6: expect 'cell 0 0 >': a number is missing at its end" 'a line that does not parse'
said=$("$program" print residual-norms demo -p a --check 2>&1)
[ $? = 2 ] && grep -q 'nothing is expected here' <<<"$said"
result $? 'nothing to hold' "$said"
tap_done
