#!/usr/bin/env python3
"""Faults on purpose (engine/base/inject.h): whatever file is saved, and wherever the disk is full or the program is killed, the file is the
old one or the new one, whole; and memory that is not there ends with a sentence.

    faults.py LMSCOPE-INJECT      (speaks TAP)
"""
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

import tapcheck
from tapcheck import check

PROGRAM = os.path.abspath(sys.argv[1])
TINY = pathlib.Path(__file__).resolve().parent / "fixtures" / "tiny" / "llama-tied"
HERE = pathlib.Path(tempfile.mkdtemp(prefix="lmscope-faults-"))
ENV = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "LMSCOPE_"))} | {"HOME": str(HERE), "LC_ALL": "C.UTF-8"}
MOST = 60  # operations on files; none of these programs has as many


def run(arguments, fault=None):
    return tapcheck.run(PROGRAM, *arguments, env=ENV | ({"LMSCOPE_FAULT": fault} if fault else {}))


def left_over():
    return [str(p) for p in HERE.rglob("*.tmp")]


def whole(what, arguments, path):
    """arguments write path: under every fault it stays the old file or is the new one."""
    path.unlink(missing_ok=True)
    assert run(arguments).status == 0
    new = path.read_bytes()
    old = b"an older file\n" * 500
    torn, said, fates = [], [], set()
    for fault in "kill", "full", "short":
        for n in range(1, MOST):
            path.write_bytes(old)
            status, _, err, _ = run(arguments, f"{fault} {n}")
            now = path.read_bytes() if path.exists() else b""
            fates.add((fault, now == new))
            if now not in (old, new) or (fault == "short" and now != new) or (status == 0 and now != new):
                torn.append(f"{fault} {n}: status {status}, {len(now)} bytes")
            if fault == "full" and status and (status != 1 or str(path) not in err or err.count("\n") != 1 or left_over()):
                said.append(f"{fault} {n}: status {status}, '{err}', left: {left_over()}")
            for p in left_over():
                os.unlink(p)
            if status == 0:
                break
    check(not torn, f"{what}: the old file or the new one, whole", "; ".join(torn))
    check(not said, f"{what}: a full disk is a sentence that names the file, and nothing is left", "; ".join(said))
    check({("kill", False), ("kill", True), ("full", False), ("short", True)} <= fates, f"{what}: every kind of fault was met", str(fates))


def resumed(what, arguments, path):
    """arguments keep their parts in path as they are made: killed anywhere, what is there is gone on from, to the same answer."""
    def values(text):  # the check's name has numbers of the prompt that was asked first
        return {k: v for k, v in json.loads(text).items() if k != "check"}

    path.unlink(missing_ok=True)
    status, answer, err, _ = run(arguments)
    assert status == 0, err
    wrong, killed = [], 0
    for fault in "kill", "full":
        for n in range(1, MOST):
            path.unlink(missing_ok=True)
            status = run(arguments, f"{fault} {n}").status
            killed += status != 0
            again, text, err, _ = run(arguments)
            if again or values(text) != values(answer):
                wrong.append(f"{fault} {n}: then status {again} {err}")
            if status == 0:
                break
    check(not wrong, f"{what}: what was kept is gone on from", "; ".join(wrong))
    check(killed > 6, f"{what}: it was ended at {killed} places")


def trained(arguments, path):
    """arguments train what path gets: killed anywhere, the same question resumes, to the same bytes; and a full disk is a sentence."""
    part = path.with_name(path.name + ".part")
    for p in path, part:
        p.unlink(missing_ok=True)
    status, answer, err, _ = run(arguments)
    assert status == 0, err
    whole, wrong, stopped, went_on = path.read_bytes(), [], 0, 0
    for fault in "kill", "full", "short":
        for n in range(1, MOST):
            for p in path, part:
                p.unlink(missing_ok=True)
            status, _, err, _ = run(arguments, f"{fault} {n}")
            stopped += status != 0
            went_on += part.exists()
            if fault == "full" and status and (status != 1 or str(path) not in err):
                wrong.append(f"{fault} {n}: status {status} {err}")
            again, text, err, _ = run(arguments)
            if again or text != answer or path.read_bytes() != whole or part.exists():
                wrong.append(f"{fault} {n}: then status {again} {err}")
            for p in left_over():
                os.unlink(p)
            if status == 0:
                break
    check(not wrong, "a training resumes to the same bytes", "; ".join(wrong))
    check(stopped > 15 and went_on > 8, f"it was ended at {stopped} places, and had something to resume from at {went_on}")


def without_memory():
    """The n-th allocation fails: exit status 1 and one sentence, or (large ones have an answer of their own) none the less an answer."""
    arguments = ["print", "next-token", "demo", "-p", "one two"]
    wrong, refused = [], 0
    for n in [*range(1, 40, 3), *range(40, 1200, 47)]:
        status, out, err, _ = run(arguments, f"alloc {n}")
        refused += status == 1
        fine = (status == 1 and err.count("\n") == 1 and re.search("memory", err)) or (status == 0 and out)
        if not fine:
            wrong.append(f"alloc {n}: status {status}, '{err}'")
    check(not wrong, "an allocation that fails ends with a sentence and exit status 1", "; ".join(wrong)[:2000])
    check(refused > 5, f"it was met {refused} times")


def main():
    (HERE / "with").write_text("I love this\nwhat a lovely day\n")
    (HERE / "without").write_text("I hate this\nwhat an awful day\n")
    (HERE / "prompts").write_text("the cat sat on\nthe dog ran to\nonce upon a time\n")
    direction = ["direction", "demo", "--with", HERE / "with", "--without", HERE / "without"]
    whole("a direction as .npy", [*direction, "--layer", "1", "-o", HERE / "d.npy"], HERE / "d.npy")
    whole("directions as .gguf", [*direction, "-o", HERE / "d.gguf"], HERE / "d.gguf")
    kept = HERE / "kept.jsonl"
    resumed("the parts of a mean", ["print", "head-attribution", "demo", "--over", HERE / "prompts", "--resume", kept, "-f", "json"], kept)
    (HERE / "corpus").write_text("the cat sat on a mat\nthe dog saw a hen\na pig met the cat\n")
    lens = HERE / "lens.safetensors"
    trained(["print", "train-tuned-lens", TINY, "-p", "a", "-s", f"corpus={HERE / 'corpus'}", "-s", f"out={lens}", "-s", "steps=2",
             "-s", "batch=16", "-f", "json"], lens)
    without_memory()
    return tapcheck.done()


try:
    sys.exit(main())
finally:
    shutil.rmtree(HERE, ignore_errors=True)
