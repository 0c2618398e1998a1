#!/usr/bin/env python3
"""make_torch.py - writes tests/fixtures/torch: files of torch.save and numpy.savez with every kind of tensor, what torch reads in them, and
pickles that are not tensors.

    FILE.pt + FILE.txt     a line per tensor: name type shape|strides and its values as the bits of float32
    hostile/TEXT.pt        refused; hostile/says.txt has the words that the sentence must have
    models/NAME            the weights of fixtures/tiny/NAME as pytorch_model.bin, whole or in shards
"""
import collections
import io
import json
import os
import pathlib
import pickle
import struct
import warnings
import zipfile
import zlib

import numpy as np
import torch
from safetensors.torch import load_file

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "torch"
HOSTILE = FOLDER / "hostile"
says = {}


def bits(t):
    return np.atleast_1d(t.detach().to(torch.float32).contiguous().numpy()).reshape(-1).view(np.uint32)


def tensors_of(x, name=""):
    if isinstance(x, torch.Tensor):
        yield name or "tensor", x
    elif isinstance(x, dict):
        for k, v in x.items():
            yield from tensors_of(v, f"{name}.{k}" if name else str(k))
    elif isinstance(x, (list, tuple)):
        for k, v in enumerate(x):
            yield from tensors_of(v, f"{name}.{k}" if name else str(k))


def save(name, x, **options):
    torch.save(x, FOLDER / f"{name}.pt", **options)
    back = torch.load(FOLDER / f"{name}.pt", weights_only=True)  # what torch itself reads
    with open(FOLDER / f"{name}.txt", "w") as f:
        for key, t in tensors_of(back):
            shape = ",".join(map(str, t.shape)) or "-"
            stride = ",".join(map(str, t.stride())) or "-"
            print(key, str(t.dtype).removeprefix("torch."), shape, stride, *(f"{b:08x}" for b in bits(t)), file=f)


def good():
    torch.manual_seed(0)
    x = torch.randn(3, 4)
    save("types", {str(d).removeprefix("torch."): (x * 20).abs().to(d) if d == torch.uint8 else (x * 20).to(d)
                   for d in [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
                             torch.uint8, torch.bool, torch.float8_e4m3fn, torch.float8_e5m2]}
         | {"uint16": torch.tensor([0, 1, 65535], dtype=torch.uint16), "large": torch.tensor([2 ** 62 + 1, -2 ** 40 - 1, 16777217]),
            "odd": torch.tensor([float("inf"), -float("inf"), -0.0, 1e-45, 65504.0])})
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    save("views", {"base": base, "transposed": base.transpose(0, 2), "row": base[1, 2], "column": base[:, :, 3], "steps": base[::2, 1:, ::2],
                   "expanded": base[0, :1, :].expand(3, 5), "scalar": base[2, 3, 4], "empty": base[:0], "flat": base.view(-1)[7:19],
                   "diagonal": base[0, :, :4].diagonal(), "same": base})
    half = torch.arange(24, dtype=torch.float16).reshape(4, 6)
    save("shared", [half, half.t(), {"tail": half[2:], "again": [half[0], (half[1], half[:, 1])]}])
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    save("state", model.state_dict())
    save("parameter", torch.nn.Parameter(torch.arange(5.0)))
    save("single", torch.arange(6, dtype=torch.int32).reshape(2, 3))
    save("jlens", {"J": {l: torch.randn(2, 2).half() for l in (0, 1, 300)}, "n_prompts": 70000, "source_layers": [0, 1, 300], "d_model": 2,
                   "big": 2 ** 40, "negative": -1, "share": 0.5, "none": None, "yes": True, "text": "words", "size": torch.Size([2, 2]),
                   "device": torch.device("cpu")})
    save("ordered", collections.OrderedDict((f"{l}.{part}", torch.randn(2, 2) if part == "weight" else torch.randn(2))
                                            for l in range(2) for part in ("weight", "bias")))
    save("directions", {f"direction.{l}": torch.arange(4.0) + l for l in range(3)})
    np.savez(FOLDER / "arrays.npz", W_dec=np.arange(6, dtype=np.float32).reshape(2, 3), b_dec=np.arange(3, dtype=np.float16),
             columns=np.asfortranarray(np.arange(6.0).reshape(2, 3)))


def zip_of(name, members, words, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(HOSTILE / name, "w", method) as z:
        for member, data in members:
            z.writestr(zipfile.ZipInfo(member), data, method)
    says[name] = words


def hostile(name, pkl, words, storage=bytes(16), more=()):
    zip_of(name + ".pt", [("a/data.pkl", pkl), ("a/byteorder", b"little"), ("a/data/0", storage), *more], words)


def text(s):
    return b"X" + struct.pack("<I", len(s)) + s.encode()


def storage(kind=b"FloatStorage", key="0", numel=b"K\4"):
    return b"(" + text("storage") + b"ctorch\n" + kind + b"\n" + text(key) + text("cpu") + numel + b"tQ"


def tensor(offset=b"K\0", shape=b"K\4\x85", stride=b"K\1\x85", of=None, name=b"_rebuild_tensor_v2"):
    return (b"ctorch._utils\n" + name + b"\n(" + (of or storage()) + offset + shape + stride + b"\x89ccollections\nOrderedDict\n)RtR")


P, LONG = b"\x80\2", lambda x: b"\x8a\x08" + struct.pack("<q", x)


class Run:
    def __init__(self, f, *args):
        self.f, self.args = f, args

    def __reduce__(self):
        return self.f, self.args


def bad_pickles():
    hostile("system", pickle.dumps(Run(os.system, "touch /tmp/lmscope-was-run"), 2), "posix.system")
    hostile("eval", pickle.dumps(Run(eval, "1"), 2), "__builtin__.eval")
    hostile("os_system", P + b"cos\nsystem\n" + text("true") + b"\x85R.", "os.system")
    hostile("builtins", P + b"cbuiltins\nexec\n" + text("1") + b"\x85R.", "builtins.exec")
    hostile("numpy", pickle.dumps(np.float32(1), 2), "numpy")
    hostile("codecs", pickle.dumps(b"bytes", 2), "_codecs.encode")
    hostile("control_name", P + b"cos\n\x1b]0;x\x07\n.", "os.")
    hostile("protocol_4", pickle.dumps({"a": 1}, 4), "protocol later than 2")
    hostile("inst", P + b"(ios\nsystem\n.", "INST")
    hostile("obj", P + b"(cos\nsystem\no.", "os.system")
    hostile("newobj", P + b"ctorch\nSize\n)\x81.", "NEWOBJ")
    hostile("stack_global", P + text("os") + text("system") + b"\x93.", "STACK_GLOBAL")
    hostile("ext", P + b"\x82\1.", "EXT1")
    hostile("persid", P + b"P0\n.", "PERSID")
    hostile("dup", P + b"N2.", "DUP")
    hostile("no_opcode", P + b"\xfe.", "0xfe")
    hostile("call_a_type", P + b"ctorch\nFloatStorage\n)R.", "torch.FloatStorage")
    hostile("call_a_text", P + text("os") + b")R.", "what is not a function")
    hostile("build_a_list", P + b"]}b.", "OrderedDict")
    hostile("huge_memo", P + b"Nr\xff\xff\xff\x7f.", "memo has more than a million")
    hostile("memo_unwritten", P + b"h\5.", "before it is written")
    hostile("long_text", P + b"X\xff\xff\xff\xff.", "cut short")
    hostile("long_number", P + b"\x8a\x09" + bytes(9) + b".", "64 bits")
    hostile("underflow", P + b"t.", "needs a mark")
    hostile("below_the_mark", P + b"N(\x85.", "more values than there are")
    hostile("empty", b"", "cut short")
    hostile("cut", (P + tensor() + b".")[:-9], "cut short")
    hostile("after_the_end", P + tensor() + b".N", "after the end")
    hostile("two_values", P + b"NN.", "other than one value")
    hostile("odd_dict", P + b"}(Nu.", "has no value")
    hostile("bad_key", P + b"}N" + tensor() + b"s.", "neither a text nor a whole number")
    hostile("itself", P + b"]q\0h\0a.", "contains itself")
    hostile("deep", P + b"]" * 100 + b"a" * 99 + b".", "nested more than 64 deep")
    # Each tuple is the one before it, twice: 2^40 values in 200 bytes.
    doubling = b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(40))
    hostile("doubling", P + b"(]q\0" + doubling + b"t.", "million values")
    hostile("no_tensors", P + b"}.", "no tensors")
    hostile("name_twice", P + b"}(" + text("a.b") + tensor() + text("a") + b"}" + text("b") + tensor() + b"su.", "the name a.b")


def bad_tensors():
    hostile("past_the_end", P + tensor(offset=b"K\1") + b".", "past the end")
    hostile("huge_shape", P + tensor(shape=LONG(2 ** 62) + b"\x85") + b".", "past the end")
    hostile("huge_count", P + tensor(shape=LONG(2 ** 62) + LONG(2 ** 62) + b"\x86", stride=b"K\0K\0\x86") + b".", "more elements than can be counted")
    hostile("huge_stride", P + tensor(shape=b"K\4K\4\x86", stride=LONG(2 ** 63 - 1) + b"K\1\x86") + b".", "further than can be counted")
    hostile("repeats", P + tensor(shape=LONG(2 ** 40) + b"\x85", stride=b"K\0\x85") + b".", "16 million")
    hostile("negative_stride", P + tensor(offset=b"K\3", stride=b"J\xff\xff\xff\xff\x85") + b".", "from 0 up")
    hostile("negative_offset", P + tensor(offset=b"J\xff\xff\xff\xff") + b".", "from 0 up")
    hostile("strides_missing", P + tensor(stride=b")") + b".", "offset, size and strides")
    hostile("nine_dimensions", P + tensor(shape=b"(" + b"K\1" * 9 + b"t", stride=b"(" + b"K\1" * 9 + b"t") + b".", "at most 8")
    hostile("tensor_of_text", P + tensor(of=text("x")) + b".", "a tensor is not given by")
    hostile("quantised", P + tensor(name=b"_rebuild_qtensor") + b".", "torch._utils._rebuild_qtensor")
    hostile("storage_size", P + tensor(of=storage(numel=b"K\5")) + b".", "another size")
    hostile("storage_missing", P + tensor(of=storage(key="7")) + b".", "storage 7 is not in the file")
    hostile("storage_outside", P + tensor(of=storage(key="../../x")) + b".", "is not in the file")
    hostile("storage_negative", P + tensor(of=storage(numel=b"J\xff\xff\xff\xff")) + b".", "a storage is not given")
    hostile("storage_two_types", P + tensor() + tensor(of=storage(kind=b"IntStorage")) + b"\x86.", "given twice")
    hostile("complex", P + tensor(of=storage(kind=b"ComplexFloatStorage")) + b".", "torch.ComplexFloatStorage")


def bad_files():
    good_pkl = P + tensor() + b"."
    members = [("a/data.pkl", good_pkl), ("a/data/0", bytes(16))]
    zip_of("compressed.pt", members, "is compressed", zipfile.ZIP_DEFLATED)
    zip_of("bomb.pt", [("a/data.pkl", good_pkl), ("a/data/0", bytes(10 << 20))], "is compressed", zipfile.ZIP_DEFLATED)
    zip_of("big_endian.pt", members + [("a/byteorder", b"big")], "big endian")
    zip_of("no_pickle.pt", [("a/data/0", bytes(16))], "no data.pkl")
    zip_of("two_pickles.pt", members + [("b/data.pkl", good_pkl)], "more than one data.pkl")
    zip_of("leads_out.pt", members + [("a/../../x", b"x")], "leads out of a folder")
    zip_of("absolute.pt", members + [("/etc/x", b"x")], "leads out of a folder")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zip_of("twice.pt", members + [("a/data/0", bytes(16))], "the same name")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as z:
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name), data)
        z.writestr(zipfile.ZipInfo("a/data/1"), bytes(16))
        z.filelist[2].header_offset = z.filelist[1].header_offset
    (HOSTILE / "overlap.pt").write_bytes(buffer.getvalue())
    says["overlap.pt"] = "broken or cut short"
    entry = io.BytesIO()
    with zipfile.ZipFile(entry, "w") as z:
        z.writestr(zipfile.ZipInfo("a/data/1"), bytes(16))
    entry = entry.getvalue()[:30 + len("a/data/1") + 16]
    with zipfile.ZipFile(HOSTILE / "one_in_another.pt", "w") as z:  # data/1 is a stretch of data/0, header and all
        z.writestr(zipfile.ZipInfo("a/data.pkl"), good_pkl)
        z.writestr(zipfile.ZipInfo("a/data/0"), entry)
        inner = zipfile.ZipInfo("a/data/1")
        inner.CRC, inner.file_size, inner.compress_size = zlib.crc32(bytes(16)), 16, 16
        inner.header_offset = z.filelist[1].header_offset + 30 + len("a/data/0")
        z.filelist.append(inner)
    says["one_in_another.pt"] = "overlaps another"
    whole = (FOLDER / "single.pt").read_bytes()
    (HOSTILE / "truncated.pt").write_bytes(whole[:-30])
    says["truncated.pt"] = "broken or cut short"
    size = bytearray(whole)
    at = size.rindex(b"PK\1\2")
    size[at + 20:at + 28] = struct.pack("<II", 0x7fffffff, 0x7fffffff)
    (HOSTILE / "wrong_size.pt").write_bytes(size)
    says["wrong_size.pt"] = "broken or cut short"
    torch.save(torch.arange(3.0), HOSTILE / "legacy.pt", _use_new_zipfile_serialization=False)
    says["legacy.pt"] = "before version 1.6"
    (HOSTILE / "nothing.pt").write_bytes(b"")
    says["nothing.pt"] = "not a zip file"
    (HOSTILE / "text.pt").write_bytes(b"hello, world\n")
    says["text.pt"] = "not a zip file"
    torch.save(torch.nn.Linear(2, 2), HOSTILE / "module.pt")
    says["module.pt"] = "torch.nn.modules.linear.Linear"
    torch.save(torch.eye(2).to_sparse(), HOSTILE / "sparse.pt")
    says["sparse.pt"] = "_rebuild_sparse_tensor"
    torch.save(torch.view_as_complex(torch.zeros(2, 2)).conj(), HOSTILE / "conjugate.pt")
    says["conjugate.pt"] = "torch.ComplexFloatStorage"
    torch.save(torch.view_as_complex(torch.zeros(2, 2)).conj().imag, HOSTILE / "negative.pt")
    says["negative.pt"] = "conjugate or negative"


def models():
    """Tied weights share a storage, one matrix is stored the other way round, and there is a mask among them, as old files have it."""
    tiny, folder = FOLDER.parent / "tiny", FOLDER / "models"
    one, two = load_file(tiny / "llama-tied" / "model.safetensors"), {}
    for part in sorted((tiny / "gpt2-odd").glob("model-*.safetensors")):
        two |= load_file(part)
    one["lm_head.weight"] = one["model.embed_tokens.weight"]
    one["model.layers.0.self_attn.q_proj.weight"] = one["model.layers.0.self_attn.q_proj.weight"].t().contiguous().t()
    (folder / "llama-tied").mkdir(parents=True, exist_ok=True)
    torch.save(collections.OrderedDict(one), folder / "llama-tied" / "pytorch_model.bin")
    two["transformer.h.0.attn.bias"] = torch.tril(torch.ones(4, 4, dtype=torch.bool))
    names, files = sorted(two), ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    (folder / "gpt2-odd").mkdir(parents=True, exist_ok=True)
    for i, file in enumerate(files):
        torch.save({k: two[k] for k in names[i::2]}, folder / "gpt2-odd" / file)
    weight_map = {k: files[i % 2] for i, k in enumerate(names)}
    (folder / "gpt2-odd" / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}, indent=1) + "\n")


def main():
    HOSTILE.mkdir(parents=True, exist_ok=True)
    good()
    models()
    bad_pickles()
    bad_tensors()
    bad_files()
    with open(HOSTILE / "says.txt", "w") as f:
        for name in sorted(says):
            print(name, says[name], sep="\t", file=f)


if __name__ == "__main__":
    main()
