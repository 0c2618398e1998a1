#!/usr/bin/env python3
"""Low limits on memory, stack and threads: the program does what it can with them, or ends soon with a sentence and exit status 1. Never a
crash, and nothing of it stays.

    limits.py LMSCOPE [sanitized]      (speaks TAP; sanitizers need the memory and the stack for themselves)
"""
import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

import tapcheck
from tapcheck import check, skip

LMSCOPE, SANITIZED = os.path.abspath(sys.argv[1]), "sanitized" in sys.argv[2:]
PATIENCE = 120
NOBODY = 65534
COMMANDS = {
    "print": ["print", "next-token", "demo", "-p", "one two"],
    "patching": ["print", "activation-patching", "demo", "-p", "Tom ran", "--foil", "Anna ran"],
    "generate": ["generate", "demo", "-p", "one two"],
}


def limited(limits, user=None):
    """To be called in the child: the limits, (soft, hard) each, and then the user, since root has none on threads."""
    def apply():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for which, soft_and_hard in limits.items():
            resource.setrlimit(which, soft_and_hard)
        if user:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
    return apply


def run(arguments, limits, user=None):
    """Status (None: it never ended), stderr, and what is left of its process group."""
    p = subprocess.Popen([LMSCOPE, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                         start_new_session=True, preexec_fn=limited(limits, user))
    try:
        said = p.communicate(timeout=PATIENCE)[1]
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        return None, p.communicate()[1]
    try:
        os.killpg(p.pid, signal.SIGKILL)
        said += "(a process of it was left)\n"
    except ProcessLookupError:
        pass
    return p.returncode, said


def is_good(status, said):
    """Done, perhaps with a note; or one sentence and 1, which may come after notes."""
    own = all(line.startswith("lmscope: ") for line in said.splitlines())
    return "had to stop" not in said and "was left" not in said and own and (status == 0 or (status == 1 and said.count("\n") >= 1))


def address_space(kilobytes):
    return {resource.RLIMIT_AS: (kilobytes << 10, kilobytes << 10)}


def loads(kilobytes):
    """With less, the system's loader cannot bring the program's libraries in, and that is its own message."""
    return run(["--version"], address_space(kilobytes))[0] == 0


def check_memory():
    least = next(k for k in range(4000, 100000, 500) if loads(k))
    for what, command in COMMANDS.items():
        wrong, ends = [], set()
        for kilobytes in [*range(least, least + 10000, 700), 30000, 60000, 100000]:
            status, said = run(command, address_space(kilobytes))
            ends.add(status)
            if not is_good(status, said):
                wrong.append(f"{kilobytes} KB: {status}, {said!r}")
        check(not wrong, f"{what} with {least} KB of memory and more", "; ".join(wrong))
        check(ends == {0, 1}, f"{what} needs some of it", f"ends with {ends}")


def check_stack():
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    status, said = run(COMMANDS["print"], {resource.RLIMIT_STACK: (64 << 10, 64 << 10)})
    check(status == 1 and is_good(status, said) and "ulimit -s" in said, "a stack of 64 KB is refused", f"{status}, {said!r}")
    status, said = run(COMMANDS["print"], {resource.RLIMIT_STACK: (64 << 10, hard)})
    check(status == 0, "and raised where that is allowed", f"{status}, {said!r}")
    status, said = run(COMMANDS["patching"], {resource.RLIMIT_STACK: (512 << 10, 512 << 10)})
    check(status == 0, "the least that is accepted is enough", f"{status}, {said!r}")


def screen(limits, user):
    """Starts the program on a screen of its own; its status, and what it said."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", HOME="/nonexistent")
        limited(limits, user)()
        os.execv(LMSCOPE, [LMSCOPE, "demo", "-p", "one two"])
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(PATIENCE)
    said = b""
    try:
        while part := os.read(fd, 65536):
            said += part
    except OSError:
        pass
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    signal.alarm(0)
    os.close(fd)
    return code, said.decode(errors="replace")


def readable_by_others():
    path = LMSCOPE
    while path != "/":
        if not os.stat(path).st_mode & 0o005:
            return False
        path = os.path.dirname(path)
    return True


def check_threads():
    one = {resource.RLIMIT_NPROC: (1, 1)}
    user = NOBODY if os.getuid() == 0 else None
    if user and not readable_by_others():
        return skip("another user, for whom the limit holds, cannot read the program")
    status, said = run(COMMANDS["patching"], one, user)
    check(status == 0, "without threads of its own the program works", f"{status}, {said!r}")
    status, said = screen(one, user)
    check(status == 1 and "thread could not be started" in said, "a screen needs one, and says so", f"{status}, {said!r}")


def check_file_size():
    """A write that is cut short by a limit, as by a disk that is full: its sentence says why, and names the file."""
    folder = tempfile.mkdtemp(prefix="lmscope-limits-")
    prompts, kept = os.path.join(folder, "prompts.txt"), os.path.join(folder, "kept")
    with open(prompts, "w", encoding="ascii") as f:
        f.write("one two\nthree four\n" * 20)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    small = {resource.RLIMIT_FSIZE: (1500, 1500)}
    status, _, said, _ = tapcheck.run(LMSCOPE, "print", "head-attribution", "demo", "--over", prompts, "--resume", kept,
                                      restore_signals=False, preexec_fn=limited(small))
    check(status == 1 and said.count("\n") == 1 and "File too large" in said and "kept" in said,
          "what cannot be kept is said, with the reason", f"{status}, {said!r}")
    shutil.rmtree(folder)


def check_libraries():
    loaded = tapcheck.run(LMSCOPE, env=dict(os.environ, LD_TRACE_LOADED_OBJECTS="1")).out
    check("libc.so" in loaded and "blas" not in loaded, "no library is loaded that starts threads by itself", loaded)


if SANITIZED:
    skip("sanitizers take terabytes of address space and more stack")
else:
    check_libraries()
    check_memory()
    check_stack()
    check_threads()
    check_file_size()
sys.exit(tapcheck.done())
