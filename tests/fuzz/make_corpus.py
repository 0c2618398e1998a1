#!/usr/bin/env python3
"""Makes the first inputs of fuzz targets: tests/fuzz/corpus/{gguf,json,lens,model,prompts,safetensors,tokenizer,torch,vector}/*. Small, and always the same.

    python3 tests/fuzz/make_corpus.py
"""
import json
import pathlib
import struct
import zipfile

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"
TORCH = CORPUS.parent.parent / "fixtures" / "torch"  # of tests/reference/make_torch.py
KINDS = {"u8": (0, "<B"), "i8": (1, "<b"), "u16": (2, "<H"), "i16": (3, "<h"), "u32": (4, "<I"), "i32": (5, "<i"),
         "f32": (6, "<f"), "bool": (7, "<?"), "u64": (10, "<Q"), "i64": (11, "<q"), "f64": (12, "<d")}
STRING, ARRAY = 8, 9


def text(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()


def value(kind, x):
    """The bytes of a value, without its kind."""
    if kind == "string":
        return text(x)
    return struct.pack(KINDS[kind][1], x)


def number(kind):
    return STRING if kind == "string" else KINDS[kind][0]


def key(name, kind, x):
    if isinstance(x, list):
        body = struct.pack("<IQ", number(kind), len(x)) + b"".join(value(kind, y) for y in x)
        return text(name) + struct.pack("<I", ARRAY) + body
    return text(name) + struct.pack("<I", number(kind)) + value(kind, x)


def fill(kind, size):
    return bytes(i * 37 % 256 for i in range(size))


def small_numbers(kind, size):
    n, form = (size // 4, "f") if kind == 0 else (size // 2, "e")
    return struct.pack(f"<{n}{form}", *((i * 37 % 17 - 8) / 8 for i in range(n)))


def gguf(keys, tensors, version=3, alignment=32, fill=fill):
    """tensors: (name, dims, type, bytes)."""
    head, data = b"", b""
    for name, dims, kind, size in tensors:
        data += b"\0" * (-len(data) % alignment)
        head += text(name) + struct.pack("<I", len(dims)) + b"".join(struct.pack("<Q", d) for d in dims)
        head += struct.pack("<IQ", kind, len(data))
        data += fill(kind, size)
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys)) + b"".join(keys) + head
    return out + (b"\0" * (-len(out) % alignment) + data if tensors else b"")


def safetensors(tensors, metadata=None):
    """tensors: (name, dtype, shape, bytes)."""
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, dtype, shape, size in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + size]}
        data += bytes(i * 37 % 256 for i in range(size))
    head = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(head)) + head + data


def write(name, data):
    path = CORPUS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def varint(x):
    return bytes([x % 128 + 128]) + varint(x // 128) if x > 127 else bytes([x])


def field(number, x):
    """A protobuf field: a whole number, a float, or bytes."""
    if isinstance(x, int):
        return varint(number << 3) + varint(x)
    if isinstance(x, float):
        return varint(number << 3 | 5) + struct.pack("<f", x)
    return varint(number << 3 | 2) + varint(len(x)) + x


def tokenizers():
    pieces = [("<unk>", 2), ("<s>", 3), ("</s>", 3), ("<0x0A>", 6), ("\u2581", 1), ("t", 1), ("h", 1), ("e", 1), ("th", 1),
              ("the", 1), ("\u2581the", 4)]
    lists = [key("tokenizer.ggml.tokens", "string", [p for p, _ in pieces]),
             key("tokenizer.ggml.token_type", "i32", [k for _, k in pieces]),
             key("tokenizer.ggml.scores", "f32", [-float(i) for i in range(len(pieces))])]
    write("tokenizer/scores", gguf([key("tokenizer.ggml.model", "string", "llama")] + lists, []))
    write("tokenizer/merges", gguf([key("tokenizer.ggml.model", "string", "gpt2"), key("tokenizer.ggml.pre", "string", "llama3"),
                                    key("tokenizer.ggml.merges", "string", ["t h", "th e"])] + lists[:2], []))
    write("tokenizer/pieces", b"".join(field(1, field(1, p.encode()) + field(2, -float(i)) + field(3, k))
                                       for i, (p, k) in enumerate(pieces)) +
          field(2, field(3, 2) + field(35, 1) + field(41, 1)) + field(3, field(1, b"identity") + field(3, 1) + field(4, 1)))
    model = {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "vocab": {p: i for i, (p, _) in enumerate(pieces)},
             "merges": ["t h", ["th", "e"]]}
    added = {"id": 11, "content": "<x>", "lstrip": True, "rstrip": True, "single_word": True, "special": True}
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
                "special_tokens": {"<s>": {"ids": [1]}}}
    regex = {"Regex": r"[^\s\p{L}[.,]]+|\p{N}{1,3}+|\s+(?!\S)|\w+"}
    variants = {
        "llama": {"normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFC"}, {"type": "Prepend", "prepend": "\u2581"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}, "post_processor": template},
        "split": {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": regex, "behavior": "MergedWithNext", "invert": True},
            {"type": "Digits", "individual_digits": True}, {"type": "Punctuation", "behavior": "Contiguous"},
            {"type": "ByteLevel"}]}, "post_processor": {"type": "Sequence", "processors": [template, template]}},
        "metaspace": {"normalizer": {"type": "Strip"}, "pre_tokenizer": {
            "type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first"}},
        "words": {"normalizer": {"type": "NFKC"}, "pre_tokenizer": {"type": "Whitespace"}},
    }
    for name, rest in variants.items():
        data = {**rest, "added_tokens": [added], "model": dict(model, byte_fallback=name == "llama")}
        write("tokenizer/" + name, json.dumps(data, ensure_ascii=False).encode())
    data["added_tokens_decoder"] = {"11": dict(added, lstrip=False, normalized=True), "12": dict(added, content="the")}
    write("tokenizer/decoder", json.dumps(data, ensure_ascii=False).encode())


def models():
    """The smallest llama that there is: one layer, one head, four channels, five tokens."""
    keys = [key("general.architecture", "string", "llama")]
    keys += [key(f"llama.{k}", "u32", x) for k, x in
             [("context_length", 8), ("embedding_length", 4), ("block_count", 1), ("feed_forward_length", 4),
              ("attention.head_count", 1), ("attention.head_count_kv", 1), ("rope.dimension_count", 4)]]
    keys += [key("llama.attention.layer_norm_rms_epsilon", "f32", 1e-5), key("llama.rope.freq_base", "f32", 1e4)]
    keys += [key("tokenizer.ggml.model", "string", "gpt2"), key("tokenizer.ggml.tokens", "string", ["a", "b", "ab", "c", "d"]),
             key("tokenizer.ggml.merges", "string", ["a b"])]
    four = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]
    for name, kind, row in [("f32", 0, 16), ("f16", 1, 8)]:
        tensors = [("token_embd.weight", [4, 5], kind, 5 * row), ("output_norm.weight", [4], 0, 16)]
        tensors += [(f"blk.0.{w}.weight", [4, 4], kind, 4 * row) for w in four]
        tensors += [(f"blk.0.{w}.weight", [4], 0, 16) for w in ("attn_norm", "ffn_norm")]
        write(f"model/{name}", gguf(keys, tensors, fill=small_numbers))


def vectors():
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }"
    for name, start, dtype, size in [("v1", b"\x93NUMPY\x01\x00" + struct.pack("<H", 118), "<f4", 16),
                                     ("v2", b"\x93NUMPY\x02\x00" + struct.pack("<I", 116), "<f8", 32)]:
        write(f"vector/{name}", start + (head.replace("<f4", dtype).ljust(127 - len(start)) + "\n").encode() + bytes(size))
    control = [key("general.architecture", "string", "controlvector"), key("controlvector.layer_count", "i32", 1)]
    for descr, each in (">f2", 2), ("<f8", 8), ("|i1", 1):
        head = f"{{'descr': '{descr}', 'fortran_order': True, 'shape': (2, 3), }}".ljust(117) + "\n"
        write("vector/" + descr[1:], b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode() + fill(0, 6 * each))
    write("vector/control", gguf(control, [("direction.1", [4], 0, 16)]))
    write("vector/named", safetensors([("direction.0", "F32", [4], 16), ("direction.1", "F16", [1, 4], 8)]))


def json_of_python():
    write("json/python", ("\ufeff" + json.dumps({"a": float("nan"), "b": [float("inf"), -float("inf")], "NaN": "\\ \" Infinity"})).encode())


def prompts():
    write("prompts/text", "one two\r\n\n\tthree \u2581 four".encode())
    rows = [{"prompt": "a b", "foil": "c d", "answer": " x", "wrong": " y"}, {"prompt": "e", "foil": None}]
    write("prompts/lines", "\n".join(json.dumps(r) for r in rows).encode())
    write("prompts/list", ("\ufeff" + json.dumps(["[INST] a", *rows], indent=1).replace("\n", "\r\n")).encode())
    write("prompts/brackets", b"[INST] one [/INST]\n[1] two\n")


def torch():
    """Pickles of torch.save by themselves, of hostile files too, and some whole files."""
    for path in sorted(TORCH.glob("*.pt")):
        with zipfile.ZipFile(path) as z:
            write(f"torch/{path.stem}", next(z.read(n) for n in z.namelist() if n.endswith("/data.pkl")))
    for name in ["eval", "huge_count", "itself", "doubling", "storage_two_types"]:
        with zipfile.ZipFile(TORCH / "hostile" / f"{name}.pt") as z:
            write(f"torch/{name}", z.read("a/data.pkl"))
    write("torch/file", (TORCH / "single.pt").read_bytes())
    for name in ["compressed", "one_in_another", "overlap", "twice"]:
        write(f"torch/file_{name}", (TORCH / "hostile" / f"{name}.pt").read_bytes())
    write("vector/npz", (TORCH / "arrays.npz").read_bytes())
    write("vector/pt", (TORCH / "directions.pt").read_bytes())


def lenses():
    """Of two layers and three channels, and what is not quite one."""
    def layer(i, d=3, bias=3):
        return [(f"weight.{i}", "F32", [d, d], 4 * d * d)] + ([(f"bias.{i}", "F32", [bias], 4 * bias)] if bias else [])

    kind = {"lmscope": "lens"}
    write("lens/two", safetensors(layer(0) + layer(1), kind))
    write("lens/no_bias", safetensors(layer(0, bias=0) + layer(1, bias=0), {**kind, "residual": "no"}))
    write("lens/some_bias", safetensors(layer(0) + layer(1, bias=0), kind))
    write("lens/unlike_layers", safetensors(layer(0) + layer(1, d=2, bias=2), kind))
    write("lens/long_bias", safetensors(layer(0, bias=4), kind))
    write("lens/other_kind", safetensors(layer(0), {"lmscope": "probe"}))
    write("lens/model_none", safetensors(layer(0), {**kind, "model": "{"}))
    write("lens/flat", safetensors([("weight.0", "F32", [9], 36)]))
    write("lens/types", safetensors([("0.weight", "BF16", [2, 2], 8), ("0.bias", "F16", [2], 4)]))
    write("lens/whole_numbers", safetensors([("0.weight", "I64", [2, 2], 32)]))
    write("lens/empty", safetensors([("weight.0", "F32", [0, 0], 0)]))


def main():
    torch()
    lenses()
    tokenizers()
    models()
    vectors()
    prompts()
    json_of_python()
    every = [key(f"k.{kind}", kind, {"bool": True, "f32": 0.5, "f64": 1e-5}.get(kind, 7)) for kind in KINDS]
    words = [key("tokenizer.ggml.tokens", "string", ["<s>", "", "\u2581a"]), key("scores", "f32", [0.0, -1.0, -2.0])]
    nested = text("nested") + struct.pack("<IIQ", ARRAY, ARRAY, 2) + 2 * (struct.pack("<IQ", 4, 1) + b"\x07\0\0\0")
    blocks = [("q4", [32, 2], 2, 36), ("q8", [32], 8, 34), ("k4", [256], 12, 144), ("k6", [256, 1], 14, 210),
              ("h", [3], 1, 6), ("ids", [4], 26, 16), ("x", [2, 1, 1, 1], 23, 0)]
    write("gguf/kinds", gguf(every + words + [nested], []))
    write("gguf/tensors", gguf([key("general.architecture", "string", "llama")], [("a", [4, 3], 0, 48), ("b", [4], 0, 16)]))
    write("gguf/blocks", gguf([key("general.alignment", "u32", 64)], blocks[:-1], 2, 64))
    write("gguf/rows", gguf([], blocks))
    write("gguf/split", gguf([key("split.no", "u16", 0), key("split.count", "u16", 2)], [("a", [1], 0, 4)]))
    write("safetensors/two", safetensors([("a.weight", "F32", [2, 3], 24), ("b", "BF16", [], 2)], {"format": "pt"}))
    write("safetensors/types", safetensors([(t, t, [2], 2 * n) for t, n in
                                            [("F64", 8), ("F16", 2), ("I64", 8), ("BOOL", 1), ("U8", 1)]]))
    write("safetensors/empty", safetensors([]))
    write("safetensors/wrong", safetensors([("a", "F32", [2], 7)]))


if __name__ == "__main__":
    main()
