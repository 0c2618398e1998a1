"""make_path_attribution.py - what each writer gives to a logit difference through each head's values, in tiny models, a second time.

    python tests/reference/make_path_attribution.py [NAME…]     writes tests/fixtures/path_attribution/NAME.json

In double precision and forwards, where the program goes backwards: with the norms' scales frozen, the model's own layer says how its
values move along a write; the run's weights mix them, and what comes of it is written and read like any head's write (make_tables.py).
What no placed writer gives (positions, biases, edits) is the rest of the head's share. After Elhage et al. 2021.
"""
import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from make_mixing import freeze_norm
from make_tables import Parts
from probe import Edit, Probe, number, repeat_heads

FOLDER = FIXTURES / "path_attribution"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/falcon-40b", "families/gemma2", "families/gemma3",
         "families/qwen3-bias", "families/bloom", "families/granite-bias", "families/qwen2-window", "families/olmo2", "families/olmo",
         "families/cohere"]
EDITS = [[], ["head 1.1 scale 0.5", "neuron 0.3 zero", "mlp_out 0 @2 scale 2", "resid_pre 1 @1 scale 0.5", "pattern 1.1 @-1<2 zero",
              "kv 1.0 @3 zero"],
         ["attn_out 0 @1 scale 0.25", "head 0.1 zero"]]


def touched(edits, site, layer, T):
    """[T] whether an edit is on the write there."""
    found = torch.zeros(T, dtype=torch.bool)
    for edit in map(Edit, edits):
        if edit.layer == layer and site in edit.sites:
            found[list(edit.positions(T)[0])] = True
    return found


def writes(parts, run, edits, layer):
    """{name: [T, D]} of the placed writers before the layer."""
    T = len(run["logits"])
    stream = run["blocks.0.resid_pre"]
    out = {"embed": stream - (0 if parts.position is None else parts.position[:T].to(stream))}
    for l in range(layer):
        edited = touched(edits, "attn_out", l, T)
        if edited.any():
            out[f"{l}.attn"] = run[f"blocks.{l}.attn_out"] - torch.where(edited[:, None], 0, parts.b_O[l])
        else:
            for h, write in enumerate(parts.write(run, l, run[f"blocks.{l}.z"]).unbind(1)):
                out[f"{l}.{h}"] = write
        bias = torch.where(touched(edits, "mlp_out", l, T)[:, None], 0, parts.b_out[l])
        out[f"{l}.mlp"] = run[f"blocks.{l}.mlp_out"] - bias
    return out


def values_along(probe, ids, run, layer, tangents):
    """[C, T, G, K]: how the layer's values move along each write, the norms' scales frozen, no edits."""
    gemma = float(probe.config.model_type.startswith("gemma"))
    hooks = [freeze_norm(m, gemma) for m in probe.layers[layer].modules() if "norm" in type(m).__name__.lower()]

    def read(x):
        def enter(module, args, kwargs):
            return ((x[None],) + args[1:], kwargs) if args else (args, dict(kwargs, hidden_states=x[None]))
        handle = probe.layers[layer].register_forward_pre_hook(enter, with_kwargs=True)
        probe.sites = {}
        probe.model(torch.tensor([ids]), use_cache=False)
        handle.remove()
        return probe.sites[f"blocks.{layer}.v"]

    probe.edits = []
    x = run[f"blocks.{layer}.resid_pre"].detach()
    with torch.enable_grad():
        moved = torch.stack([torch.autograd.functional.jvp(read, x, t)[1] for t in tangents])
    for hook in hooks:
        hook.remove()
    return moved.detach()


def case(probe, parts, ids, run, edits, at, direction):
    L, H = len(probe.layers), parts.heads
    final = parts.scale(run[f"blocks.{L - 1}.resid_post"][at])

    def share(layer, z):
        return parts.direct(parts.write(run, layer, z)[at], final, direction)  # [H]
    columns, whole = {}, []
    for l in range(L):
        whole += share(l, run[f"blocks.{l}.z"]).tolist()
        of = writes(parts, run, edits, l)
        for name, v in zip(of, values_along(probe, ids, run, l, of.values())):
            z = torch.einsum("hij,hjk->ihk", run[f"blocks.{l}.pattern"].to(v), repeat_heads(v.transpose(0, 1), H))
            columns.setdefault(name, [None] * (L * H))[l * H:(l + 1) * H] = [number(s) for s in share(l, z)]
    return {"edits": edits, "names": list(columns), "cells": list(columns.values()), "whole": [number(w) for w in whole]}


def answers(name):
    ids = ids_of(name)
    probe = Probe(load(name))
    plain, parts = probe.run(ids), Parts(probe)
    parts.eps = parts.eps or 1e-5  # OLMo's norm has it in its code
    parts.W_O = [w.double() for w in parts.W_O]
    top = plain["logits"][-1].argsort(descending=True)[:2].tolist()
    direction = parts.W_U[top[0]] - parts.W_U[top[1]]
    cases = []
    for edits in EDITS:
        if probe.config.model_type in ("bloom", "falcon"):  # whose pattern and values cannot be changed from here
            edits = [e for e in edits if not e.startswith(("pattern", "kv"))]
        run = probe.run(ids, edits, base=plain) if edits else plain
        cases.append(case(probe, parts, ids, run, edits, len(ids) - 1, direction))
    return {"model": name, "ids": ids, "foil_ids": ids, "metric": "logit_diff #{} #{}".format(*top), "prompt": 0, "foil": 0,
            "cases": cases}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, answers, separators=(",", ":"))
