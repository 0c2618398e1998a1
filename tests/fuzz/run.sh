#!/usr/bin/env bash
# run.sh TARGET NAME SECONDS (or $FUZZ_SECONDS): looks for inputs that break a fuzz target, from the corpus and from what was found before.
# What breaks it is left beside the target as NAME-crash-…; a small one belongs into corpus/NAME when the defect is gone.
# (libFuzzer's own exit status for a defect, 77, would be taken for a test that was skipped.)
set -eu
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
target=$1 name=$2 seconds=${FUZZ_SECONDS:-$3}
found=$(dirname "$target")/found-$name
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
mkdir -p "$found"
set --
[ ! -e "$here/$name.dict" ] || set -- "-dict=$here/$name.dict"
exec "$target" "$@" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=1500 -max_len=65536 -print_final_stats=1 -verbosity=0 -error_exitcode=1 \
	-artifact_prefix="$(dirname "$target")/$name-" "$found" "$here/corpus/$name"
