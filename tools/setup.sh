# setup.sh - sourced by run and check: what lmscope is made from, how a missing piece is installed, how a folder is built.
# Every message goes to stderr, one line for each thing that is done. Nothing here reads standard input.

# Debian's package, and what shows that the piece is there wherever it came from (a command, a header, a pkg-config module).
build_needs='
gcc                      command cc
libc6-dev                header  stdio.h
meson                    command meson
ninja-build              command ninja
pkgconf                  command pkg-config
libopenblas-pthread-dev  module  openblas
libncurses-dev           module  ncursesw
libyaml-dev              module  yaml-0.1
libjansson-dev           module  jansson
libutf8proc-dev          module  libutf8proc
libpcre2-dev             module  libpcre2-8
libzip-dev               module  libzip
'
check_needs='
libvterm-dev             module  vterm
clang-format             command clang-format
'
clang_needs='
clang                    command clang
'
fuzz_needs='
clang                    command clang
libclang-rt-14-dev       file    /usr/lib/llvm-14/lib/clang/14*/lib/linux/libclang_rt.fuzzer-x86_64.a
'
tidy_needs='
clang-tidy               command clang-tidy
'

installed=	# not empty once something was

say() { printf 'lmscope: %s\n' "$*" >&2; }

# The distribution's own program where there is one: a version manager's shim of the same name may lead nowhere.
tool() { if [ -x "/usr/bin/$1" ]; then echo "/usr/bin/$1"; else echo "$1"; fi; }
works() { [ -x "/usr/bin/$1" ] || { command -v "$1" && "$1" --version; } >/dev/null 2>&1; }

present() # KIND WHAT
{
	case $1 in
	command) works "$2" ;;
	module) works pkg-config && "$(tool pkg-config)" --exists "$2" ;;
	header) printf '#include <%s>\n' "$2" | cc -E - >/dev/null 2>&1 ;;
	file) ls $2 >/dev/null 2>&1 ;;
	esac
}

missing_packages() # ROWS
{
	while read -r package kind what; do
		[ -z "$package" ] || present "$kind" "$what" || printf ' %s' "$package"
	done <<-rows
	$1
	rows
}

has_apt()
{
	command -v apt-get >/dev/null && grep -qsE '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release
}

# Quiet: apt's own words are shown only when it fails. The lists of packages are fetched where there are none, or where they lead
# to nothing any more.
apt() # PREFIX PACKAGE...
{
	local prefix=$1 log status=1 have
	shift
	log=$(mktemp)
	have=$(apt-cache policy "$1" 2>/dev/null | grep -E 'Candidate: [0-9]' || true)
	for attempt in ${have:+old} new; do
		if [ "$attempt" = new ]; then
			say "apt-get update"
			$prefix env DEBIAN_FRONTEND=noninteractive apt-get update </dev/null >>"$log" 2>&1 || true
		fi
		say "apt-get install $*"
		if $prefix env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 \
			install -y --no-install-recommends "$@" </dev/null >>"$log" 2>&1; then
			status=0
			break
		fi
	done
	[ $status = 0 ] || tail -n 20 "$log" >&2
	rm -f "$log"
	return $status
}

# Installs what is missing, or says what is and returns 1.
need() # ROWS
{
	local missing
	missing=$(missing_packages "$1")
	[ -n "$missing" ] || return 0
	if ! has_apt; then
		say "not found here; install what your distribution calls:$missing"
		return 1
	fi
	if [ "$(id -u)" = 0 ]; then
		apt '' $missing
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		apt 'sudo -n' $missing
	else
		say "some packages are missing, and installing them takes root. Run:"
		say "sudo apt-get install -y --no-install-recommends$missing"
		return 1
	fi || return 1
	missing=$(missing_packages "$1")
	[ -z "$missing" ] || { say "still not found after the installation:$missing"; return 1; }
	installed=1
}

# Sets FOLDER up where it is new, and builds it: all of it, or what the tests of SUITE need. Further words are options for meson.
build() # FOLDER [suite=SUITE] [OPTION...]
{
	local folder=$1 log status=0 suite= targets=
	shift
	case ${1:-} in suite=*) suite=${1#suite=}; shift ;; esac
	export NINJA
	NINJA=$(tool ninja)
	log=$(mktemp)
	if [ -e "$folder/build.ninja" ] && ! grep -qF "\"source\": \"$root\"" "$folder/meson-info/meson-info.json"; then
		say "${folder##*/} was made for another place; it is set up again"
		rm -rf "$folder"
	fi
	# What was just installed changes what can be built: an older folder has to look again.
	if [ ! -e "$folder/build.ninja" ] || [ -n "$installed" ]; then
		[ ! -e "$folder/build.ninja" ] || set -- --reconfigure "$@"
		say "meson setup ${folder##*/}"
		"$(tool meson)" setup "$folder" "$root" "$@" </dev/null >"$log" 2>&1 || status=$?
	fi
	[ -z "$suite" ] || [ $status != 0 ] || targets=$("$(tool python3)" "$root/tools/targets" "$folder" "$suite") || status=$?
	if [ $status = 0 ] && ! "$NINJA" -C "$folder" -n $targets </dev/null 2>&1 | grep -q 'no work to do'; then
		say "building in ${folder##*/}"
		"$NINJA" -C "$folder" $targets </dev/null >"$log" 2>&1 || status=$?
	fi
	[ $status = 0 ] || { tail -n 40 "$log" >&2; say "${folder##*/} could not be built"; }
	rm -f "$log"
	return $status
}
