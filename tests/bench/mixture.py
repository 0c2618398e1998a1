#!/usr/bin/env python3
"""mixture.py FILE [TYPE] - a mixture of random blocks in the shape of a large one, for measuring: `lmscope bench FILE`.

    mixture.py /tmp/m.gguf Q4_K     two layers of OLMoE's shape (64 experts of 1024 neurons, 8 for each token), 240 MB each

The numbers mean nothing; scales are small, so that nothing overflows. Rows of the experts are TYPE, all else is Q8_0 or F32.
"""
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type, GGML_QUANT_SIZES

L, D, H, K, F, X, CHOSEN, V = 2, 2048, 16, 128, 1024, 64, 8, 4096
# where a block of so many bytes has its halves
HALVES = {Type.Q4_0: [0], Type.Q8_0: [0], Type.Q4_K: [0, 2], Type.Q6_K: [208], Type.Q5_K: [0, 2], Type.Q3_K: [108],
          Type.Q2_K: [80, 82]}


def blocks(rng, shape, kind):
    """Random blocks [..., bytes] of rows of shape[-1] numbers."""
    block, size = GGML_QUANT_SIZES[kind]
    x = rng.integers(0, 256, size=(int(np.prod(shape)) // block, size), dtype=np.uint8)
    if kind == Type.MXFP4:
        x[:, 0] = rng.integers(118, 121, size=len(x))
    for at in HALVES.get(kind, []):
        x[:, at:at + 2] = (rng.uniform(1e-4, 3e-4, size=len(x)).astype(np.float16)[:, None]).view(np.uint8)
    return x.reshape(*shape[:-1], -1)


def main():
    path, kind = sys.argv[1], Type[sys.argv[2] if len(sys.argv) > 2 else "Q4_K"]
    rng = np.random.default_rng(1)
    w = gguf.GGUFWriter(path, "qwen3moe")
    w.add_context_length(4096)
    w.add_block_count(L)
    w.add_embedding_length(D)
    w.add_feed_forward_length(F)
    w.add_head_count(H)
    w.add_head_count_kv(H)
    w.add_key_length(K)
    w.add_value_length(K)
    w.add_layer_norm_rms_eps(1e-6)
    w.add_rope_freq_base(1e4)
    w.add_expert_count(X)
    w.add_expert_used_count(CHOSEN)
    w.add_expert_feed_forward_length(F)
    letters = [chr(c) for c in range(33, 127)] + ["Ġ"]
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list((letters + ["ab"] + [f"<{i}>" for i in range(V)])[:V])
    w.add_token_types([1] * V)
    w.add_token_merges(["a b"])

    def put(name, shape, kind):
        w.add_tensor(name, blocks(rng, shape, kind), raw_dtype=kind)

    def plain(name, *shape):
        w.add_tensor(name, (rng.standard_normal(shape) / shape[-1] ** 0.5 if len(shape) > 1 else np.ones(shape)).astype(np.float32))

    put("token_embd.weight", (V, D), Type.Q8_0)
    plain("output_norm.weight", D)
    put("output.weight", (V, D), Type.Q8_0)
    for i in range(L):
        b = f"blk.{i}."
        for name, n in (("attn_norm", D), ("ffn_norm", D), ("attn_q_norm", K), ("attn_k_norm", K)):
            plain(b + name + ".weight", n)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            put(b + name + ".weight", (D, D), Type.Q8_0)
        plain(b + "ffn_gate_inp.weight", X, D)
        for name, shape in (("gate", (X, F, D)), ("up", (X, F, D)), ("down", (X, D, F))):
            put(b + f"ffn_{name}_exps.weight", shape, kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


main()
