#!/usr/bin/env bash
# dead.sh BUILD - no function or table is external for nobody: whatever the program's objects define is used by another one of them, or is
# static, or is listed in dead.allow with the reason. nm says both.
set -u
build=${1:?the build folder} here=$(dirname "$0")
. "$here/tap.sh"
export LC_ALL=C

objects=$(find "$build"/libengine.a.p "$build"/tui/libtui.a.p "$build"/lmscope.p -name '*.o')
others=$(find "$build"/tests -name '*.o')
defined() { nm --defined-only -g $1 | awk 'NF == 3 && $2 ~ /^[TDRB]$/ && $3 !~ /^(main$|_|\.)/ { print $3 }' | sort -u; }
used() { nm -u $1 | awk '$1 == "U" { print $2 }' | sort -u; }

unused=$(comm -23 <(defined "$objects") <(used "$objects"))
allowed=$(awk '!/^#/ && NF > 1 { print $1 }' "$here/dead.allow" | sort)

[ "$(defined "$objects" | wc -l)" -gt 500 ]
result $? "the objects of $build are there"
none 'what is external is used elsewhere: delete it, make it static, or give a reason in tests/dead.allow' < <(
	comm -23 <(echo "$unused") <(echo "$allowed"))
none 'what dead.allow lists is used by the program nowhere' < <(comm -13 <(echo "$unused") <(echo "$allowed"))
none 'what dead.allow lists is used by a test' < <(comm -13 <(used "$others") <(echo "$allowed"))
tap_done
