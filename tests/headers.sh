#!/usr/bin/env bash
# headers.sh BUILD-FOLDER COMPILER... - every header compiles alone, and twice; so do the programs in the documents.
set -u
. "$(dirname "$0")/tap.sh"
build=$1
shift
cd "$(dirname "$0")/.." || exit 1

strict='-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror'
for header in $(find engine tui -name '*.h' | sort); do
	said=$(printf '#include "%s"\n#include "%s"\n' "$header" "$header" | "$@" $strict -Wpedantic -I. -I"$build" -fsyntax-only -x c - 2>&1)
	result $? "$header" "$said"
done
said=$(awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' docs/ARCHITECTURE.md |
	"$@" $strict -Wconversion -Wno-missing-field-initializers -I. -I"$build" -fsyntax-only -x c - 2>&1)
result $? 'the technique in docs/ARCHITECTURE.md compiles' "$said"
tap_done
