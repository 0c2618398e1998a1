#!/usr/bin/env python3
"""Faults on purpose (engine/base/inject.h) while one works on the screen: notes, bookmarks, a preset, a figure, the session and its log are
saved; wherever the disk is full, a write is short, memory is not there or the program is killed, each file is an old one or a new one, whole,
what was on the screen is in the session, and the terminal is given back.

    faults_screen.py LMSCOPE-INJECT [sanitized]      (speaks TAP; sanitized: a slow one, of whose faults every fourth is tried)
"""
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import sys
import tempfile
import time

import tapcheck
from tapcheck import check

PROGRAM = os.path.abspath(sys.argv[1])
PATIENCE = 120  # seconds for one wait
MOST = 200  # operations on files; no session of these has as many
WRITES = 20  # more than there are
EACH = 4 if sys.argv[2:] else 1
STEP = {"kill": EACH, "full": 3 * EACH, "short": 2 * EACH}
GIVEN_BACK = b"\x1b[?1049l"
ANSWERED = "●".encode()

# Each is awaited; then the next. The pauses are those after which a change is saved. A line that could not be carried out is open again until Esc.
NOTES = ["\x1b[Dcwhy here?\rba", "PAUSE"]
WORK = [*NOTES, ":write mine\r", "\x1b", ":export! lens.csv\r", "\x1b", ":export! lens.svg\r", "\x1b", " ", "PAUSE", "q"]


class Screen:
    """The program on a pseudo-terminal, in a home of its own."""

    def __init__(self, home, fault=None):
        self.home, self.out, self.probes = home, b"", 0
        self.told = home / "told"
        self.told.write_bytes(b"")
        self.errors = home / "errors"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "LMSCOPE_", "NO_COLOR", "COLORTERM", "TMUX"))}
        env = kept | {"HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "LMSCOPE_WITNESS": str(self.told)}
        env |= {"LMSCOPE_FAULT": fault} if fault else {}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            os.dup2(os.open(self.errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            os.execve(PROGRAM, [PROGRAM, "demo", "-p", "The cat sat on"], env)
        self.status = None

    def lines(self):
        return self.told.read_bytes().decode(errors="replace").split("\n")

    def documents(self):
        """All that the program would have saved, at one time or another."""
        return {line[4:].replace("%0a", "\n") for line in self.lines() if line.startswith("doc ")}

    def step(self, seconds=0.01):
        """Reads what there is. False: the program has ended."""
        if self.status is None and select.select([self.fd], [], [], seconds)[0]:
            try:
                self.out += os.read(self.fd, 65536)
            except OSError:  # the other side is closed
                self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status is None

    def await_end(self, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while self.step() and time.monotonic() < end:
            pass
        return self.status

    def settle(self):
        """Until a frame says that F9 was pressed and nothing is computed any more."""
        end = time.monotonic() + PATIENCE
        self.probes += 1
        self.send(b"\x1b[20~")
        while self.step() and time.monotonic() < end:
            frames = [line for line in self.lines() if line.startswith("frame ")]
            if frames and f"probes={self.probes} " in frames[-1] and "idle=1" in frames[-1]:
                break

    def send(self, keys):
        try:
            os.write(self.fd, keys)
        except OSError:
            pass

    def play(self, keys):
        end = time.monotonic() + PATIENCE
        while ANSWERED not in self.out and self.step() and time.monotonic() < end:
            pass
        self.settle()
        for key in keys:
            if not self.step():
                break
            if key == "PAUSE":  # a change is saved after 300 ms of rest, and after 1500 at the latest
                end = time.monotonic() + 0.5
                while self.step() and time.monotonic() < end:
                    pass
            else:
                self.send(key.encode())
            if key != "q":
                self.settle()
        return self

    def kill(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.await_end(5)
        os.close(self.fd)


def sessions(home):
    return sorted((home / ".local/state/lmscope/sessions").glob("*.yaml"))


def left_over(home):
    return [str(p) for p in home.rglob("*.tmp")]


def new_home():
    return pathlib.Path(tempfile.mkdtemp(prefix="lmscope-screen-"))


def files(home):
    return {"preset": home / ".config/lmscope/presets/mine.yaml", "table": home / "lens.csv", "figure": home / "lens.svg"}


def whole_session(home, documents):
    """Each session that is there is one that the program had."""
    return all(p.read_text() in documents for p in sessions(home))


def notes_are_kept():
    """Notes and bookmarks are saved with the session as they change: SIGKILL a moment later loses neither."""
    home = new_home()
    screen = Screen(home).play(["\x1b[D", "PAUSE", "cwhy here?\r", "PAUSE", "ba", "PAUSE"])
    screen.kill()
    text = "".join(p.read_text() for p in sessions(home))
    check("why here?" in text and "letter: a" in text, "a note and a bookmark outlive SIGKILL", text)
    again = Screen(home).play([":recover\r", ":write after\r", "q"])
    after = home / ".config/lmscope/presets/after.yaml"
    check(again.await_end() == 0 and after.exists() and "why here?" in after.read_text(), "and come back by :recover",
          after.read_text() if after.exists() else again.out[-2000:])
    again.kill()
    shutil.rmtree(home)


def under_faults():
    home = new_home()
    screen = Screen(home).play(WORK)
    status = screen.await_end()
    screen.kill()
    new = {name: path.read_bytes() for name, path in files(home).items() if path.exists()}
    check(status == 0 and len(new) == 3, "without a fault all is saved", f"status {status}, {list(new)}, {screen.errors.read_text()}")
    old = {"preset": new["preset"].replace(b"The cat sat on", b"An older prompt"), "table": b"older\n" * 900, "figure": b"<svg/>\n" * 900}
    shutil.rmtree(home)
    for kind in "kill", "full", "short":
        faults(kind, old, new)


def faults(kind, old, new):
    torn, unsaid, ends, met = [], [], [], 0
    for n in range(1, MOST, STEP[kind]):
        home = new_home()
        for name, path in files(home).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(old[name])
        screen = Screen(home, f"{kind} {n}").play(WORK)
        status = screen.await_end()
        now = {name: path.read_bytes() if path.exists() else b"" for name, path in files(home).items()}
        saved = [name for name in now if now[name] == new[name]]
        wrong = [name for name in now if now[name] not in (old[name], new[name])]
        if wrong or not whole_session(home, screen.documents()):
            torn.append(f"{kind} {n}: {wrong or 'the session'}")
        if kind == "full" and (len(saved) < 3) != (b"No space left" in screen.out) and len(saved) < 3:
            unsaid.append(f"{kind} {n}: only {saved} saved, and not a word")
        if status != (-signal.SIGKILL if kind == "kill" and status else 0) or (status == 0 and (GIVEN_BACK not in screen.out or left_over(home))):
            ends.append(f"{kind} {n}: status {status}, left {left_over(home)}, {screen.errors.read_text()}")
        if kind == "short" and len(saved) < 3:
            ends.append(f"{kind} {n}: only {saved} saved")
        screen.kill()
        shutil.rmtree(home)
        fine = status == 0 and len(saved) == 3
        met += not fine
        if fine and (kind != "short" or n > WRITES):
            break
    check(not torn, f"{kind}: each file is an old one or a new one, whole", "; ".join(torn))
    check(not unsaid, f"{kind}: what could not be saved is said", "; ".join(unsaid))
    check(not ends, f"{kind}: the program ends as it should, and leaves nothing", "; ".join(ends))
    if kind != "short":
        check(met > 20 / STEP[kind], f"{kind}: it was met in {met} places")


def without_memory():
    """The n-th allocation fails: a sentence, exit status 1, the terminal given back; or none the less an answer."""
    wrong, refused = [], 0
    for n in [900, 4000, 9000, 20000, 33000, 50000, 70000, 100000, 140000, 190000][::EACH]:
        home = new_home()
        screen = Screen(home, f"alloc {n}").play(WORK)
        status = screen.await_end()
        said = screen.errors.read_text()
        refused += status == 1
        given_back = b"\x1b[?1049h" not in screen.out or GIVEN_BACK in screen.out
        if not given_back or status not in (0, 1) or (status == 1 and "memory" not in said) or not whole_session(home, screen.documents()):
            wrong.append(f"alloc {n}: status {status}, given back {given_back}, '{said}'")
        screen.kill()
        shutil.rmtree(home)
    check(not wrong, "memory that is not there ends with a sentence and gives the terminal back; the session is whole", "; ".join(wrong))
    check(refused > (0 if EACH > 1 else 2), f"it was met {refused} times")


notes_are_kept()
under_faults()
without_memory()
sys.exit(tapcheck.done())
