#!/usr/bin/env python3
"""make_repair.py - how a metric's change under an ablation splits into the part's own share, later parts' changes and the norm's.

    make_repair.py [NAME…]      writes tests/fixtures/repair/NAME.json

For each head: a run of PyTorch without it (probe.py), in double precision; each later write's dot product with the direction of the
metric at the norm's scale of the run before, minus the same in that run; what is left over is the norm's new scale.
"""
import torch

from fixture_files import FIXTURES, write_each
from make_patching import Maps
from probe import number

REPAIR = FIXTURES / "repair"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2"]


class Repair(Maps):
    def read(self, stream):
        """(direction [D], scale): the metric before a cap is stream · direction · scale and a constant."""
        model, norm = self.probe.model, self.probe.model.get_submodule(self.probe.family["norm"])
        W = model.get_output_embeddings().weight.double()
        u = W[self.targets[0]] - W[self.targets[1]]
        if norm.__class__.__name__ == "LayerNorm":
            w = u * norm.weight
            return w - w.mean(), 1 / torch.sqrt(stream.var(correction=0) + norm.eps)
        gain = 1 + norm.weight if "Gemma" in norm.__class__.__name__ else norm.weight
        eps = getattr(norm, "variance_epsilon", getattr(norm, "eps", None))
        return u * gain, 1 / torch.sqrt(stream.square().mean() + eps)

    def split(self, line, layer):
        """The change of attn_out in the part's layer, of every later write in order, of the norm, and the sum."""
        run = self.probe.run(self.ids, [line], base=self.run)
        last = f"blocks.{self.layers - 1}.resid_post"
        direction, scale = self.read(self.run[last][-1])
        _, new_scale = self.read(run[last][-1])
        rows = []
        for l in range(layer, self.layers):
            for site in ("attn_out", "mlp_out"):
                name = f"blocks.{l}.{site}"
                rows.append(((run[name][-1] - self.run[name][-1]) @ direction * scale).item())
        norm = (run[last][-1] @ direction * (new_scale - scale)).item()
        return [number(x) for x in rows + [norm, sum(rows) + norm]]

    def answer(self):
        return {
            "about": "made by tests/reference/make_repair.py",
            "model": self.name, "ids": self.ids, "foil_ids": self.foil_ids,
            "metric": "logit_diff #{} #{}".format(*self.targets),
            "prompt": number(self.metric(self.run)), "foil": number(self.metric(self.foil)),
            "repair": [{"layer": l, "head": h, "op": op, "changes": self.split(f"head {l}.{h} {op}", l)}
                       for op in ("zero", "mean") for l in range(self.layers) for h in range(self.heads)],
        }


if __name__ == "__main__":
    write_each(__doc__, REPAIR, NAMES, lambda name: Repair(name).answer(), breaks=["}, "])
