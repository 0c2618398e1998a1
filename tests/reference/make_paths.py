#!/usr/bin/env python3
"""make_paths.py - what path patching must show for some tiny models: two runs of PyTorch for each cell (Wang et al. 2023).

    make_paths.py [NAME…]      writes tests/fixtures/paths/NAME.json

The first run has the sender's value of the other prompt and z of every other head of the model put back to what it was (and every
MLP's output, where MLPs are frozen); the receiver's queries, keys, values or MLP output are read from it.  The second run has that
value alone.  Nothing is linearised, and nothing is shared between cells; double precision; maps hold the raw metric.
"""
from fixture_files import FIXTURES, write_each
from make_patching import Maps
from probe import number

PATHS = FIXTURES / "paths"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2"]


class Put:
    """value in the place of site's in one layer: all of it, or one unit, or one position."""

    def __init__(self, site, layer, value, unit=None, position=None):
        self.sites, self.layer, self.value, self.unit, self.position = [site], layer, value, unit, position

    def apply(self, name, x, base, foil):
        x = x.clone()
        rows = slice(None) if self.position is None else self.position
        if self.unit is None:
            x[rows] = self.value[rows]
        else:
            x[rows, self.unit] = self.value[rows, self.unit]
        return x


class Paths(Maps):
    def hold(self, base, sender, layer, receiver, to, frozen):
        """What stands still in the first run: all attention (what is sent comes behind it), and MLPs if they are frozen."""
        still = []
        for l in range(self.layers):
            still.append(Put("z", l, base[f"blocks.{l}.z"]))
            if frozen and not (sender == "mlp_out" and l == layer) and not (receiver == "mlp_in" and l == to):
                still.append(Put("mlp_out", l, base[f"blocks.{l}.mlp_out"]))
        return still

    def cell(self, ids, base, source, sender, layer, column, receiver, to, head, frozen):
        still = self.hold(base, sender, layer, receiver, to, frozen)
        if sender == "head":
            sent = [Put("z", layer, source[f"blocks.{layer}.z"], unit=column)]
        elif sender == "mlp_out":
            sent = [Put("mlp_out", layer, source[f"blocks.{layer}.mlp_out"], position=column)]
        else:
            sent = [Put("resid_pre", 0, source["blocks.0.resid_pre"], position=column)]
        first = self.probe.run(ids, still + sent)
        if receiver == "logits":
            return number(self.metric(first))
        if receiver == "mlp_in":
            put = Put("mlp_out", to, first[f"blocks.{to}.mlp_out"])
        else:
            unit = head if receiver == "q" else head // (self.heads // self.groups)
            put = Put(receiver, to, first[f"blocks.{to}.{receiver}"], unit=unit)
        return number(self.metric(self.probe.run(ids, [put])))

    def map(self, sender, receiver, layer, head, mlps, direction):
        ids, base, source = (self.ids, self.run, self.foil) if direction == "noising" else (self.foil_ids, self.foil, self.run)

        def reached(l):
            if receiver == "logits" or sender == "embed":
                return True
            return l < layer or (l == layer and receiver == "mlp_in" and sender == "head" and not self.probe.parallel)

        columns = self.heads if sender == "head" else len(self.ids)
        return {"words": f"sender={sender} receiver={receiver} layer={layer} head={head} mlps={mlps} direction={direction} show=raw",
                "map": [[self.cell(ids, base, source, sender, l, c, receiver, layer, head, mlps == "frozen") if reached(l) else None
                         for c in range(columns)] for l in range(1 if sender == "embed" else self.layers)]}

    def answer(self):
        last, head = self.layers - 1, self.heads - 1
        maps = [self.map("head", receiver, last, head, mlps, direction)
                for receiver in ("logits", "q", "k", "v", "mlp_in") for mlps, direction in (("recomputed", "noising"), ("frozen", "denoising"))]
        maps += [self.map(sender, receiver, last, 0, mlps, "noising") for sender in ("mlp_out", "embed")
                 for receiver, mlps in (("logits", "recomputed"), ("v", "frozen"), ("mlp_in", "recomputed"))]
        return {
            "about": "made by tests/reference/make_paths.py",
            "model": self.name, "ids": self.ids, "foil_ids": self.foil_ids,
            "metric": "logit_diff #{} #{}".format(*self.targets),
            "prompt": number(self.metric(self.run)), "foil": number(self.metric(self.foil)), "paths": maps,
        }


if __name__ == "__main__":
    write_each(__doc__, PATHS, NAMES, lambda name: Paths(name).answer(), breaks=["]], ", "]]}, "])
