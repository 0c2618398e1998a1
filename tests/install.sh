#!/usr/bin/env bash
# install.sh BUILD-FOLDER - what `meson install` puts where, and that the installed program finds it without the source tree.
set -u
. "$(dirname "$0")/tap.sh"
build=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

at_least() # N GLOB
{
	local n=$1
	shift
	[ "$(ls -d "$@" 2>/dev/null | wc -l)" -ge "$n" ]
}

# The meson that the folder was set up with.
install=$(sed -n '/^build meson-internal__install:/,/COMMAND/s/^ *COMMAND = //p' "$build/build.ninja" | head -n 1)
export DESTDIR=$folder/root
works 'meson install works' bash -c "cd '$build' && $install"
unset DESTDIR
program=$(find "$folder/root" -path '*/bin/lmscope' -type f)
prefix=${program%/bin/lmscope}
works 'the program is in bin' test -x "$program"
works 'six presets or more' at_least 6 "$prefix"/share/lmscope/presets/*.yaml
works 'four themes or more' at_least 4 "$prefix"/share/lmscope/themes/*.yaml
works 'the demo model' test -e "$prefix/share/lmscope/models/demo/config.json"
works 'the man page' test -s "$prefix/share/man/man1/lmscope.1"
works 'nothing else' bash -c "! find '$prefix' -type f | grep -vE '/bin/lmscope$|/share/lmscope/(presets|themes|models/demo)/|/share/man/man1/lmscope.1$'"

# Moved elsewhere as a whole, with nothing of the person who builds in its environment.
mv "$prefix" "$folder/moved"
mkdir "$folder/home"
installed() { env -i HOME="$folder/home" PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$folder/moved/bin/lmscope" "$@"; }
finds() { installed info demo | grep -F "$folder/moved/share/lmscope/models/demo"; }
works 'the installed program finds its own demo model' finds
works 'and answers' installed print next-token demo -p 'Once upon a time'
for preset in "$folder"/moved/share/lmscope/presets/*.yaml; do
	name=$(basename "$preset" .yaml)
	if ! grep -q '^model: demo$' "$preset"; then
		echo "# $name is for a model that does not come with the program"
		continue
	fi
	works "and has the preset $name" installed print --preset "$name" -f json
done
tap_done
