#!/usr/bin/env bash
# headers.sh BUILD-FOLDER COMPILER... - every header compiles alone, and twice; so do the programs in the documents.
set -u
build=$1
shift
cd "$(dirname "$0")/.." || exit 1

count=0 failed=0
for header in $(find engine tui -name '*.h' | sort); do
	count=$((count + 1))
	if said=$(printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
		"$@" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -I. -I"$build" -fsyntax-only -x c - 2>&1); then
		echo "ok $count - $header"
	else
		failed=$((failed + 1))
		echo "not ok $count - $header"
		sed 's/^/# /' <<<"$said"
	fi
done
count=$((count + 1))
if said=$(awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' docs/ARCHITECTURE.md |
	"$@" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wno-missing-field-initializers -Werror -I. -I"$build" -fsyntax-only -x c - 2>&1); then
	echo "ok $count - the technique in docs/ARCHITECTURE.md compiles"
else
	failed=$((failed + 1))
	echo "not ok $count - the technique in docs/ARCHITECTURE.md compiles"
	sed 's/^/# /' <<<"$said"
fi
echo "1..$count"
exit $((failed > 0))
