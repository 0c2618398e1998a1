#!/usr/bin/env python3
"""make_patching.py - what the maps of interventions must show for some tiny models: one run of PyTorch for each cell.

    make_patching.py [NAME…]      writes tests/fixtures/patching/NAME.json

Nothing is shared between cells and nothing is estimated: each is a whole run of the model under hooks (probe.py), in double
precision.  The metric is the logit of what the model predicts, minus that of what it predicts for the foil (or of its second
choice, where both are the same); maps hold the raw metric.
"""
import json

import torch
from transformers import AutoModelForCausalLM

from fixture_files import FIXTURES, write_each
from probe import Probe, number

PATCHING = FIXTURES / "patching"
EDITS = FIXTURES / "edits"      # its bases, by make_edits.py
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped"]
SITES = ("resid_pre", "attn_out", "mlp_out")


class Maps:
    def __init__(self, name):
        folder = FIXTURES / name
        about = json.loads((folder / "expected.json").read_text())
        self.folder, self.name, self.ids, self.foil_ids = folder, name, about["ids"], about["foil_ids"]
        model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
        self.probe = Probe(model.double())
        self.layers = len(self.probe.layers)
        self.run, self.foil = self.probe.run(self.ids), self.probe.run(self.foil_ids)
        self.heads = self.run["blocks.0.q"].shape[1]
        self.groups = self.run["blocks.0.k"].shape[1]
        self.neurons = self.run["blocks.0.mlp_post"].shape[1]
        best, second = self.run["logits"][-1].topk(2).indices.tolist()
        other = int(self.foil["logits"][-1].argmax())
        self.targets = [best, other if other != best else second]

    def metric(self, run):
        a, b = (run["logits"][-1, t].item() for t in self.targets)
        return a - b

    def patching(self, ids, base, source):
        """{site: map} of `source`'s values put into the run of `ids`."""
        def cell(line):
            return number(self.metric(self.probe.run(ids, [line], base=base, foil=source, folder=EDITS)))

        maps = {s: [[cell(f"{s} {l} @{t} patch") for t in range(len(ids))] for l in range(self.layers)] for s in SITES}
        for site, units in (("head", self.heads), ("q", self.heads), ("k", self.groups), ("v", self.groups), ("pattern", self.heads)):
            for at in ("", "@-1 "):
                maps[site + (" at=last" if at else "")] = [[cell(f"{site} {l}.{h} {at}patch") for h in range(units)]
                                                        for l in range(self.layers)]
        for site in ("resid_mid", "resid_post"):
            maps[site] = [[cell(f"{site} {l} @{t} patch") for t in range(len(ids))] for l in range(self.layers)]
        maps["z"] = [[cell(f"z {l}.{h} patch") for h in range(self.heads)] for l in range(self.layers)]
        maps["head_position layer=1"] = [[cell(f"head 1.{h} @{t} patch") for t in range(len(ids))] for h in range(self.heads)]
        maps["neuron block=9"] = [[cell(f"neuron {l}.{a}..{min(a + 9, self.neurons) - 1} patch") for a in range(0, self.neurons, 9)]
                                  for l in range(self.layers)]
        maps["neuron block=30 at=position position=-2"] = [[cell(f"neuron {l}.{a}..{min(a + 30, self.neurons) - 1} @-2 patch")
                                                            for a in range(0, self.neurons, 30)] for l in range(self.layers)]
        maps["parts"] = [[cell(f"{s} {l} patch") for s in ("attn_out", "mlp_out")] for l in range(self.layers)]
        maps["head at=position position=3"] = [[cell(f"head {l}.{h} @3 patch") for h in range(self.heads)] for l in range(self.layers)]
        stream, head = (f"{self.folder.name}-{kind}.npy" for kind in ("stream", "head"))
        for site in ("resid_pre", "resid_post", "attn_out", "mlp_out"):
            maps[f"{site} in {stream}"] = [[cell(f"{site} {l} @{t} interchange {stream}") for t in range(len(ids))] for l in range(self.layers)]
        for site, units in (("z", self.heads), ("q", self.heads), ("k", self.groups)):
            maps[f"{site} in {head}"] = [[cell(f"{site} {l}.{h} interchange {head}") for h in range(units)] for l in range(self.layers)]
        clean = self.run["logits"][-1].log_softmax(-1)

        def divergence(line):
            patched = self.probe.run(ids, [line], base=base, foil=source)["logits"][-1].log_softmax(-1)
            return number((clean.exp() * (clean - patched)).sum())
        maps["head show=kl"] = [[divergence(f"head {l}.{h} patch") for h in range(self.heads)] for l in range(self.layers)]
        return maps

    def ablation(self):
        """{arguments: map of the metric's change}."""
        now = self.metric(self.run)

        def change(line):
            return number(self.metric(self.probe.run(self.ids, [line], base=self.run)) - now)

        def each(form, units):
            return [[change(form.format(l, u)) for u in range(units)] for l in range(self.layers)]
        return {
            "site=attn_out op=mean": each("attn_out {} @{} mean", len(self.ids)),
            "site=resid_post op=zero": each("resid_post {} @{} zero", len(self.ids)),
            "site=kv op=zero": each("kv {}.{} zero", self.groups),
            "site=head op=zero at=position position=2": each("head {}.{} @2 zero", self.heads),
            "site=parts op=mean at=last": [[change(f"{s} {l} @-1 mean") for s in ("attn_out", "mlp_out")] for l in range(self.layers)],
            "site=neuron op=zero block=11": [[change(f"neuron {l}.{a}..{min(a + 11, self.neurons) - 1} zero")
                                              for a in range(0, self.neurons, 11)] for l in range(self.layers)],
            "site=head_position op=zero layer=0": [[change(f"head 0.{h} @{t} zero") for t in range(len(self.ids))] for h in range(self.heads)],
        }

    def edits(self):
        """The ops that make_tiny.py has none of, each with the last logits."""
        n, last = len(self.ids), self.layers - 1
        seen = int(self.run[f"blocks.{last}.pattern"][0, -1].argmax())
        lines = [
            "embed 0 @1..3 noise 3", "embed 0 noise 0.5 7", f"resid_mid 1 @{n - 2} noise 2 12", "z 0.1 noise 4 1", "layer 0 @-1,2 noise 1 3",
            f"resid_pre {last} project vector.npy", "attn_out 0 @2..-1 project vector.npy", "embed 0 @1 scale 2", "embed 0 @-1 zero",
            f"embed 0 @{n - 2} add vector.npy", f"scores {last}.0 @-1<{seen} mask", f"scores 0 @3..{n - 1}<2 mask",
            f"scores {last} @1,-1<0 mask",
        ]
        rows = []
        for line in lines:
            run = self.probe.run(self.ids, [line], base=self.run, foil=self.foil, folder=self.folder)
            assert (run["logits"][-1] - self.run["logits"][-1]).abs().max() > 1e-3, line
            rows.append({"edit": line, "logits_last": [number(x) for x in run["logits"][-1]]})
        return rows

    def answer(self):
        return {
            "about": "made by tests/reference/make_patching.py",
            "model": self.name, "ids": self.ids, "foil_ids": self.foil_ids,
            "metric": "logit_diff #{} #{}".format(*self.targets),
            "prompt": number(self.metric(self.run)), "foil": number(self.metric(self.foil)),
            "edits": self.edits(),
            "ablation": self.ablation(),
            "noising": self.patching(self.ids, self.run, self.foil),
            "denoising": self.patching(self.foil_ids, self.foil, self.run),
        }


if __name__ == "__main__":
    write_each(__doc__, PATCHING, NAMES, lambda name: Maps(name).answer(), breaks=["]], "])
