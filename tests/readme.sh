#!/usr/bin/env bash
# readme.sh PROGRAM - the README tells the truth: its tables are the program's, its commands work, its files are there.
set -u
. "$(dirname "$0")/tap.sh"
program=$(readlink -f "$1")
cd "$(dirname "$0")/.." || exit 1
python3=python3
[ ! -x /usr/bin/python3 ] || python3=/usr/bin/python3

said=$("$python3" tools/readme "$program" | diff README.md - 2>&1)
result $? 'the tables of techniques and keys (tools/readme makes them)' "$said"

# Every command in a block that is marked for a shell and that needs no screen is run unchanged.
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
ln -s "$program" "$bin/lmscope"
run=0
while IFS= read -r line; do
	case $line in
	lmscope\ *) ;;
	*) continue ;;
	esac
	case $line in
	*~/*|*MODEL*) continue ;;	# a model that only its reader has
	esac
	case $line in
	*\ print\ *|*\ analyses*|*\ info*|*\ tokens\ *|*\ generate\ *|*--version*|*--help*) ;;
	*) continue ;;
	esac
	run=$((run + 1))
	said=$(cd "$bin" && PATH=$bin:$PATH HOME=$bin timeout 60 bash -o pipefail -c "$line" 2>&1 </dev/null) && { [ -n "$said" ] || [ -s "$bin/${line##*> }" ]; }
	result $? "$line" "$said"
done < <(awk '/^```/ { inside = !inside && /^```sh/; next } inside' README.md)
[ "$run" -gt 4 ]
result $? "$run commands were found"

for file in $(grep -oE '\]\([^)#:]+\)' README.md | sed 's/^](//; s/)$//'); do
	[ -e "$file" ]
	result $? "$file is there"
done
tap_done
