#!/usr/bin/env bash
# format.sh - no line is wider than 132 columns, and the sources are laid out as .clang-format says. Other versions than Debian 12's lay
# out some lines otherwise.
set -u
. "$(dirname "$0")/tap.sh"
cd "$(dirname "$0")/.." || exit 1

sources() { find engine tui tests -not -path '*/fixtures/*' \( "$@" \) | sort; }
wide() { sources -name '*.[ch]' -o -name '*.def' | xargs python3 tools/wrap --list; }
works 'no line of a source or a list is wider than 132 columns: tools/wrap FILE' wide

format=
for name in clang-format-14 clang-format; do
	"$name" --version 2>/dev/null | grep -q 'version 14\.' && format=$name && break
done
if [ -z "$format" ]; then
	skip 'clang-format 14 is not installed'
	tap_done
fi
check() { sources -name '*.[ch]' | xargs -P "$(nproc)" -n 32 "$format" --dry-run 2>&1; }
none 'every source is laid out as .clang-format says: clang-format -i FILE' < <(check | grep -E '(warning|error):' | sort -u)
tap_done
