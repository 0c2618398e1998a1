#!/usr/bin/env bash
# harness.sh STEPS [sanitized] - the harness itself: what it must see in a program of three lines, and what it must not let pass.
set -u
. "$(dirname "$0")/../tap.sh"
steps=$1
too_many=5
[ -z "${2:-}" ] || too_many=pass	# bytes are not judged under a sanitizer
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The steps on standard input pass, or fail at the line that is named.
plays() # WHAT pass|LINE
{
	local said line
	cat >"$folder/a.steps"
	said=$("$steps" bash "$folder/a.steps" 2>&1)
	line=$(sed -nE 's/^not ok [0-9]+ - ([0-9]+):.*/\1/p' <<<"$said")
	[ "${line:-pass}" = "$2" ]
	result $? "$1" "$said"
}

plays 'a polite program passes, through Ctrl-Z too' pass <<'EOS'
size 60x10
start -c "printf '\033[?1049h\033[?25l\033[31mhello world'; read x; printf '\033[0m\033[?1049l\033[?25h'; exit 3"
until hello
expect lo wo
absent nothing
key C-z
stopped
continue
type abc
until abc
key Enter
exit 3
restored
EOS
plays 'a text that never comes' 3 <<'EOS'
patience 300
start -c "echo here; read x"
until elsewhere
EOS
plays 'another exit status' 2 <<'EOS'
start -c "exit 4"
exit 0
EOS
plays 'a killed program has no exit status' 3 <<'EOS'
start -c "read x"
signal TERM
exit 0
EOS
for left in '\033[?1049h' '\033[?25l' '\033[?1000;1006h' '\033[?2004h' '\033[7m' '\033[44m' '\033='; do
	plays "what is left behind is seen: $left" 3 <<EOS
start -c "printf '$left'"
exit 0
restored
EOS
done
plays 'raw modes left behind are seen' 3 <<'EOS'
start -c "stty raw -echo"
exit 0
restored
EOS
plays 'a new size arrives' pass <<'EOS'
start -c "trap 'stty size' WINCH; echo up; while :; do read -t 0.05 x; done"
until up
size 100x30
until 30 100
EOS
plays 'too many bytes are seen' $too_many <<'EOS'
start -c "read x; printf '%0200d' 0; read x; printf '%0200d' 0; read x"
key Enter
bytes 300
key Enter
bytes 100
EOS
plays 'a lost connection ends the program' pass <<'EOS'
start -c "echo up; exec sleep 60"
until up
hangup
exit HUP
EOS
tap_done
