#!/usr/bin/env python3
"""Files as people have them, from public reports: each folder of tests/fixtures/cases is one, with a README that tells its story, and is
given to the program as a person would.

    cases.py LMSCOPE      (speaks TAP)
"""
import json
import os
import pathlib
import re
import shutil
import struct
import sys
import tempfile
import tempfile

import tapcheck
from tapcheck import check, skip

CASES = pathlib.Path(__file__).resolve().parent / "fixtures/cases"
LMSCOPE = os.path.abspath(sys.argv[1])
HOMES = ["HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "LLAMA_CACHE", "OLLAMA_MODELS", "XDG_CACHE_HOME", "XDG_DATA_HOME"]


def run(*arguments, cwd=CASES, stdin=b"", **env):
    """Exit status, and what was printed on both outputs; none of the person's own models is seen."""
    bare = {k: v for k, v in os.environ.items() if k not in HOMES}
    return tapcheck.run(LMSCOPE, *arguments, cwd=cwd, input=stdin, env={**bare, "HOME": "/nonexistent", **env})


def top_logits(name, model, expected):
    """The largest logits are those that transformers computes."""
    _, out, said, _ = run("print", "next-token", model, "-p", "hello the world hello", "-s", f"k={len(expected)}", "-f", "json", cwd=CASES / name)
    logits = [row[0] for row in json.loads(out)["values"]] if out else []
    check(len(logits) == len(expected) and all(abs(a - b) < 2e-4 for a, b in zip(logits, expected)), f"{name}: {model}", f"{logits} {expected} {said}")
    return said


def expected(name):
    return json.loads((CASES / name / "expected.json").read_text())


def heads():
    said = top_logits("tied-distinct-head", "model", expected("tied-distinct-head")["top3_logits"])
    check("its own lm_head.weight, which is used" in said, "tied-distinct-head: a note says so", said)
    for model, logits in expected("nested-tie")["top3_logits"].items():
        top_logits("nested-tie", model, logits)


def shards():
    top_logits("overlay-shards", "model", expected("overlay-shards")["top3_logits"])


def tokens():
    """Where tokenizer.json and tokenizer_config.json differ, the latter counts."""
    for name in ["add-prefix-space", "added-token-flags"]:
        _, out, said, _ = run("tokens", "model", "-p", "-", "-f", "json", cwd=CASES / name, stdin=expected(name)["text"].encode())
        ids = [token["id"] for token in json.loads(out)["tokens"]] if out else said
        check(ids == expected(name)["ids"], name, ids)


def printed(name, *arguments):
    return run("print", *arguments, cwd=CASES / name).out


def prompt_files():
    """A byte order mark and a list instead of lines change nothing."""
    asked = ["direct-attribution", "demo", "-f", "csv", "--over"]
    plain, text = printed("jsonl-bom", *asked, "plain.jsonl"), (CASES / "jsonl-bom/bom.txt").read_bytes()
    for file in ["bom.jsonl", "array.json"]:
        check(plain and printed("jsonl-bom", *asked, file) == plain, f"jsonl-bom: {file}")
    check(printed("jsonl-bom", *asked[:-1], "--prompts", "plain.jsonl") == plain, "jsonl-bom: by the option's old name")
    asked = ["tokens", "demo", "-f", "json", "-p"]
    tokens = run(*asked, "Once upon a time").out
    for what, text in [("CR LF at its end", (CASES / "jsonl-bom/crlf-stdin.txt").read_bytes()), ("a byte order mark", text[:19])]:
        check(tokens and run(*asked, "-", stdin=text).out == tokens, f"jsonl-bom: standard input with {what}", text)
    both = [run(*asked, "-", stdin=text).out for text in (b"Once\r\nupon\r\n", b"Once\nupon")]
    check(both[0] and both[0] == both[1], "jsonl-bom: CR LF inside standard input is one line break", both[0])


def vectors():
    """Half precision and the other byte order hold the same numbers."""
    asked = ["next-token", "demo", "-p", "Once upon a time", "-s", "k=1", "-f", "csv"]
    row = {}
    for file in ["f4", "f2", "be"]:
        out = printed("npy-f16", *asked, "-e", f"resid_post 2 add {file}.npy 4")
        row[file] = [float(x) for x in out.split('",')[-1].split(",")] if out else [0.0]
    check(len(row["f4"]) == 4 and row["f4"][0] != row["f4"][2], "npy-f16: f4.npy changes the logit", row)
    check(row["be"] == row["f4"], "npy-f16: be.npy", row)
    check(row["f2"] != row["f4"] and abs(row["f2"][0] - row["f4"][0]) < 2e-3, "npy-f16: f2.npy", row)
    with tempfile.NamedTemporaryFile(suffix=".npy") as f:
        f.write((CASES / "npy-f16/f4.npy").read_bytes()[:-4] + struct.pack("<f", float("nan")))
        f.flush()
        status, _, said, _ = run("print", *asked, "-e", f"resid_post 2 add {f.name} 4")
        check(status == 1 and "number 159 of the vector" in said and "not finite" in said, "a vector with NaN in it is refused as one", said)


def names(**env):
    return [line.split("  ")[0] for line in run("models", **env).out.splitlines()]


def found(name, **env):
    """The path that a name stands for, or the sentence that it was refused with."""
    info = run("info", name, **env)
    return re.search(r"found at +(.*)", info.out)[1] if info.status == 0 else info.err


def caches():
    xdg = CASES / "caches-xdg/xdg"
    for env, listed in [({"XDG_CACHE_HOME": str(xdg)}, {"acme/tiny", "acme_tiny-GGUF_tiny-Q4_0"}),
                        ({"HUGGINGFACE_HUB_CACHE": str(xdg / "huggingface/hub")}, {"acme/tiny"}),
                        ({"HOME": str(xdg.parent), "HF_HOME": "~/xdg/huggingface"}, {"acme/tiny"})]:
        check(listed <= set(names(**env)), f"caches-xdg: {' '.join(env)}", names(**env))


def revisions():
    env = {"HF_HUB_CACHE": str(CASES / "hub-revisions/hub")}
    check({"acme/steps@step1000", "acme/steps@step143000"} <= set(names(**env)), "hub-revisions: both are listed", names(**env))
    check("there are 2 revisions of it" in found("acme/steps", **env), "hub-revisions: none is picked silently", found("acme/steps", **env))
    for name, letter in [("acme/steps@step1000", "f"), ("steps@step143000", "a"), ("acme/steps@ffff", "f"), ("acme/steps@" + 40 * "a", "a")]:
        check(found(name, **env).endswith(20 * letter), f"hub-revisions: {name}", found(name, **env))


def ollama():
    env = {"OLLAMA_MODELS": str(CASES / "ollama-names/models")}
    check({"acme/tiny:latest", "hf.co/acme/tiny-GGUF:Q4_0", "tiny:latest"} <= set(names(**env)), "ollama-names: as `ollama ls` has them", names(**env))
    for name in ["hf.co/acme/tiny-GGUF:Q4_0", "library/tiny", "tiny", "acme/tiny", "registry.ollama.ai/library/tiny:latest"]:
        check("/blobs/sha256-" in found(name, **env), f"ollama-names: {name}", found(name, **env))
    # the service's store lies in a system folder: shown in a private mount namespace, where that can be made
    script = 'mount -t tmpfs none /usr/share && mkdir -p /usr/share/ollama/.ollama && cp -r "$1" /usr/share/ollama/.ollama/ && exec "$2" models'
    listed = tapcheck.run("unshare", "-m", "sh", "-c", script, "sh", env["OLLAMA_MODELS"], LMSCOPE,
                          env={**os.environ, "HOME": "/nonexistent"}) if shutil.which("unshare") else None
    if listed is None or "unshare" in listed.err or "mount" in listed.err:
        skip("ollama-service: no mount namespaces here")
    else:
        check("hf.co/acme/tiny-GGUF:Q4_0" in listed.out, "ollama-service: the store of Ollama's service", listed.out + listed.err)


def mixtures():
    """What info says of experts, and that the MLP it names is one that is no mixture."""
    for name, lines, numbers in [
            ("olmoe", ["width       24\n", "experts     5 of 9 neurons each, 2 for each token, in every layer\n"], (9, 5, 2, 9, 0, "all")),
            ("qwen2_moe-dense", ["width       24, MLP 27 (gated)\n", "experts     4 of 11 neurons each, 2 for each token, in layers 1\n",
                                 "beside them one of 7 neurons"], (27, 4, 2, 11, 7, "1")),
            ("phimoe", ["sparsemixer"], (27, 4, 2, 27, 0, "all"))]:
        model = str(CASES.parent / "families" / name)
        text, found = run("info", model).out, json.loads(run("info", model, "-f", "json").out)
        check(all(line in text for line in lines), f"info of {name}", text)
        e = found.get("experts", {})
        check((found["d_mlp"], e.get("count"), e.get("chosen"), e.get("d_mlp"), e.get("shared_d_mlp"), e.get("layers")) == numbers,
              f"info of {name} as JSON", found)
    check("experts" not in run("info", str(CASES.parent / "tiny/gpt2-tied")).out, "info of a model without experts", "")


def no_prompt():
    """What reads no prompt needs none, also of a model that puts no mark before it."""
    model = str(CASES.parent / "tiny/gpt2-tied")
    with tempfile.TemporaryDirectory() as folder:
        text = pathlib.Path(folder) / "text.txt"
        text.write_text("the cat saw a dog\n" * 40)
        status, out, said, _ = run("print", "train-tuned-lens", model, "-s", f"corpus={text}", "-s", f"out={folder}/lens.safetensors", "-s", "steps=1",
                                   "-s", "batch=16", "-f", "json")
        found = json.loads(out) if out else {}
        check(status == 0 and found["prompt"] is None and found["metric"] is None, "a training without a prompt", said)
    check("type something" in run("print", "next-token", model)[2], "what reads the prompt says that there is none")


for case in [heads, shards, tokens, prompt_files, vectors, caches, revisions, ollama, mixtures, no_prompt]:
    case()
sys.exit(tapcheck.done())
