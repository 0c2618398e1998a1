#!/usr/bin/env python3
"""make_tree.py - a logit difference taken apart down to source tokens and neurons, for tiny models of several families.

    make_tree.py [NAME…]      writes tests/fixtures/tree/NAME.json

From PyTorch's activations in double precision (probe.py), forwards: each head's, token's and neuron's own write is made as a vector of
the stream, through whatever norm and multiplier the family has after the block, and then read like any other write (make_tables.py). The
program goes the other way round. An edit's part is what a run with it has there minus what the model alone would have written.

Rows by place; "X/edits" and "X/bias" are those below X.
"""
import json

import torch

from fixture_files import FIXTURES, load, write_each
from make_tables import Parts, part_of
from probe import Probe, number, repeat_heads

TREE = FIXTURES / "tree"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/granite-bias",
         "families/bloom", "families/cohere", "families/olmo2"]
# Those of the last position act on the row that is read; the others change what it reads.
EDITS = [[],
         ["head 1.1 scale 0.5", "neuron 0.3 zero", "mlp_out 0 @-1 scale 2", "attn_out 1 @-1 scale 0.25", "pattern 0.1 @-1<2 zero",
          "kv 1.0 @3 zero"]]


class Tree(Parts):
    def __init__(self, probe):
        super().__init__(probe)
        down = [part_of(layer, probe.family["down"]) for layer in probe.layers]
        self.W_out = [m if m is None else self.matrix(m) for m in down]  # [F, D]
        self.raw_bias = {"attn": [layer.get_submodule(probe.family["o"]).bias for layer in probe.layers],
                         "mlp": [m if m is None else m.bias for m in down]}
        after = [layer.get_submodule(probe.family["mlp_out"]) for layer in probe.layers]
        self.after = {"attn": self.behind, "mlp": [m if "norm" in type(m).__name__.lower() else None for m in after]}

    def to_stream(self, kind, layer, made, all_made):
        """Parts of what a block makes, as they reach the stream: the norm after it divides by what all of it says."""
        norm = self.after[kind][layer]
        if norm is not None:
            assert self.raw_bias[kind][layer] is None
            eps = getattr(norm, "eps", None) or norm.variance_epsilon
            made = made * (all_made.pow(2).mean() + eps).rsqrt() * (norm.weight + self.probe.config.model_type.startswith("gemma"))
        return made * self.probe.multiplier

    def rows(self, run, edits, at, direction):
        scale = self.scale(run[f"blocks.{len(self.probe.layers) - 1}.resid_post"][at])

        def direct(x):
            return self.direct(x, scale, direction)
        found = {}
        for l in range(len(self.probe.layers)):
            site = {s: run.get(f"blocks.{l}.{s}") for s in ("z", "v", "pattern", "mlp_post", "attn_out", "mlp_out")}
            W_O = self.W_O[l].reshape(self.heads, -1, self.W_O[l].shape[1])
            v = repeat_heads(site["v"].transpose(0, 1), self.heads)  # [H, T, K]
            heads = torch.einsum("hk,hkd->hd", site["z"][at], W_O)
            sources = torch.einsum("hj,hjk,hkd->hjd", site["pattern"][:, at].to(v.dtype), v, W_O)
            mixes = self.W_out[l] is None
            experts = [run[f"blocks.{l}.expert.{e}"][at] for e in range(run[f"blocks.{l}.expert_weights"].shape[1])] if mixes else []
            neurons = torch.stack(experts) if mixes else site["mlp_post"][at][:, None] * self.W_out[l]
            for h in range(self.heads):
                name = f"head {l}.{h}"
                found[name] = direct(self.to_stream("attn", l, heads[h], heads.sum(0)))
                for j in range(at + 1):
                    found[f"pattern {l}.{h} @{at}<{j}"] = direct(self.to_stream("attn", l, sources[h, j], heads.sum(0)))
                if any(e.startswith(f"{name} ") for e in edits):
                    found[f"{name}/edits"] = found[name] - direct(self.to_stream("attn", l, sources[h].sum(0), heads.sum(0)))
            for n, write in enumerate(direct(neurons if mixes else self.to_stream("mlp", l, neurons, neurons.sum(0)))):
                found[f"{'expert' if mixes else 'neuron'} {l}.{n} @{at}"] = write
            for kind, made, bias in (("attn", heads, self.b_O[l]), ("mlp", neurons, self.b_out[l])):
                name, out = f"{kind}_out {l}", site[f"{kind}_out"][at]
                edited = any(e.startswith(f"{name} ") for e in edits)
                found[name] = direct(out if edited else out - bias)
                if edited:
                    found[f"{name}/bias"] = direct(bias)
                    found[f"{name}/edits"] = direct(out - bias - self.to_stream(kind, l, made.sum(0), made.sum(0)))
        return {k: number(x) for k, x in found.items()}


def make(name):
    about = json.loads((FIXTURES / name / "expected.json").read_text())
    ids = about["ids"]
    tree = Tree(Probe(load(name)))
    plain = tree.probe.run(ids)
    top = plain["logits"][-1].argsort(descending=True)[:2].tolist()
    direction = tree.W_U[top[0]] - tree.W_U[top[1]]
    cases = []
    for edits in EDITS:
        if tree.probe.config.model_type == "bloom":  # whose pattern and values cannot be changed from here
            edits = [e for e in edits if not e.startswith(("pattern", "kv"))]
        run = tree.probe.run(ids, edits, base=plain) if edits else plain
        for at in (len(ids) - 1, len(ids) - 3)[:1 if edits else 2]:
            cases.append({"edits": edits, "position": at, "rows": tree.rows(run, edits, at, direction)})
    return {"about": "made by tests/reference/make_tree.py", "model": name, "ids": ids, "foil_ids": about.get("foil_ids", ids),
            "metric": "logit_diff #{} #{}".format(*top), "prompt": 0, "foil": 0, "cases": cases}


if __name__ == "__main__":
    write_each(__doc__, TREE, NAMES, make, breaks=["}, "])
