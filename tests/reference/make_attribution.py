"""make_attribution.py - maps of attribution patching for tiny models, from PyTorch's autograd: AtP, its correction for queries and keys, AtP*.

    python tests/reference/make_attribution.py [NAME…]     writes tests/fixtures/attribution/NAME.json

Written from Kramár et al. 2024: GradDrop detaches what attention and MLP of one layer add to the stream, one backward pass for each layer.
"""
import json

import torch
from transformers import AutoModelForCausalLM

from fixture_files import FIXTURES, write_each
from make_gradients import Gradients
from probe import number, numbers

NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox"]
BLOCK = 7  # neurons of a column


class Dropping(Gradients):
    drop = None  # the layer whose writes are constants on the way back

    def _site(self, site, x):
        x = super()._site(site, x)
        return x.detach() if self.layer == self.drop and site in ("attn_out", "mlp_out") else x


class Maps:
    def __init__(self, name):
        self.name, folder = name, FIXTURES / name
        about = json.loads((folder / "expected.json").read_text())
        self.ids, self.foil_ids = about["ids"], about["foil_ids"]
        model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
        self.probe = Dropping(model.double())
        self.layers = len(self.probe.layers)
        self.foil, self.run = self.probe.run(self.foil_ids), self.probe.run(self.ids)
        best, second = self.run["logits"][-1].topk(2).indices.tolist()
        other = int(self.foil["logits"][-1].argmax())
        self.targets = [best, other if other != best else second]

    def metric(self, logits):
        return logits[-1, self.targets[0]] - logits[-1, self.targets[1]]

    def gradients(self, drop=None):
        self.probe.drop = drop
        sites, kept = self.probe.run_kept(self.ids, [], self.run)
        self.metric(sites["logits"]).backward()
        self.probe.drop = None
        return {n: shape(x.grad) for n, (x, shape) in kept.items() if x.grad is not None}

    def gradient(self, found, layer, site):
        name = f"blocks.{layer}.{site}"
        return found.get(name, torch.zeros_like(self.run[name]))

    def along(self, found, layer, site):
        name = f"blocks.{layer}.{site}"
        return (self.foil[name] - self.run[name]) * self.gradient(found, layer, site)

    def weights(self, layer, q, k):
        """[H, T, T] of queries [T, H, K] and keys [T, G, K]: plain causal attention."""
        k = k.repeat_interleave(q.shape[1] // k.shape[1], 1)
        scores = torch.einsum("thk,shk->hts", q, k) / q.shape[-1] ** 0.5
        n = len(q)
        return scores.masked_fill(torch.ones(n, n).triu(1).bool(), -torch.inf).softmax(-1)

    def again(self, found, layer, site):
        """One value a head of `site`: softmax with that head's queries or keys of the foil."""
        q, k = (self.run[f"blocks.{layer}.{s}"] for s in "qk")
        assert (self.weights(layer, q, k) - self.run[f"blocks.{layer}.pattern"]).abs().max() < 1e-6
        g = self.gradient(found, layer, "pattern").tril()
        row = []
        for unit in range(self.run[f"blocks.{layer}.{site}"].shape[1]):
            patched = {"q": q.clone(), "k": k.clone()}
            patched[site][:, unit] = self.foil[f"blocks.{layer}.{site}"][:, unit]
            row.append(((self.weights(layer, patched["q"], patched["k"]) - self.run[f"blocks.{layer}.pattern"]) * g).sum())
        return torch.stack(row)

    def maps(self, found, again):
        """{site: [layers, columns]}"""
        every = range(self.layers)
        units = {s: torch.stack([self.again(found, l, s) if again else self.along(found, l, s).sum((0, 2)) for l in every]) for s in "qk"}
        return units | {
            "resid_pre": torch.stack([self.along(found, l, "resid_pre").sum(1) for l in every]),
            "mlp_out": torch.stack([self.along(found, l, "mlp_out").sum(1) for l in every]),
            "head": torch.stack([self.along(found, l, "z").sum((0, 2)) for l in every]),
            "v": torch.stack([self.along(found, l, "v").sum((0, 2)) for l in every]),
            "pattern": torch.stack([self.along(found, l, "pattern").tril().sum((1, 2)) for l in every]),
            "head_position": self.along(found, self.layers - 1, "z").sum(2).T,
            "neuron": torch.stack([torch.stack([b.sum() for b in self.along(found, l, "mlp_post").sum(0).split(BLOCK)]) for l in every]),
            "parts": torch.stack([torch.stack([self.along(found, l, s).sum() for s in ("attn_out", "mlp_out")]) for l in every]),
        }

    def answer(self):
        plain = self.gradients()
        dropped = [self.maps(self.gradients(l), True) for l in range(self.layers)]
        star = {s: sum(d[s].abs() for d in dropped) / (self.layers - 1) for s in dropped[0]}
        return {
            "about": "made by tests/reference/make_attribution.py", "model": self.name, "ids": self.ids, "foil_ids": self.foil_ids,
            "metric": "logit_diff #{} #{}".format(*self.targets), "prompt": number(self.metric(self.run["logits"])),
            "foil": number(self.metric(self.foil["logits"])), "block": BLOCK,
            "atp": {s: numbers(m) for s, m in self.maps(plain, False).items()},
            "qkfix": {s: numbers(m) for s, m in self.maps(plain, True).items() if s in "qk"},
            "atpstar": {s: numbers(m) for s, m in star.items()},
        }


if __name__ == "__main__":
    write_each(__doc__, FIXTURES / "attribution", NAMES, lambda name: Maps(name).answer(), grad=True, breaks=["]], "])
