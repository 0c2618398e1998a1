#!/usr/bin/env python3
"""Files as people have them, from public reports: each folder of tests/fixtures/cases is one, with a README that tells its story, and is
given to the program as a person would.

    cases.py LMSCOPE      (speaks TAP)
"""
import json
import os
import pathlib
import subprocess
import sys

CASES = pathlib.Path(__file__).resolve().parent / "fixtures/cases"
LMSCOPE = os.path.abspath(sys.argv[1])
HOMES = ["HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "LLAMA_CACHE", "OLLAMA_MODELS", "XDG_CACHE_HOME", "XDG_DATA_HOME"]
number = failed = 0


def tap(ok, what, why=""):
    global number, failed
    number += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {number} - {what}" + ("" if ok else f"\n# {why}"), flush=True)


def run(*arguments, cwd=CASES, stdin=b"", **env):
    """Exit status, what was printed, and what was said."""
    bare = {k: v for k, v in os.environ.items() if k not in HOMES}
    p = subprocess.run([LMSCOPE, *map(str, arguments)], cwd=cwd, input=stdin, env={**bare, "HOME": "/nonexistent", **env}, capture_output=True,
                       timeout=120)
    return p.returncode, p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace")


def top_logits(name, model, expected):
    """The largest logits are those that transformers computes."""
    _, out, said = run("print", "next-token", model, "-p", "hello the world hello", "-s", f"k={len(expected)}", "-f", "json", cwd=CASES / name)
    logits = [row[0] for row in json.loads(out)["values"]] if out else []
    tap(len(logits) == len(expected) and all(abs(a - b) < 2e-4 for a, b in zip(logits, expected)), f"{name}: {model}", f"{logits} {expected} {said}")
    return said


def expected(name):
    return json.loads((CASES / name / "expected.json").read_text())


def heads():
    said = top_logits("tied-distinct-head", "model", expected("tied-distinct-head")["top3_logits"])
    tap("its own lm_head.weight, which is used" in said, "tied-distinct-head: a note says so", said)
    for model, logits in expected("nested-tie")["top3_logits"].items():
        top_logits("nested-tie", model, logits)


def shards():
    top_logits("overlay-shards", "model", expected("overlay-shards")["top3_logits"])


for case in [heads, shards]:
    case()
print(f"1..{number}")
sys.exit(failed > 0)
