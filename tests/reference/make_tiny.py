#!/usr/bin/env python3
"""make_tiny.py - tiny random models with the activations that transformers gives for them.

    make_tiny.py [NAME…]        writes tests/fixtures/tiny/NAME/ for each row of tiny_models.py,
                                and tests/fixtures/families/NAME/ for those of tiny_families.py

In each folder: a Hugging Face model (config.json, weights, tokenizer), and
    expected.safetensors   logits [T, V], ln_final [T, D], and blocks.L.SITE as probe.py has them, F32
    expected.json          text and ids of the prompt and of the foil (for patching)
    interventions.json     [{"edit": line, "foil": bool, "logits_last": [V]}]; `add` reads vector.npy

Weights are large, gains are not 1 and biases not 0, so that a term forgotten is far off and not
hidden in the tolerance.  The values are computed in F64 (except what a model's own code casts to F32).
"""
import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.utils import logging

from probe import Probe, check_sums, numbers, save
from tiny_families import FAMILIES
from tiny_models import TINY

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
BOS = "<|endoftext|>"
TEXT = "the cat saw a dog. the cat"
FOIL = "the hen saw a pig. the hen"
WORDS = ("the cat sat on the mat and the dog saw a hen. a pig met the cat and the hen. "
         "then the man had a hat and the dog sat on that mat. the cat saw the pig. "
         "one big bird was in a red barn with some other birds. ") * 4


# ---- tokenizer -------------------------------------------------------------------------------

def make_tokenizer(size, folder, kind):
    """Byte-level BPE over a-z, space and full stop.  kind: "json" (adds a BOS) or "merges" (does not)."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = [chr(c) for c in range(ord("a"), ord("z") + 1)] + [".", "Ġ"]
    tokenizer.train_from_iterator([WORDS], trainers.BpeTrainer(
        vocab_size=size, special_tokens=[BOS], initial_alphabet=alphabet, show_progress=False))
    assert tokenizer.get_vocab_size() == size, tokenizer.get_vocab_size()
    config = {"bos_token": BOS, "eos_token": BOS, "unk_token": BOS, "model_max_length": 1000}
    if kind == "merges":
        tokenizer.model.save(str(folder))
        config.update(tokenizer_class="GPT2Tokenizer", add_bos_token=False)
    else:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{BOS} $A", special_tokens=[(BOS, 0)])
        tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
        config.update(tokenizer_class="PreTrainedTokenizerFast", add_bos_token=True)
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
    return tokenizer


# ---- weights ---------------------------------------------------------------------------------

def randomise(model, seed, gain):
    """Every parameter anew: matrices with spread `gain` / sqrt(width) * 2, gains about 1, biases not 0."""
    rng = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        noise = torch.randn(p.shape, generator=rng)
        last = name.rsplit(".", 1)[0].lower()
        if "norm" in last or ".ln_" in last or last.endswith(("ln_1", "ln_2", "ln_f")):
            # a plain multiplier near 1; Gemma's files have the multiplier minus 1
            centre = 0.0 if type(model).__name__.startswith("Gemma") else 1.0
            value = noise * 0.35 + (centre if name.endswith("weight") else 0.0)
        elif p.ndim == 1:
            value = noise * 0.3
        elif "embed" in last or "wte" in last or "wpe" in last or "lm_head" in last:
            value = noise * 0.6
        else:
            value = noise * gain
        p.data.copy_(value)


# How files name the experts of a layer, which the models hold stacked: gate, linear half, output.
EXPERT_NAMES = {**{k: ("block_sparse_moe", "w1", "w3", "w2") for k in ("mixtral", "phimoe")},
                "lfm2_moe": ("feed_forward", "w1", "w3", "w2")}
# What else files call differently: the router, and experts that files have stacked, too.
OTHER_NAMES = {"ernie4_5_moe": {".gate.moe_statics.": ".moe_statics."}, "phimoe": {".router.weight": ".gate.weight"},
               "granitemoe": {".router.weight": ".router.layer.weight", ".experts.gate_up_proj": ".input_linear.weight",
                              ".experts.down_proj": ".output_linear.weight"}}


def split_experts(name, w, kind):
    """A stack of experts as the tensors that published files have."""
    for ours, theirs in OTHER_NAMES.get(kind, {}).items():
        name = name.replace(ours, theirs)
    block, gate, up, down = EXPERT_NAMES.get(kind, ("mlp", "gate_proj", "up_proj", "down_proj"))
    name = name.replace(".mlp.", f".{block}.")
    if name.endswith(".experts.gate_up_proj"):
        halves = zip((gate, up), w.chunk(2, 1))
    elif name.endswith(".experts.down_proj"):
        halves = [(down, w)]
    else:
        return {name: w}
    stem = name.rpartition(".")[0]
    return {f"{stem}.{e}.{part}.weight": x.contiguous() for part, half in halves for e, x in enumerate(half)}


def as_in_files(weights, model):
    kind = model.config.model_type
    if not any(".experts." in n for n in weights):
        return weights
    return {m: x for n, w in weights.items() for m, x in split_experts(n, w, kind).items()}


def write_weights(model, folder, dtype, shards, prefix, buffers, rename):
    tied = {n for n in getattr(model, "all_tied_weights_keys", None) or {}}
    weights = {n: p.detach().to(dtype).contiguous() for n, p in model.named_parameters() if n not in tied}
    for n, p in model.named_parameters():  # what is computed with is what the file has
        p.data.copy_(p.data.to(dtype).float())
    weights = as_in_files(weights, model)
    weights.update(buffers)
    weights = rename(weights)
    if prefix:
        weights = {n.removeprefix(prefix): w for n, w in weights.items()}
    if shards == 1:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names, index = sorted(weights), {}
    for s in range(shards):
        file = f"model-{s + 1:05}-of-{shards:05}.safetensors"
        part = {n: weights[n] for n in names[s::shards]}
        save_file(part, folder / file, metadata={"format": "pt"})
        index.update({n: file for n in part})
    total = sum(w.numel() * w.element_size() for w in weights.values())
    (folder / "model.safetensors.index.json").write_text(json.dumps(
        {"metadata": {"total_size": total}, "weight_map": dict(sorted(index.items()))}, indent=1) + "\n")


# ---- interventions ---------------------------------------------------------------------------

def neuron_lines(run, early, last, near):
    """Of the strongest neuron, where the layer's MLP is no mixture."""
    def strongest(layer, position):
        post = run.get(f"blocks.{layer}.mlp_post")
        return None if post is None else int(post[position].abs().argmax())
    one, other = strongest(early, near), strongest(last, -1)
    lines = [f"neuron {last}.{other} scale 3"] if other is not None else []
    return lines + ([f"neuron {early}.{one} @{near} scale -2"] if one is not None else [])


def conv_lines(run, layers):
    """Edits of each short convolution."""
    near = len(run["logits"]) - 3
    return [f"{line} {rest}" for l in range(layers) if f"blocks.{l}.conv_in" in run
            for line, rest in ((f"conv_in {l}.1", f"@{near} zero"), (f"conv_in {l}", "mean"), (f"conv_in {l}.0", "patch"),
                               (f"conv_gate {l}", "@-1 scale 0.5"), (f"conv_gate {l}.1", "patch"))]


def is_of_mixture(line):
    return line.startswith(("expert", "router"))


def mixture_lines(run, layers):
    """Edits of the experts, in each layer that has some."""
    lines, near = [], len(run["logits"]) - 3
    for l in range(layers):
        weights = run.get(f"blocks.{l}.expert_weights")
        if weights is None:
            continue
        at = near if l < layers - 1 else -1
        first, absent = int(weights[-1].argmax()), int(weights[-1].argmin())
        lines += [
            f"expert {l}.{first} zero",
            f"expert {l}.{int(weights[at].argmax())} @{at} scale -2",
            f"expert {l}.{first} forbid",
            f"expert {l}.{absent} @-1 force",
            f"expert {l}.{absent} bias 2.5",
            f"expert {l}.{first} @-1 patch",
            f"expert {l}.{absent} mean",
            f"expert {l}.{absent} @-1 add vector.npy 0.5",
            f"router_logits {l}.{first} @-1 scale 0.25",
            f"router_logits {l} mean",
            f"expert_weights {l}.{first} scale 1.5",
            f"expert_weights {l} @{near}..-1 patch",
        ]
    return lines


def edit_lines(run, layers):
    """Edit lines for a model of these sizes: every op, and every target, each at some place."""
    attends = [l for l in range(layers) if f"blocks.{l}.q" in run]
    heads, kv = run[f"blocks.{attends[0]}.q"].shape[1], run[f"blocks.{attends[0]}.k"].shape[1]
    early, last = layers - 2, layers - 1  # what happens at one position early still reaches the last one
    # what is on at the position: the strongest neuron, the strongest key
    near = len(run["logits"]) - 3  # within reach of a short window
    seen = int(run[f"blocks.{attends[-1]}.pattern"][0, -1].argmax())
    lines = [
        f"head {last}.{heads - 1} zero",
        f"head {last}.1 @-1 zero",
        f"head {early}.0 mean",
        f"head {early}.1 @{near - 2}..{near} mean",
        f"head {early}.1 patch",
        f"attn_out {last} zero",
        f"attn_out {early} @1,3,-2 mean",
        f"mlp_out {early} @{near - 1}..-2 zero",
        f"mlp_out {last} mean",
        *neuron_lines(run, early, last, near),
        f"layer {early} zero",
        f"resid_pre {last} @{near} patch",
        f"resid_pre {early} patch",
        f"resid_mid {early} @{near} scale 0.5",
        f"resid_post {early} add vector.npy 4",
        f"resid_post {last} @-1 add vector.npy",
        f"pattern {last}.0 @{len(run['logits']) - 1}<{seen} zero",
        f"pattern {last}.1 @-1 zero",
        f"kv {early}.{kv - 1} zero",
        f"kv {last}.0 @{seen} scale 2",
    ]
    lines = [e for e in lines if not e.startswith(("kv", "pattern")) or int(e.split()[1].split(".")[0]) in attends]
    present = {n.split(".")[-1] for n in run}
    return [e for e in lines if e.split()[0] != "resid_mid" or "resid_mid" in present]


def interventions(probe, ids, foil_ids, run, folder, lines):
    foil = probe.run(foil_ids)
    rows, plain = [], run["logits"][-1]
    for line in lines:
        target = line.split()[0]
        if probe.config.model_type in ("bloom", "falcon", "mpt") and target in ("kv", "pattern"):
            continue  # their own code leaves no place to put a hook
        if (probe.bloom_post or probe.opt_post) and target == "resid_mid" and " scale" in line:
            continue  # all that reads it normalises it
        after = probe.run(ids, [line], base=run, foil=foil, folder=folder)["logits"][-1]
        if is_of_mixture(line) and (after - plain).abs().max() < 1e-3:
            continue  # with normalised weights, a logit of an expert that is not chosen does nothing
        assert (after - plain).abs().max() > 1e-3, f"{folder.name}: {line} changes nothing"
        rows.append({"edit": line, "foil": line.endswith("patch"), "logits_last": numbers(after)})
    assert not mixture_lines(run, 1) or len([r for r in rows if is_of_mixture(r["edit"])]) > 8
    own = probe.run(ids, ["resid_pre 1 @2 patch"], base=run, foil=run)["logits"]
    assert (own - run["logits"]).abs().max() < 1e-9, "patching with itself"
    return rows


# ---- one fixture -----------------------------------------------------------------------------

def make(name, row):
    folder = FIXTURES / ("families" if name in FAMILIES else "tiny") / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = dict(row["config"], bos_token_id=0, eos_token_id=0)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")

    auto = AutoConfig.for_model(**row["oracle"]) if "oracle" in row else AutoConfig.from_pretrained(folder)
    auto._attn_implementation = "eager"
    kind = AutoModelForImageTextToText if "text_config" in config else AutoModelForCausalLM
    model = kind.from_config(auto, attn_implementation="eager")
    randomise(model, row.get("seed", 1), row.get("gain", 0.4))
    dtype = getattr(torch, row.get("dtype", "float32"))
    write_weights(model, folder, dtype, row.get("shards", 1), row.get("prefix"),
                  row.get("buffers", lambda m: {})(model), row.get("rename", lambda w: w))
    tokenizer = make_tokenizer(row["tokens"], folder, row.get("tokenizer", "json"))

    ids, foil_ids = (tokenizer.encode(t).ids for t in (row.get("text", TEXT), row.get("foil", FOIL)))
    assert len(ids) == len(foil_ids) and len(ids) > 7, (ids, foil_ids)
    if "oracle" not in row:  # from the files, as anyone would
        model = kind.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
        model.config._experts_implementation = "eager"  # its other ones want widths that are multiples of 4
    fused = model if not getattr(model.config, "alibi", False) else AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="sdpa", dtype=torch.float32)  # see probe.py: Falcon's eager attention adds ALiBi twice
    plain = fused(torch.tensor([ids])).logits[0]
    probe = Probe(model.double())
    layers = len(probe.layers)
    run = probe.run(ids)
    check_sums(run, probe, layers)
    gap = (run["logits"] - plain).abs().max() / plain.abs().max()
    assert gap < 2e-5, f"{name}: F64 and F32 differ by {gap:.1e}"

    width = run["blocks.0.resid_pre"].shape[1]
    np.save(folder / "vector.npy", np.random.default_rng(5).standard_normal(width).astype(np.float32))
    brief = row.get("brief", False)
    lines = edit_lines(run, layers)[::2 if brief else 1] + conv_lines(run, layers) + mixture_lines(run, layers)

    def keep(site):
        return not (brief and site.endswith("mlp_up")) and ".expert." not in site

    rows = interventions(probe, ids, foil_ids, run, folder, lines)
    save(run, folder / "expected.safetensors", keep)
    (folder / "expected.json").write_text(json.dumps({
        "about": "made by tests/reference/make_tiny.py: " + row["about"],
        "text": row.get("text", TEXT), "ids": ids,
        "foil_text": row.get("foil", FOIL), "foil_ids": foil_ids,
        "layers": layers, "parallel": probe.parallel}, indent=1) + "\n")
    (folder / "interventions.json").write_text(
        "[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
    for file in folder.iterdir():
        file.chmod(0o644)
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f"{name:24} T={len(ids)} logits {plain.abs().max():6.2f}  F32 gap {gap:.0e}  "
          f"{len(rows)} edits  {size / 1000:.0f} kB", flush=True)
    assert size < 150_000, f"{name} is too large"


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("names", nargs="*")
    args = p.parse_args()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    for name, row in {**TINY, **FAMILIES}.items():
        if not args.names or name in args.names:
            make(name, row)


if __name__ == "__main__":
    main()
