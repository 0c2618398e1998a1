#!/bin/sh
# direct_color.sh TERM - terminfo's entry for TERM, changed to take colours as red, green, blue, in the form that ncurses reads from
# the variable TERMINFO; as the characters of a C string. Debian's own entries of this kind are in a package that few have.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
rgb() {
	printf '\\E[%%?%%p1%%{8}%%<%%t%s%%p1%%d%%e%s8;2;%%p1%%{65536}%%/%%d;%%p1%%{256}%%/%%{255}%%&%%d;%%p1%%{255}%%&%%d%%;m' "$1" "$1"
}
{
	infocmp -1 -x "$1" | grep -v -E '^#|^	(colors|pairs|ccc|initc|initp|oc|setaf|setab|setf|setb|RGB)[#=,]'
	printf '\tcolors#0x1000000,\n\tpairs#0x10000,\n\tRGB,\n\tsetaf=%s,\n\tsetab=%s,\n' "$(rgb 3)" "$(rgb 4)"
} > "$folder/entry.ti"
tic -x -o "$folder" "$folder/entry.ti"
infocmp -x -A "$folder" -Q2 "$1" | grep -v '^#' | tr -d '\n' | sed "s/./'&',/g"
echo 0
