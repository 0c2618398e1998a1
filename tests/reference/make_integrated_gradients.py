#!/usr/bin/env python3
"""make_integrated_gradients.py - integrated gradients of tiny models, by PyTorch's autograd in double precision and by Captum.

    make_integrated_gradients.py [NAME…]      writes tests/fixtures/integrated/NAME.json

The way leads from the baseline's embedding to the token's, as the embedding module gives it: positions, and what the family does to an
embedding, come after.  The mark before the prompt keeps its own.  With a number of steps the values are Captum's IntegratedGradients with
method riemann_middle; "exact" is Gauss's rule with 12 nodes on each of 40 pieces of the way; "sequential" has one run for each token.  (From zero the way is too steep at its
start for that rule: a norm's scale changes at once.)

The metric is the logit of what the model predicts minus that of its second choice, at the last position; and, for "logprob", that
token's log probability.
"""
import numpy as np
import torch
from captum.attr import IntegratedGradients

from fixture_files import FIXTURES, ids_of, load, write_each
from probe import number, numbers

OUT = FIXTURES / "integrated"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/bloom", "families/granite"]
BOS, TOKEN, STEPS, PIECES = 0, 17, 7, 40


class Integrated:
    def __init__(self, name):
        self.name, self.ids = name, ids_of(name)
        self.model = load(name)
        self.embed = self.model.get_input_embeddings()
        self.x = self.embed(torch.tensor(self.ids)).detach()
        self.targets = self.logits(self.x[None])[0].topk(2).indices.tolist()

    def logits(self, x):
        return self.model(inputs_embeds=x, use_cache=False).logits[:, -1]

    def difference(self, x):
        both = self.logits(x)[:, self.targets]
        return both[:, 0] - both[:, 1]

    def logprob(self, x):
        return self.logits(x).log_softmax(-1)[:, self.targets[0]]

    def baseline(self, row):
        b = row.expand_as(self.x).clone()
        if self.ids[0] == BOS:
            b[0] = self.x[0]
        return b

    def exact(self, f, b):
        node, weight = np.polynomial.legendre.leggauss(12)
        along = torch.tensor(np.concatenate([(piece + (node + 1) / 2) / PIECES for piece in range(PIECES)]))
        x = (b + along[:, None, None] * (self.x - b)).requires_grad_()
        g = torch.autograd.grad(f(x).sum(), x)[0]
        total = (torch.tensor(np.tile(weight / 2 / PIECES, PIECES))[:, None, None] * g).sum(0)
        found = (total * (self.x - b)).sum(-1)
        assert abs(found.sum() - (f(self.x[None]) - f(b[None]))[0]) < 1e-4, (self.name, found.sum(), (f(self.x[None]) - f(b[None]))[0])
        return found

    def plain(self, b):
        found = IntegratedGradients(self.difference).attribute(self.x[None], baselines=b[None], n_steps=STEPS, method="riemann_middle")
        return found[0].sum(-1)

    def sequential(self, b):
        answer = []
        for i in range(len(self.ids)):
            x = self.x.clone()
            x[i] = b[i]
            answer.append((self.difference(self.x[None]) - self.difference(x[None]))[0])
        return torch.stack(answer)

    def answer(self):
        row = {"mean": self.embed(torch.arange(len(self.embed.weight))).mean(0), "zero": torch.zeros_like(self.x[0]),
               "bos": self.embed(torch.tensor(BOS)), "token": self.embed(torch.tensor(TOKEN))}
        base = {k: self.baseline(r.detach()) for k, r in row.items()}
        return {
            "about": "made by tests/reference/make_integrated_gradients.py", "model": self.name, "ids": self.ids, "foil_ids": self.ids,
            "metric": "logit_diff #{} #{}".format(*self.targets), "prompt": number(self.difference(self.x[None])[0]),
            "foil": number(self.difference(self.x[None])[0]), "logprob": f"logprob #{self.targets[0]}", "token": f"#{TOKEN}", "steps": STEPS,
            "exact": {k: numbers(self.exact(self.difference, base[k]).numpy()) for k in ("mean", "token")},
            "exact_logprob": numbers(self.exact(self.logprob, base["mean"]).numpy()),
            "plain": {k: numbers(self.plain(b).detach().numpy()) for k, b in base.items()},
            "sequential": {k: numbers(self.sequential(b).numpy()) for k, b in base.items()},
        }


if __name__ == "__main__":
    write_each(__doc__, OUT, NAMES, lambda name: Integrated(name).answer(), grad=True, indent=1)
