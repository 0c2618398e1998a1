#!/usr/bin/env python3
"""make_smoothgrad.py - gradients of tiny models averaged over noisy prompts, by PyTorch's autograd in double precision.

    make_smoothgrad.py [NAME…]      writes tests/fixtures/smoothgrad/NAME.json

Noise is added to what the embedding module gives, scaled as the family scales it: positions, and a norm on embeddings, come after.  The
mark before the prompt gets none.  The draws are those of noise.h.  Standard errors: the jackknife over samples, or over GROUPS groups
where there are more.  The metric is the logit of what the model predicts minus that of its second choice, at the last position.
"""
import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from draws import normal
from probe import number, numbers

OUT = FIXTURES / "smoothgrad"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/bloom", "families/granite"]
BOS, SIGMA, SEED, SAMPLES, GROUPS = 0, 0.3, 5, [6, 40], 20


class Smooth:
    def __init__(self, name):
        self.name, self.ids = name, ids_of(name)
        self.model = load(name)
        # Granite multiplies after that module (Gemma within it): the input is what comes of it.
        self.scale = getattr(self.model.config, "embedding_multiplier", 1)
        self.x = self.model.get_input_embeddings()(torch.tensor(self.ids)).detach() * self.scale
        self.targets = self.logits(self.x[None])[0].topk(2).indices.tolist()
        self.first = int(self.ids[0] == BOS)

    def logits(self, x):
        return self.model(inputs_embeds=x / self.scale, use_cache=False).logits[:, -1]

    def gradients(self, x):
        x = x.requires_grad_()
        both = self.logits(x)[:, self.targets]
        return torch.autograd.grad((both[:, 0] - both[:, 1]).sum(), x)[0]

    def noise(self, k):
        T, D = self.x.shape
        rows = [[normal(SEED, k * T + t, d) if t >= self.first else 0 for d in range(D)] for t in range(T)]
        return torch.tensor(rows, dtype=torch.float64)

    def cells(self, show, g):
        return g.norm(dim=-1) if show == "norm" else (g * self.x).sum(-1)

    def answer_for(self, samples, spread):
        x = torch.stack([self.x + SIGMA * spread * self.noise(k) for k in range(samples)])
        g = self.gradients(x)
        found = {}
        for show in "norm", "gradient_x_input":
            groups = [k for k in range(min(samples, GROUPS))]
            without = torch.stack([self.cells(show, torch.stack([g[k] for k in range(samples) if k % GROUPS != b]).mean(0)) for b in groups])
            n = len(groups)
            found[show] = {"cells": numbers(self.cells(show, g.mean(0)).numpy()),
                           "errors": numbers((without.var(0, unbiased=False) * (n - 1)).sqrt().numpy())}
        return found

    def answer(self):
        shown = self.x[self.first:]
        spreads = {"sd": shown.std(unbiased=False), "range": shown.max() - shown.min()}
        both = self.logits(self.x[None])[0, self.targets]
        return {
            "about": "made by tests/reference/make_smoothgrad.py", "model": self.name, "ids": self.ids, "foil_ids": self.ids,
            "metric": "logit_diff #{} #{}".format(*self.targets), "prompt": number(both[0] - both[1]), "foil": number(both[0] - both[1]),
            "sigma": SIGMA, "seed": SEED, "samples": SAMPLES,
            "answers": {spread: [self.answer_for(n, s) for n in SAMPLES] for spread, s in spreads.items()},
        }


if __name__ == "__main__":
    write_each(__doc__, OUT, NAMES, lambda name: Smooth(name).answer(), grad=True, indent=1)
