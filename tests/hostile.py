#!/usr/bin/env python3
"""Broken files, given to the program as a person would: each must end with one sentence on stderr that names the file, exit status 1,
within ten seconds of the processor's time, 3 GB of address space and 64 MB + 20 times the bytes of metadata; and with nothing that a terminal would obey.

    hostile.py LMSCOPE [sanitized]      (speaks TAP; sanitizers need the address space for themselves)
"""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/fuzz"))
sys.dont_write_bytecode = True
import tapcheck  # noqa: E402
from make_corpus import gguf, key, safetensors, text  # noqa: E402
from tapcheck import check  # noqa: E402

LMSCOPE, SANITIZED = os.path.abspath(sys.argv[1]), "sanitized" in sys.argv[2:]
HERE = pathlib.Path(tempfile.mkdtemp(prefix="lmscope-hostile-"))
TINY = ROOT / "tests/fixtures/tiny/llama-grouped"
LLAMA = key("general.architecture", "string", "llama")
RED = "\x1b[31m\x9b5m\u202e"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
PROMPT = ["-p", "one two"]
PATIENCE = 60  # seconds until a command that waits for something counts as stuck; the machine may be busy


def limits():
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))


def refused(what, arguments, metadata=0, status=1, says=""):
    """lmscope refuses it as it should. `metadata`: bytes of the files that are read whole."""
    start = time.monotonic()
    with tempfile.TemporaryFile() as err:
        p = subprocess.Popen([LMSCOPE, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err,
                             env=dict(os.environ, HOME=str(HERE)), preexec_fn=limits)
        signal.alarm(PATIENCE)
        try:
            _, code, usage = os.wait4(p.pid, 0)
        except TimeoutError:
            p.kill()
            _, code, usage = os.wait4(p.pid, 0)
        signal.alarm(0)
        p.returncode = os.waitstatus_to_exitcode(code)
        err.seek(0)
        said = err.read().decode("utf-8", "replace")
    wrong = []
    if p.returncode != status:
        wrong.append(f"status {p.returncode} after {time.monotonic() - start:.1f} s")
    if not said.endswith("\n") or said.count("\n") != 1 or OBEYED.search(said) or says not in said:
        wrong.append(f"says {said!r}")
    if not SANITIZED and usage.ru_utime + usage.ru_stime > 10:
        wrong.append(f"took {usage.ru_utime + usage.ru_stime:.1f} s of the processor")
    if not SANITIZED and usage.ru_maxrss > (64 << 10) + 20 * metadata // 1024:
        wrong.append(f"took {usage.ru_maxrss >> 10} MB for {metadata / 1e6:.1f} MB")
    check(not wrong, what, "; ".join(wrong))


def put(name, data):
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def ran_out(*_):
    raise TimeoutError


# ---- one file each ----

def gguf_files():
    def lying(tensors, keys, body=b""):
        return b"GGUF" + struct.pack("<IQQ", 3, tensors, keys) + body

    def array(kind, n, body=b""):
        return text("k") + struct.pack("<IIQ", 9, kind, n) + body

    def tensor(dims, kind=0, offset=0, name="a"):
        described = text(name) + struct.pack("<I", len(dims)) + b"".join(struct.pack("<Q", d) for d in dims)
        return lying(1, 1, LLAMA + described + struct.pack("<IQ", kind, offset)) + bytes(4096)

    yield "empty", b""
    yield "version 1", b"GGUF" + struct.pack("<IQQ", 1, 0, 0)
    for n in (1 << 60, 1 << 63, (1 << 64) - 1):
        yield f"{n} tensors", lying(n, 1, LLAMA)
        yield f"{n} keys", lying(0, n, LLAMA)
        yield f"a string of {n} bytes", lying(0, 1, text("k") + struct.pack("<IQ", 8, n))
        yield f"{n} strings", lying(0, 1, array(8, n))
        yield f"{n} arrays", lying(0, 1, array(9, n, bytes(400)))
        yield f"{n} doubles", lying(0, 1, array(12, n, bytes(400)))
        yield f"offset {n}", tensor([4], 0, n & ~31)
    yield "arrays in arrays", lying(0, 1, text("k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 100000)
    yield "dims whose product overflows", tensor([1 << 32, 1 << 32])
    yield "a negative dim", tensor([1 << 63, 1])
    yield "a dim of zero", tensor([0, 4])
    yield "a hundred dims", tensor([1] * 100)
    yield "larger than the file", tensor([1 << 40])
    yield "misaligned", tensor([4], 0, 4)
    yield "a type that ggml does not have", tensor([256], 99)
    yield "a type by a name that a terminal would obey", tensor([256], 99, 0, RED)
    for a in (0, 3, (1 << 32) - 1):
        yield f"alignment {a}", gguf([LLAMA, key("general.alignment", "u32", a)], [("a", [4], 0, 16)])
    yield "a key twice", gguf([LLAMA, LLAMA], [("a", [4], 0, 16)])
    yield "a tensor twice", gguf([LLAMA], [("a", [8], 0, 32), ("a", [8], 0, 32)])
    yield "an architecture that a terminal would obey", gguf([key("general.architecture", "string", RED)], [("a", [4], 0, 16)])
    yield "an architecture that is a number", gguf([key("general.architecture", "u32", 3)], [("a", [4], 0, 16)])
    yield "part 1 of 99999", gguf([LLAMA, key("split.no", "u16", 0), key("split.count", "u32", 99999)], [("a", [4], 0, 16)])
    yield "a million keys", lying(0, 1000000, b"".join(text(f"{i:x}") + b"\0\0\0\0\1" for i in range(1000000)))


def check_gguf():
    for what, data in gguf_files():
        path = put("hostile.gguf", data)
        refused(f"GGUF, {what}", ["info", path], len(data), says="hostile.gguf")
    whole = (ROOT / "tests/fixtures/gguf/llama-grouped.gguf").read_bytes()
    for cut in range(0, len(whole) - 32, 6007):
        refused(f"GGUF, cut at {cut}", ["print", "next-token", put("cut.gguf", whole[:cut]), *PROMPT], cut, says="cut.gguf")
    with open(put("sparse.gguf", gguf([LLAMA], [("a", [4], 0, 16)])[:-4]), "ab") as f:
        f.truncate(1 << 40)
    refused("GGUF, of 1 TB", ["info", HERE / "sparse.gguf"], 0, says="sparse.gguf")


# ---- what is no file ----

def special(path, kind):
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"device": "/dev/zero", "loop": path, "nothing": "/nonexistent"}[kind])
    return path


def check_special():
    good = put("good.txt", "one two\nthree four\n")
    for kind in ("pipe", "device", "loop", "nothing"):
        def of(name, kind=kind):
            return special(HERE / f"{kind}{name}", kind)

        refused(f"a model that is a {kind}", ["info", of(".gguf")], says=kind)
        for end in (".npy", ".gguf", ".safetensors"):
            refused(f"a vector that is a {kind}", ["print", "next-token", "demo", *PROMPT, "-e", f"resid_post 1 add {of(end)}"], says=kind)
        refused(f"prompts that are a {kind}", ["print", "residual-norms", "demo", "--over", of(".txt")], says=kind)
        refused(f"a preset that is a {kind}", ["print", "--preset", of(".yaml")], says=kind)
        refused(f"a reference that is a {kind}", ["verify", "demo", of(".json")], says=kind)
        refused(f"a text that is a {kind}", ["perplexity", "demo", of(".text")], says=kind)
        if kind in ("pipe", "device"):
            refused(f"--resume in a {kind}", ["print", "head-attribution", "demo", "--over", good, "--resume", of(".keep")], says=kind)


# ---- folders ----

def folder(**changed):
    """A good model's files by links, and what is changed of them: bytes, or a kind that is no file."""
    path = HERE / "folder"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    for file in TINY.iterdir():
        name = file.name.replace(".", "_").replace("-", "_")
        if name not in changed:
            (path / file.name).symlink_to(file)
        elif isinstance(changed[name], (bytes, str)):
            put(f"folder/{file.name}", changed[name])
        elif isinstance(changed[name], pathlib.Path):
            (path / file.name).symlink_to(changed[name])
        else:
            special(path / file.name, changed[name][0])
    return path


def metadata(path):
    return sum(f.stat().st_size for f in path.iterdir() if f.suffix == ".json" and f.is_file())


def check_folder(what, command=("info",), **changed):
    path = folder(**changed)
    rest = PROMPT if command[0] != "info" else []
    extra = 0
    for name in changed:
        if name.startswith("model_0") and isinstance(changed[name], (bytes, str)):
            extra += len(changed[name])
    refused(what, [*command, path, *rest], metadata(path) + extra)


def check_folders():
    brackets = put("brackets.json", b"[" * 100_000_000)
    for file in ("config_json", "tokenizer_json", "model_safetensors_index_json"):
        for kind in ("pipe", "folder", "device", "loop"):
            check_folder(f"{file} is a {kind}", **{file: [kind]})
        for what, data in {"empty": b"", "null": "null", "text": "nonsense", "binary": bytes(range(256)), "a list": "[1]", "deep": "[" * 300,
                           "a key twice": '{"a":1,"a":1}', "not UTF-8": b'{"\xff":1}', "obeyed": '{"\x1b[31m":1}', "1e999": '{"a":1e999}',
                           "more behind": "{} {}"}.items():
            check_folder(f"{file}, {what}", **{file: data})
        check_folder(f"{file}, 100 MB of brackets", **{file: brackets})
    config = json.loads((TINY / "config.json").read_text())
    for name, value in {"model_type": RED, "vocab_size": 1 << 40, "hidden_size": -8, "num_hidden_layers": 2.5, "rms_norm_eps": RED,
                        "num_attention_heads": 0, "hidden_act": [], "rope_theta": {}}.items():
        check_folder(f"config.json, {name}", config_json=json.dumps(dict(config, **{name: value})))
    index = json.loads((TINY / "model.safetensors.index.json").read_text())["weight_map"]
    for name in ("../config.json", "/etc/passwd", "a/../../b", "..", "", "no\0thing", RED, "x" * 5000, "config.json", 7, None, []):
        check_folder(f"a shard called {name!r:.30}",
                     model_safetensors_index_json=json.dumps({"weight_map": dict(index, **{next(iter(index)): name})}))
    shard = "model_00001_of_00002_safetensors"
    whole = (TINY / "model-00001-of-00002.safetensors").read_bytes()
    size = struct.unpack("<Q", whole[:8])[0]
    for n in (0, size - 1, size + 1, 1 << 62, 1 << 63, (1 << 64) - 1):
        check_folder(f"a header of {n} bytes", **{shard: struct.pack("<Q", n) + whole[8:]})
    for what, data in {"cut": whole[:-1], "oversized": whole + b"\0", "empty": b"", "no tensors": safetensors([])}.items():
        check_folder(f"a shard, {what}", **{shard: data})
    for what, fields in {"dtype": ("F8_E4M3", [4], 4), "a dtype that a terminal would obey": (RED, [4], 16), "shape": ("F32", [-1], 4),
                         "an overflow": ("F32", [1 << 52, 1 << 52], 4), "a lie": ("F32", [5], 16)}.items():
        check_folder(f"a shard, {what}", **{shard: safetensors([("a", *fields)])})
    nan = struct.pack("<f", float("nan"))
    check_folder("weights that are not finite", ("print", "next-token"),
                 **{shard: whole[:8 + size] + nan * ((len(whole) - 8 - size) // 4)})
    tokenizer = json.loads((TINY / "tokenizer.json").read_text())
    for what, model in {"an empty vocabulary": {"vocab": {}}, "ids far apart": {"vocab": dict(tokenizer["model"]["vocab"], zz=1 << 31)},
                        "one id for all": {"vocab": dict.fromkeys(tokenizer["model"]["vocab"], 3)}, "merges of nothing": {"merges": ["zz qq"]},
                        "merges that are numbers": {"merges": [5]}}.items():
        changed = dict(tokenizer, model=dict(tokenizer["model"], **model))
        check_folder(f"tokenizer.json, {what}", tokenizer_json=json.dumps(changed))
    split = {"type": "Split", "pattern": {"Regex": "((("}, "behavior": "Isolated", "invert": False}
    check_folder("tokenizer.json, a pattern that is none", tokenizer_json=json.dumps(dict(tokenizer, pre_tokenizer=split)))


# ---- what is typed by hand ----

def check_small():
    for what, data in {"empty": "", "a list": "- a", "deep": "a: " + "[" * 10000, "aliases": "a: &a [x,x]\nb: [*a,*a]", "a cycle": "&a [*a]",
                       "twice": "title: a\ntitle: b", "obeyed": '"\\e[31m\\u202e": 1', "not UTF-8": b"a: \xff", "2 MB": "#" * 2_000_000,
                       "an edit that is none": 'panes: [[{analysis: next-token}]]\nedits: ["head \\e[31m zero"]',
                       "an argument out of range": "panes: [[{analysis: next-token, args: {k: -5}}]]",
                       "an unknown technique": 'panes: [[{analysis: "\\e[31m"}]]'}.items():
        refused(f"a preset, {what}", ["print", "--preset", put("hostile.yaml", data)], len(data), says="hostile.yaml")
    for what, data in {"empty": "", "binary": bytes(range(256)), "Latin-1": b"caf\xe9", "deep": "{" * 1000, "a number": '{"prompt":5}',
                       "no prompt": '{"foil":"a"}', "wrong alone": '{"prompt":"a","wrong":"b"}', "NUL": '{"prompt":"a\\u0000"}'}.items():
        refused(f"prompts, {what}", ["print", "residual-norms", "demo", "--over", put("hostile.txt", data)], len(data), says="hostile.txt")
    good = put("good.txt", "one two\nthree four\n")
    for what, data in {"text": "hello\n", "another question": '{"question":"x"}\n', "binary": bytes(range(256)), "deep": "[" * 1000}.items():
        refused(f"what is kept, {what}", ["print", "head-attribution", "demo", "--over", good, "--resume", put("hostile.keep", data)],
              len(data), says="hostile.keep")
    for what, data in {"empty": b"", "cut": b"\x93NUMPY\1\0\xff\xff"}.items():
        refused(f"a vector, {what}", ["print", "next-token", "demo", *PROMPT, "-e", f"resid_post 1 add {put('hostile.npy', data)}"],
              len(data), says="hostile.npy")
    for what, ids in {"no ids": {}, "a text": {"ids": ["a"]}, "negative": {"ids": [-1]}}.items():
        put("reference/expected.safetensors", safetensors([("logits", "F32", [1], 4)]))
        refused(f"a reference, {what}", ["verify", TINY, put("reference/expected.json", json.dumps(ids)).parent], says="expected.json")


# ---- work that is interrupted ----

def check_interrupt():
    prompts = put("many.txt", "".join(f"one two three two one {'two ' * (i % 5)}\n" for i in range(60)))
    kept = HERE / "many.keep"
    whole = [LMSCOPE, "print", "ablation-sweep", "demo", "--over", str(prompts), "-f", "json"]
    p = subprocess.Popen([*whole, "--resume", str(kept)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while p.poll() is None and not (kept.exists() and kept.read_bytes().count(b"\n") > 2):
        time.sleep(0.001)
    p.send_signal(signal.SIGINT)
    said = p.communicate()[1]
    lines = kept.read_bytes().count(b"\n") - 1
    check(p.returncode == 130 and "interrupted; " in said and 2 <= lines < 60, f"Ctrl-C keeps what is done: {lines} prompts", said)
    again = tapcheck.run(*whole, "--resume", kept).raw
    check(again == tapcheck.run(*whole).raw, "the same command resumes there and prints the same bytes")


signal.signal(signal.SIGALRM, ran_out)
try:
    check_gguf()
    check_special()
    check_folders()
    check_small()
    check_interrupt()
finally:
    shutil.rmtree(HERE)
sys.exit(tapcheck.done())
