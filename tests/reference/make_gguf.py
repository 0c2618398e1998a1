#!/usr/bin/env python3
"""make_gguf.py - GGUF files of the tiny models, as llama.cpp's converter would write them.

    make_gguf.py        writes tests/fixtures/gguf/NAME.gguf, and index.json

The models are those of make_tiny.py: the same expected.safetensors holds for both forms.  What a GGUF
cannot say is left out (a gate with GELU, ALiBi in Falcon, Qwen's window); quantised rows have models
of their own, since a block is 32 numbers wide: their expected values stand in NAME.safetensors.
K quants, which the gguf package reads and does not make, are blocks of random bits with scales that
give the weights' spread.

Names of tensors and keys are the gguf package's.  Where transformers' own GGUF loader knows the
architecture, its logits are compared with those of the Hugging Face form: "whole" in index.json means
that it read settings and weights, "weights" that the settings had to be those of config.json (its
loader leaves out caps, windows and scalings), "no" that it does not know the architecture.
"""
import json
import shutil
import tempfile
from pathlib import Path
from zlib import crc32

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint
from transformers.utils import logging

from make_quant_vectors import HALVES
from make_tiny import FIXTURES, make_tokenizer, randomise, TEXT
from probe import Probe, save
from tiny_families import FAMILIES

OUT = FIXTURES / "gguf"
NAMES = """gpt2-tied llama-grouped llama3 mistral-window gpt_neox bloom-heads falcon-7b falcon-40b
phi phi3 phi3-long phi3-short qwen2 qwen2-yarn qwen3 gemma gemma2 gemma3 gemma3-types olmo olmo-unclipped
olmo2 stablelm stablelm-parallel starcoder2 starcoder2-plain smollm3-four granite granite-bias cohere
cohere-qk olmo3 olmo3-four exaone4 exaone4-plain glm4 glm4-plain cohere2 cohere2-pattern ministral3 ministral3-tied
apertus gpt_bigcode mpt internlm2 mixtral qwen2_moe qwen3_moe lfm2 lfm2-bias lfm2_moe
phimoe granitemoe granitemoe-bias glm4_moe glm4_moe-plain dots1-plain ernie4_5_moe""".split()
ARCH = {"mistral": "llama", "gpt_neox": "gptneox", "phi": "phi2", "gemma3_text": "gemma3", "cohere": "command-r",
        "olmo3": "olmo2", "ministral3": "mistral3", "gpt_bigcode": "starcoder", "mixtral": "llama", "qwen2_moe": "qwen2moe",
        "qwen3_moe": "qwen3moe", "lfm2_moe": "lfm2moe", "glm4_moe": "glm4moe", "ernie4_5_moe": "ernie4_5-moe"}
PERMUTED = {"llama", "smollm3", "granite", "granitemoe", "olmo", "mistral3", "internlm2"}
LAYER_NORM = {"gpt2", "gptneox", "bloom", "falcon", "phi2", "olmo", "stablelm", "starcoder2", "command-r",
              "cohere2", "starcoder", "mpt"}  # phimoe has layer norms, and the key of the others
# Types by a part of the name; the first that fits.
QUANTISED = {
    "llama-f16": {"": Type.F16},
    "llama-bf16": {"": Type.BF16},
    "llama-mixed": {"token_embd": Type.Q8_0, "attn_q": Type.Q4_0, "attn_k": Type.Q4_1, "attn_v": Type.Q5_0,
                    "ffn_up": Type.Q5_1, "ffn_gate": Type.Q4_0, "": Type.Q8_0},
    # rows of q and k in the converter's order; rows of fused tensors
    "llama-k": {"0.attn_q": Type.Q2_K, "0.attn_k": Type.Q3_K, "0.attn_v": Type.Q4_K, "0.ffn_gate": Type.Q5_K,
                "0.ffn_up": Type.Q6_K, "1.attn_q": Type.Q4_K, "1.attn_k": Type.Q6_K, "1.attn_v": Type.Q3_K,
                "1.ffn_gate": Type.IQ4_XS, "1.ffn_up": Type.Q2_K, "attn_output": Type.IQ4_NL,
                "ffn_down": Type.Q5_0, "": Type.Q6_K},
    "phi3-k": {"0.attn_qkv": Type.Q4_K, "0.ffn_up": Type.Q3_K, "1.attn_qkv": Type.Q6_K, "1.ffn_up": Type.Q5_K,
               "attn_output": Type.IQ4_NL, "ffn_down": Type.Q4_1, "output.": Type.Q2_K, "": Type.Q5_K},
}


# ---- weights ---------------------------------------------------------------------------------

def permute(w, heads):
    """Rows of q or k for pairs of neighbours (2i, 2i+1) rather than halves (i, i + n/2)."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def ungroup(w, heads, kv_heads):
    """[group][queries, k, v][channel] to all q, all k, all v."""
    g = w.reshape(kv_heads, heads // kv_heads + 2, -1, *w.shape[1:])
    parts = g[:, :-2], g[:, -2:-1], g[:, -1:]
    return np.concatenate([p.reshape(-1, *w.shape[1:]) for p in parts])


def stack_head_norms(weights):
    """StableLM: norms.0, norms.1 … of a layer in one tensor [heads, channels]."""
    for name in [n for n in weights if n.endswith("layernorm.norms.0.weight")]:
        stem = name.removesuffix(".norms.0.weight")
        count = sum(n.startswith(stem + ".norms.") for n in weights)
        weights[stem + ".weight"] = np.stack([weights.pop(f"{stem}.norms.{h}.weight") for h in range(count)])


def stack_experts(name, w):
    """The experts of a layer, which transformers holds with gate and linear half in one array."""
    layer, _, part = name.removeprefix("model.layers.").replace("block_sparse_moe", "mlp").replace("feed_forward", "mlp").partition(".mlp.experts.")
    halves = zip(("gate", "up"), np.split(w, 2, 1)) if part == "gate_up_proj" else [("down", w)]
    return {f"blk.{layer}.ffn_{half}_exps.weight": np.ascontiguousarray(x) for half, x in halves}


def add_expert_keys(w, c):
    if not hasattr(c, "num_experts_per_tok"):
        return
    w.add_expert_count(getattr(c, "num_local_experts", None) or c.num_experts)
    w.add_expert_used_count(c.num_experts_per_tok)
    if hasattr(c, "moe_intermediate_size"):
        w.add_expert_feed_forward_length(c.moe_intermediate_size)
    if hasattr(c, "shared_expert_intermediate_size"):
        w.add_expert_shared_feed_forward_length(c.shared_expert_intermediate_size)
    if hasattr(c, "first_k_dense_replace"):
        w.add_leading_dense_block_count(c.first_k_dense_replace)
        w.add_expert_shared_count(c.n_shared_experts)
        w.add_expert_weights_scale(c.routed_scaling_factor)
        w.add_expert_weights_norm(c.norm_topk_prob)
        w.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
        w.add_expert_group_count(c.n_group)
        w.add_expert_group_used_count(c.topk_group)
    if c.model_type == "ernie4_5_moe":
        w.add_leading_dense_block_count(c.moe_layer_start_index)
        w.add_interleave_moe_layer_step(c.moe_layer_interval)
        w.add_expert_shared_count(c.moe_num_shared_experts)


def convert(model, arch, c):
    weights = {n: p.detach().float().numpy() for n, p in model.named_parameters()}
    if arch in ("gemma", "gemma2", "gemma3") or getattr(c, "tie_word_embeddings", False):
        weights.pop("lm_head.weight", None)
    stack_head_norms(weights)
    weights.update({n: b.numpy() for n, b in model.named_buffers() if n.endswith(("expert_bias", "e_score_correction_bias"))})
    weights = {n: w.squeeze(1) if n.endswith("conv.conv.weight") else w for n, w in weights.items() if "act_fn" not in n}  # keys
    names = gguf.get_tensor_name_map(next(a for a, n in gguf.MODEL_ARCH_NAMES.items() if n == arch),
                                     c.num_hidden_layers)
    heads = c.num_attention_heads
    kv_heads = getattr(c, "num_key_value_heads", None) or heads
    out = {}
    for name, w in weights.items():
        if ".experts." in name:
            out.update(stack_experts(name, w))
            continue
        name = name.replace(".mlp.router.", ".block_sparse_moe.gate.").replace("_moe.router.w", "_moe.router.layer.w")
        name = name.replace(".expert_bias", ".expert_bias.bias") if arch == "lfm2moe" else name
        name = name.replace(".gate.moe_statics.", ".moe_statics.").replace("e_score_correction_bias", "e_score_correction.bias")
        w = w[0] if ".moe_statics." in name else w
        known = names.get_name(name.removeprefix("transformer."), (".weight", ".bias")) or \
            names.get_name(name, (".weight", ".bias"))
        assert known, f"{arch}: the gguf package has no name for {name}"
        if arch in PERMUTED and ".attn_q." in known:
            w = permute(w, heads)
        elif arch in PERMUTED and ".attn_k." in known:
            w = permute(w, kv_heads)
        elif arch in ("gptneox", "bloom") and "attn_qkv" in known:
            w = ungroup(w, heads, heads)
        elif arch == "falcon" and "attn_qkv" in known:
            w = ungroup(w, heads, c.num_kv_heads if c.new_decoder_architecture else 1 if c.multi_query else heads)
        elif arch == "gpt2" and w.ndim == 2 and known.startswith("blk."):
            w = w.T
        elif arch.startswith("gemma") and known.endswith("norm.weight"):
            w = w + 1
        out[known] = np.ascontiguousarray(w)
    out.update(rotary_divisors(model, c))
    return out


def rotary_divisors(model, c):
    scaling = dict(getattr(c, "rope_parameters", None) or {})
    if scaling.get("rope_type") == "longrope":
        return {f"rope_factors_{k}.weight": np.array(scaling[f"{k}_factor"], np.float32) for k in ("long", "short")}
    if scaling.get("rope_type") != "llama3":
        return {}
    found = next(m for n, m in model.named_modules() if n.endswith("rotary_emb")).inv_freq.double().numpy()
    plain = scaling["rope_theta"] ** -(np.arange(0, 2 * len(found), 2) / (2 * len(found)))
    return {"rope_freqs.weight": (plain / found).astype(np.float32)}


# ---- keys ------------------------------------------------------------------------------------

def head_width(c):
    return getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads


def rope(c):
    """The rotary settings of the (global) layers, and those of local ones."""
    found = dict(getattr(c, "rope_parameters", None) or {})
    if "full_attention" in found:
        return found["full_attention"], found["sliding_attention"]
    return found, None


def default_types(c):
    """What llama.cpp takes where no pattern is written."""
    return ["full_attention" if l % 4 == 3 else "sliding_attention" for l in range(c.num_hidden_layers)]


def add_keys(w, arch, c, model):
    positions, local = rope(c)
    share = positions.get("partial_rotary_factor", 1.0)
    heads = c.num_attention_heads
    kv_heads = getattr(c, "num_key_value_heads", None) or heads
    if arch == "falcon":
        kv_heads = c.num_kv_heads if c.new_decoder_architecture else 1 if c.multi_query else heads
    w.add_context_length(getattr(c, "max_position_embeddings", None) or getattr(c, "max_seq_len", None) or 2048)
    w.add_embedding_length(c.hidden_size)
    w.add_block_count(c.num_hidden_layers)
    if arch in ("lfm2", "lfm2moe"):  # no heads of keys: a layer that does not attend
        kv_heads = [kv_heads if t == "full_attention" else 0 for t in c.layer_types]
        w.add_shortconv_l_cache(c.conv_L_cache)
    if arch == "lfm2moe":
        w.add_leading_dense_block_count(c.num_dense_layers)
        w.add_expert_weights_scale(c.routed_scaling_factor)
    mlp = getattr(getattr(model, "model", None), "layers", [None])[0] if arch == "lfm2" else None
    w.add_feed_forward_length(mlp.feed_forward.w1.out_features if mlp else getattr(c, "intermediate_size", None) or getattr(c, "n_inner", None) or 4 * c.hidden_size)
    w.add_head_count(heads)
    w.add_head_count_kv(kv_heads)
    w.add_vocab_size(c.vocab_size)
    epsilon = next((getattr(c, k) for k in ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps")
                    if hasattr(c, k)), 1e-5)
    (w.add_layer_norm_eps if arch in LAYER_NORM else w.add_layer_norm_rms_eps)(epsilon)
    if head_width(c) * heads != c.hidden_size or arch.startswith("gemma"):
        w.add_key_length(head_width(c))
        w.add_value_length(head_width(c))
    if positions:
        w.add_rope_dimension_count(int(head_width(c) * share))
        w.add_rope_freq_base(positions["rope_theta"])
    if local:
        w.add_rope_freq_base_swa(local["rope_theta"])
    if positions.get("rope_type") == "linear":
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(positions["factor"])
    if positions.get("rope_type") == "yarn":
        w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        w.add_rope_scaling_factor(positions["factor"])
        w.add_rope_scaling_orig_ctx_len(positions["original_max_position_embeddings"])
        if "beta_fast" in positions:
            w.add_rope_scaling_yarn_beta_fast(positions["beta_fast"])
        if arch == "olmo2":
            w.add_rope_scaling_attn_factors(positions["attention_factor"])
    if arch == "mistral3":
        w.add_rope_scaling_yarn_log_mul(positions["mscale_all_dim"])
        w.add_attn_temperature_scale(positions["llama_4_scaling_beta"])
    if arch == "apertus":
        curves = [layer.mlp.act_fn for layer in model.model.layers]
        for write, name in ((w.add_xielu_alpha_p, "alpha_p"), (w.add_xielu_alpha_n, "alpha_n"), (w.add_xielu_beta, "beta"),
                            (w.add_xielu_eps, "eps")):
            write([float(getattr(curve, name)) for curve in curves])
    if arch == "mpt":
        w.add_max_alibi_bias(8.0)
    if arch == "phi3":
        w.add_rope_scaling_orig_ctx_len(c.original_max_position_embeddings)
        w.add_sliding_window(c.sliding_window or 0)
        scale = c.max_position_embeddings / c.original_max_position_embeddings
        if scale > 1:
            w.add_rope_scaling_attn_factors((1 + np.log(scale) / np.log(c.original_max_position_embeddings)) ** 0.5)
    if arch in ("gptneox", "stablelm"):
        w.add_parallel_residual(c.use_parallel_residual)
    if arch == "olmo" and c.clip_qkv:
        w.add_clamp_kqv(c.clip_qkv)
    if c.model_type in ("olmo3", "exaone4", "cohere2") and c.sliding_window:
        w.add_sliding_window(c.sliding_window)
        if c.layer_types != default_types(c):
            w.add_sliding_window_pattern([t == "sliding_attention" for t in c.layer_types])
    if arch in ("command-r", "cohere2"):
        w.add_logit_scale(c.logit_scale)
        w.add_rope_scaling_type(gguf.RopeScalingType.NONE)
    if arch in ("granite", "granitemoe"):
        w.add_attention_scale(c.attention_multiplier)
        w.add_embedding_scale(c.embedding_multiplier)
        w.add_residual_scale(c.residual_multiplier)
        w.add_logit_scale(c.logits_scaling)
    if arch in ("gemma2", "gemma3"):
        w.add_sliding_window(c.sliding_window)
        if c.query_pre_attn_scalar != head_width(c):
            w.add_attention_scale(c.query_pre_attn_scalar ** -0.5)
    if arch == "gemma2":
        w.add_attn_logit_softcapping(c.attn_logit_softcapping)
        w.add_final_logit_softcapping(c.final_logit_softcapping)
    if arch == "gemma3":
        slides = [t == "sliding_attention" for t in c.layer_types]
        w.add_sliding_window_pattern(2 if slides == [True, False] else slides)
    if c.model_type in ("mistral", "mixtral", "phimoe", "ministral3", "starcoder2") and c.sliding_window:
        w.add_sliding_window(c.sliding_window)
    add_expert_keys(w, c)


def add_tokenizer(w, folder, vocabulary):
    file = folder / "tokenizer.json"
    if file.exists():
        model = json.loads(file.read_text())["model"]
        ids, merges, bos = model["vocab"], [" ".join(m) for m in model["merges"]], True
    else:
        ids = json.loads((folder / "vocab.json").read_text())
        merges = [m for m in (folder / "merges.txt").read_text().splitlines() if not m.startswith("#")]
        bos = False
    tokens = sorted(ids, key=ids.get)
    tokens += [f"[PAD{i}]" for i in range(len(tokens), vocabulary)]
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_types([3 if t == "<|endoftext|>" else 5 if t.startswith("[PAD") else 1 for t in tokens])
    w.add_token_merges(merges)
    w.add_bos_token_id(0)
    w.add_eos_token_id(0)
    w.add_add_bos_token(bos)


def quantise(name, x, kind):
    """x in blocks; where the package cannot make them, random blocks of a like spread."""
    try:
        return gguf.quants.quantize(x, kind)
    except NotImplementedError:
        return random_blocks(name, x, kind)


def random_blocks(name, x, kind):
    block, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = np.random.default_rng(crc32(name.encode())).integers(0, 256, (x.size // block, size), dtype=np.uint8)
    middle = {"Q2_K": 1.5, "Q4_K": 7.5, "Q5_K": 15.5}.get(kind.name)  # of the integers: what is to be taken off
    scale = 1.0
    for _ in range(2):  # with a scale of 1, and then with that which gives x's spread
        for offset, factor in zip(HALVES[kind.name], (1, middle)):
            half = np.full(len(blocks), scale * factor, np.float16)
            blocks[:, offset : offset + 2] = half.view(np.uint8).reshape(-1, 2)
        scale = x.std() / gguf.quants.dequantize(blocks, kind).std()
    return blocks.reshape(x.shape[0], -1)


def write(file, model, folder, types, arch=None):
    c = model.config
    arch = arch or ARCH.get(c.model_type, c.model_type)
    w = gguf.GGUFWriter(file, arch)
    w.add_name("tiny")
    add_keys(w, arch, c, model)
    add_tokenizer(w, folder, c.vocab_size)
    for name, x in sorted(convert(model, arch, c).items()):
        kind = next((t for part, t in types.items() if part in name), Type.F32) if x.ndim == 2 else Type.F32
        if kind == Type.F32:
            w.add_tensor(name, x)
        else:
            w.add_tensor(name, quantise(name, x, kind), raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    file.chmod(0o644)
    return arch


# ---- the oracle ------------------------------------------------------------------------------

def logits(model, ids):
    with torch.no_grad():
        return model.float().eval()(torch.tensor([ids])).logits[0]


def gap(got, want):
    return (got - want).abs().max().item() / want.abs().max().item()


def by_transformers(file, model, ids, want):
    """How far transformers' own GGUF loader confirms the file."""
    try:
        whole = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32,
                                                     attn_implementation="eager")
        if gap(logits(whole, ids), want) < 1e-4:
            return "whole"
    except Exception:  # its config lacks what this family needs
        pass
    try:
        other = AutoModelForCausalLM.from_config(model.config, attn_implementation="eager").float()
        other.config.model_type = ARCH.get(model.config.model_type, model.config.model_type)
        tensors = load_gguf_checkpoint(str(file), return_tensors=True, model_to_load=other)["tensors"]
        absent, _ = other.load_state_dict({n: t.float() for n, t in tensors.items()}, strict=False)
        other.tie_weights()
        tied = {"lm_head.weight"} if other.config.tie_word_embeddings else set()
        if not set(absent) - tied and gap(logits(other, ids), want) < 1e-4:
            return "weights"
    except Exception:
        pass
    return "no"


# ---- all of them -----------------------------------------------------------------------------

def load(name, folder):
    """The model, and the architecture's name where its settings do not tell."""
    row = FAMILIES.get(name, {})
    if "oracle" not in row:
        return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32), None
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**row["oracle"]), attn_implementation="eager")
    randomise(model, row.get("seed", 1), row.get("gain", 0.4))
    return model, row["config"]["model_type"]


def make(name):
    folder = next(FIXTURES / f / name for f in ("tiny", "families") if (FIXTURES / f / name).is_dir())
    model, arch = load(name, folder)
    model.config._experts_implementation = "eager"
    ids = json.loads((folder / "expected.json").read_text())["ids"]
    file = OUT / f"{name}.gguf"
    arch = write(file, model, folder, {}, arch)
    return dict(file=file.name, arch=arch, like=f"{folder.parent.name}/{name}", ids=ids,
                checked=by_transformers(file, model, ids, logits(model, ids)))


def quantised_config(family, wide):
    """`wide`: rows of 256 numbers, as K quants need them; heads stay narrow, so that the file is small."""
    sizes = dict(hidden_size=256, head_dim=8) if wide else dict(hidden_size=32)
    return AutoConfig.for_model(family, vocab_size=61, intermediate_size=32, num_hidden_layers=2, max_position_embeddings=64,
                                num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5, rope_theta=90.0,
                                tie_word_embeddings=family == "llama", bos_token_id=0, pad_token_id=0, sliding_window=None, original_max_position_embeddings=64, **sizes)


def make_quantised(name, types):
    """The expected values are those of what transformers makes of the file: its dequantised weights."""
    family, wide = name.split("-")[0], name.endswith("-k")
    config = quantised_config(family, wide)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    randomise(model, 3, 0.07 if wide else 0.4)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = make_tokenizer(61, Path(folder), "json")
        file = OUT / f"{name}.gguf"
        arch = write(file, model, Path(folder), types)
    ids = tokenizer.encode(TEXT).ids
    # settings too are the file's, except where the loader's own defaults of a family do not fit so small a vocabulary
    own = {} if family == "llama" else dict(config=config)
    read = AutoModelForCausalLM.from_pretrained(OUT, gguf_file=file.name, dtype=torch.float32, attn_implementation="eager", **own)
    run = Probe(read.double()).run(ids)
    left = ("mlp_up", "pattern") + (("resid_pre", "resid_mid", "mlp_out") if wide else ())
    save(run, OUT / f"{name}.safetensors", lambda site: not site.endswith(left))
    (OUT / f"{name}.safetensors").chmod(0o644)
    return dict(file=file.name, arch=arch, like=None, ids=ids, checked="weights" if own else "whole")


def main():
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    rows = [make(n) for n in NAMES] + [make_quantised(n, t) for n, t in QUANTISED.items()]
    for row in rows:
        size = (OUT / row["file"]).stat().st_size
        print(f"{row['file']:28} {row['arch']:10} {size / 1000:5.0f} kB  by transformers: {row['checked']}")
        assert size < 90_000, row["file"]
    (OUT / "index.json").write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


if __name__ == "__main__":
    main()
