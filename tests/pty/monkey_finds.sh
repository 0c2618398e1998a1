#!/usr/bin/env bash
# monkey_finds.sh WHAT [SECONDS] - not in the suite: takes one guard out of a copy of this tree and lets the monkey look for what it guards against.
#
#   chunk    a chunk of the pool may be interrupted: an arrow key during a lens aborts the program
#   refused  a question that cannot be answered stays where it was typed: edits that nothing answers
#   stall    writing waits for the terminal: one that takes nothing cannot be left
#
# It passes when the monkey finds that, and prints seed and action: in seed 1, action 248 (chunk), 141 (refused) and 113 (stall) when last
# seen. The guards are a few lines each; the commits that brought them have later work on top of them and cannot be reverted as they are.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
what=${1:-} seconds=${2:-300}
copy=$(mktemp -d)
trap 'git -C "$root" worktree remove --force "$copy/tree" 2>/dev/null; rm -rf "$copy"' EXIT
git -C "$root" worktree add -q --detach "$copy/tree" HEAD
cd "$copy/tree"
case $what in
chunk)
	sign='killed by signal 6'
	sed -i '/assert(!chunk_inside()/d' engine/base/task.c
	sed -i 's/if (task_stopped(g->task))/if (!task_going((struct task *)(size_t)g->task, \&(struct err){ 0 }))/' engine/run/vocab.c
	;;
refused)
	sign='cannot be answered'
	sed -i 's/return shot && shot->has_model && !edit_check/return false \&\& shot \&\& !edit_check/; s/return !metric_check/return false \&\& !metric_check/' tui/app/refuse.c
	sed -i '/^\trefuse_answered(app);$/d' tui/app/app.c
	;;
stall)
	sign='no key is taken|does not end within|was not answered'
	sed -i 's/O_WRONLY | O_NONBLOCK/O_WRONLY/' tui/terminal/term_out.c
	;;
*)
	sed -n '2,9p' "$root/tests/pty/monkey_finds.sh" >&2
	exit 2
	;;
esac
git diff --quiet && { echo "the guard is not where this script looks for it" >&2; exit 2; }
git --no-pager diff --stat
meson setup build -Dwerror=false >/dev/null
ninja -C build lmscope-inject tests/pty/monkey >/dev/null
build/tests/pty/monkey build/lmscope-inject --seconds "$seconds" | tee "$copy/found" || true
if ! grep -qE "^# seed .*($sign)" "$copy/found"; then
	echo "not ok - not found in $seconds s"
	exit 1
fi
echo "ok - found"
