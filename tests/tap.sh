# tap.sh - the Test Anything Protocol for tests in shell: `. tap.sh`, checks, then `tap_done`.
tap_count=0 tap_failed=0

result() # STATUS WHAT [SAID]: passes when STATUS is 0; otherwise SAID is shown
{
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
		[ -z "${3:-}" ] || sed 's/^/# /' <<<"$3"
	fi
}
none() # WHAT: passes when nothing is on standard input; what is there is what breaks the rule
{
	local found
	found=$(cat)
	[ -z "$found" ]
	result $? "$1" "$found"
}
works() # WHAT COMMAND...: passes when the command ends with 0; otherwise its output is shown
{
	local what=$1 said
	shift
	said=$("$@" 2>&1)
	result $? "$what" "$said"
}
skip() # WHY
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count # SKIP $1"
}
tap_done() { echo "1..$tap_count"; exit $((tap_failed > 0)); }
