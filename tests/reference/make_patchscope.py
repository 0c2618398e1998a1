#!/usr/bin/env python3
"""make_patchscope.py - what tiny models say after a stream of one prompt is put into another.

    make_patchscope.py [NAME…]      writes tests/fixtures/patchscope/NAME.json

Plain loops over forward hooks on Transformers' own blocks, one run for each cell, in double precision.  The target is a text of ours;
placeholders are given by position.
"""
import torch
from transformers import AutoTokenizer

from fixture_files import FIXTURES, ids_of, load, write_each
from probe import FAMILIES, PLAIN, number

FOLDER = FIXTURES / "patchscope"
NAMES = ["tiny/gpt2-tied", "tiny/llama-tied", "families/gpt_neox", "families/gemma2", "families/olmo2"]
TEXT = "the cat sat on a mat"
TOKENS = 4


class Scope:
    def __init__(self, name):
        self.model = load(name)
        paths = FAMILIES.get(self.model.config.model_type, PLAIN)
        self.layers = list(self.model.get_submodule(paths["layers"]))
        self.ids = ids_of(name)

    def streams(self, ids):
        kept, hooks = [], []
        for layer in self.layers:
            hooks.append(layer.register_forward_hook(
                lambda m, a, out: kept.append((out[0] if isinstance(out, tuple) else out).reshape(len(ids), -1))))
        self.model(torch.tensor([ids]), use_cache=False)
        for h in hooks:
            h.remove()
        return kept

    def said(self, target, layer, at, x, count):
        """The tokens that follow, and the probability of the first."""
        def put(module, args, out):
            y = out[0] if isinstance(out, tuple) else out
            y = y.clone()
            y.view(-1, y.shape[-1])[at] = x
            return (y, *out[1:]) if isinstance(out, tuple) else y

        hook, made, first = self.layers[layer].register_forward_hook(put), [], None
        for _ in range(count):
            p = self.model(torch.tensor([target + made]), use_cache=False).logits[0, -1].softmax(-1)
            first = p.max().item() if first is None else first
            made.append(int(p.argmax()))
        hook.remove()
        return made, first

    def grid(self, target, at, to=None, count=1, norm=False):
        source, there = self.streams(self.ids), self.streams(target)
        values, words = [], []
        for layer, rows in enumerate(source):
            into = layer if to is None else to
            cells = []
            for x in rows:
                if norm:
                    x = x * there[into][at[0]].norm() / x.norm()
                cells.append(self.said(target, into, at, x, count))
            values.append([number(c[1]) for c in cells])
            words.append([c[0] for c in cells])
        return {"p": values, "ids": words}


def target_of(name):
    return AutoTokenizer.from_pretrained(FIXTURES / name)(TEXT)["input_ids"]


def make(name):
    s, target = Scope(name), target_of(name)
    last = len(target) - 1
    return {"about": "made by tests/reference/make_patchscope.py", "model": name, "ids": s.ids, "metric": {"spec": "entropy"},
            "target": TEXT, "target ids": target,
            "patchscope": {f"at={last}": s.grid(target, [last]), "at=2": s.grid(target, [2]),
                           "at=2 to_layer=0": s.grid(target, [2], to=0), "at=1,3 to_layer=0": s.grid(target, [1, 3], to=0),
                           "at=2 map=norm": s.grid(target, [2], norm=True),
                           f"at=2 to_layer=1 tokens={TOKENS}": s.grid(target, [2], to=1, count=TOKENS)}}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, make, breaks=["}, ", "]]], ", "]], "])
