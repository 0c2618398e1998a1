#!/usr/bin/env bash
# tidy.sh BUILD - clang-tidy finds nothing of .clang-tidy's short list in the sources of the engine and the screen.
set -u
. "$(dirname "$0")/tap.sh"
build=$1
cd "$(dirname "$0")/.." || exit 1

if ! command -v clang-tidy >/dev/null; then
	skip 'clang-tidy is not installed'
	tap_done
fi
check() { find engine tui -name '*.c' | sort | xargs -P "$(nproc)" -n 8 clang-tidy --quiet -p "$build" --extra-arg=-Wno-unknown-warning-option 2>/dev/null; }
none 'clang-tidy finds nothing' < <(check | grep -E '(warning|error):' | sort -u)
tap_done
