"""tapcheck.py - the Test Anything Protocol for tests in Python, and the program run as a person would run it."""
import subprocess
import sys
from typing import NamedTuple

_count = _failed = 0


def check(ok, what, why=""):
    """One line of TAP; `why` is printed when the check fails."""
    global _count, _failed
    _count += 1
    _failed += not ok
    print(f"{'ok' if ok else 'not ok'} {_count} - {what}")
    if not ok and why != "":
        print("# " + str(why)[:2000].replace("\n", "\n# "))
    sys.stdout.flush()
    return bool(ok)


def skip(why):
    """A check that cannot run here, with the reason."""
    global _count
    _count += 1
    print(f"ok {_count} # SKIP {why}", flush=True)


def done():
    """The plan, at the end; the status to exit with."""
    print(f"1..{_count}", flush=True)
    return _failed > 0


class Result(NamedTuple):
    status: int
    out: str
    err: str
    raw: bytes  # standard output as it came


def run(*command, timeout=300, **options):
    """Runs a command to its end. Options are those of subprocess.run; standard input is empty."""
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    ended = subprocess.run([*map(str, command)], capture_output=True, timeout=timeout, check=False, **options)
    return Result(ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace"), ended.stdout)
