#!/usr/bin/env bash
# killed.sh STEPS PROGRAM - SIGKILL while one types on: what is found again is what was on the screen at most two seconds before, and whole.
# The moments come from a seed (SEED=N, 1 by default), so that a failure can be had again. ROUNDS=N: so many, for as long as you like.
set -u
. "$(dirname "$0")/../tap.sh"
steps=$1 program=$2
RANDOM=${SEED:-1}
script=$(mktemp) letters=abcdefghijklmnopqrstuvwxyz
trap 'rm -f "$script"' EXIT
for round in $(seq "${ROUNDS:-6}"); do
	typed=$((RANDOM % 26 + 1)) rest=$((RANDOM % 1800))
	{
		printf 'start demo -p "%d"\nuntil next token\nuntil ● \nkey e\ntype %s\n' "$round" " ${letters:0:typed}"
		printf 'until %s\nshell sleep 1.8\n' "$round ${letters:0:typed}"
		printf 'type %s\nshell sleep %d.%03d\nsignal KILL\nexit KILL\n' "ZZZ" $((rest / 1000)) $((rest % 1000))
		# The last two seconds may be lost, and no more.
		printf 'shell grep -qE "^prompt: .?%d %s(Z|ZZ|ZZZ)?.?$" ~/.local/state/lmscope/sessions/*.yaml\n' "$round" "${letters:0:typed}"
		printf 'start demo\nuntil the last session ended early\nuntil next token\nkey :\ntype recover\nkey Enter\nuntil %s\n' "$round ${letters:0:typed}"
		# The recovered session replaces the one it came from, a moment later.
		printf 'shell for i in 1 2 3 4 5 6 7 8 9 10; do test "$(ls ~/.local/state/lmscope/sessions | grep -c yaml$)" = 1 && exit 0; sleep 0.5; done; exit 1\n'
		printf 'key q\nexit 0\n'
	} >"$script"
	works "killed $rest ms after the last letter of \"${letters:0:typed}\"" "$steps" "$program" "$script"
done
tap_done
