#!/usr/bin/env python3
"""make_perturbation.py - what taking tokens away does to a metric, for some tiny models: one run of PyTorch for each coalition of tokens.

    make_perturbation.py [NAME…]      writes tests/fixtures/perturbation/NAME.json

A token is hidden by transformers' own attention_mask, with positions kept where they are; so nothing here is shared with the program
but the numbers from which samples are drawn.  Values in double precision.  Windows are Captum's Occlusion, Shapley values the sum over
all coalitions (as Captum's ShapleyValues), and for samples that over the permutations; LIME is the package lime's regression (LimeBase) with the
kernel of its explainer of texts.  AtMan is written from its paper's equations.

The metric is the logit of what the model predicts minus that of its second choice, at the last position.
"""
import math

import numpy as np
import torch
from captum.attr import Occlusion, ShapleyValues
from lime.lime_base import LimeBase
from transformers.models.bloom import modeling_bloom

from fixture_files import FIXTURES, ids_of, load, write_each
from draws import uniform
from probe import FAMILIES, PLAIN, Probe, number, numbers

OUT = FIXTURES / "perturbation"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/bloom", "families/phi3",
         "families/granite", "families/opt"]
BOS = 0
TOKEN = 17      # takes the others' place
LONG = [0, 30, 41, 54, 33, 58, 1, 31, 41, 12, 7, 22, 30, 19, 54, 3]
LIME_SAMPLES, LIME_WIDTH, PAIRS, SEED = 60, 0.25, 6, 3


def permutation(seed, row, n):
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        j = int(uniform(seed, row, i) * (i + 1))
        order[i], order[j] = order[j], order[i]
    return order


def removed(seed, row, n):
    """As many as a uniform number says, and a subset of that size."""
    order, count = list(range(n)), 1 + int(uniform(seed, row, 0) * n)
    for i in range(count):
        j = i + int(uniform(seed, row, 1 + i) * (n - i))
        order[i], order[j] = order[j], order[i]
    return order[:count]


class Perturbation:
    def __init__(self, name):
        self.name, self.ids = name, ids_of(name)
        self.model = load(name)
        family = FAMILIES.get(self.model.config.model_type, PLAIN)
        for layer in self.model.get_submodule(family["layers"]):  # a hidden token that sees nothing has no z, which nobody reads
            layer.get_submodule(family["o"]).register_forward_pre_hook(lambda module, args: (args[0].nan_to_num(0),))
        self.bloom = self.model.config.model_type == "bloom"
        if self.bloom:  # its positions are counted over what the mask shows: here a hidden token keeps its place
            own = modeling_bloom.build_alibi_tensor
            self.model.transformer.build_alibi_tensor = lambda mask, *rest, **more: own(torch.ones_like(mask), *rest, **more)
        best = self.logits(self.ids).topk(2).indices.tolist()
        self.targets, self.seen = best, {}

    def logits(self, ids, hidden=(), rows=None):
        mask = torch.ones(1, len(ids), dtype=torch.long)
        mask[0, list(hidden)] = 0
        kind = dict(inputs_embeds=rows[None]) if rows is not None else dict(input_ids=torch.tensor([ids]))
        where = {} if self.bloom else dict(position_ids=torch.arange(len(ids))[None])
        return self.model(attention_mask=mask, use_cache=False, **kind, **where).logits[0, -1]

    def metric(self, *args, **kwargs):
        a, b = self.logits(*args, **kwargs)[self.targets].tolist()
        return a - b

    def mean_rows(self, ids, at):
        embed = self.model.get_input_embeddings()
        rows = embed(torch.tensor(ids)).clone()
        rows[list(at)] = embed(torch.arange(len(embed.weight))).mean(0)
        return rows

    def players(self, ids):
        """All but the mark before the prompt, and the last."""
        return list(range(int(ids[0] == BOS), len(ids) - 1))

    def coalition(self, ids, absent):
        key = (len(ids), tuple(sorted(absent)))
        if key not in self.seen:
            self.seen[key] = self.metric(ids, hidden=absent)
        return self.seen[key]

    # -- occlusion

    def occlusion(self):
        ids, all_of = self.ids, self.metric(self.ids)
        players = self.players(ids)
        first = players[0]
        answer = {
            "mask": [all_of - self.metric(ids, hidden=[i]) for i in players],
            "replace": [all_of - self.metric(ids[:i] + [TOKEN] + ids[i + 1:]) for i in players],
            "remove": [all_of - self.metric(ids[:i] + ids[i + 1:]) for i in players],
            "mean": [all_of - self.metric(ids, rows=self.mean_rows(ids, [i])) for i in players],
        }

        def replaced(x):
            return torch.tensor([self.metric(ids[:first] + [int(t) for t in row] + ids[-1:]) for row in x], dtype=torch.float64)
        inputs = torch.tensor([ids[first:-1]], dtype=torch.float64)
        window = Occlusion(replaced).attribute(inputs, sliding_window_shapes=(3,), baselines=TOKEN)
        answer["window"] = window[0].tolist()
        return answer

    # -- Shapley values

    def shapley(self):
        """By its formula; for the first models Captum, which goes through all permutations, must say the same."""
        players = self.players(self.ids)
        n = len(players)
        found = np.zeros(n)
        for bits in range(1 << n):
            absent = [p for i, p in enumerate(players) if not bits >> i & 1]
            size = n - len(absent)
            for i in range(n):
                if not bits >> i & 1:
                    weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
                    found[i] += weight * (self.coalition(self.ids, [p for p in absent if p != players[i]]) - self.coalition(self.ids, absent))
        if self.name in NAMES[:2]:
            assert np.allclose(found, self.shapley_by_captum(players), atol=1e-9)
        return found.tolist()

    def shapley_by_captum(self, players):
        def value(x):
            return torch.tensor([self.coalition(self.ids, [p for p, there in zip(players, row) if there < 0.5]) for row in x],
                                dtype=torch.float64)
        return ShapleyValues(value).attribute(torch.ones(1, len(players), dtype=torch.float64), baselines=0)[0].numpy()

    def shapley_sampled(self):
        """Pairs of a permutation and its reverse; the mean over pairs and its standard error."""
        players = self.players(LONG)
        n = len(players)
        pairs = np.zeros((PAIRS, n))
        for k in range(PAIRS):
            order = permutation(SEED, k, n)
            for way in (order, order[::-1]):
                absent = set(players)
                before = self.coalition(LONG, absent)
                for i in way:
                    absent = absent - {players[i]}
                    now = self.coalition(LONG, absent)
                    pairs[k, i] += (now - before) / 2
                    before = now
        return {"mean": pairs.mean(0).tolist(), "error": (pairs.std(0, ddof=1) / PAIRS**0.5).tolist()}

    # -- LIME

    def lime(self):
        players = self.players(self.ids)
        n = len(players)
        there = np.ones((LIME_SAMPLES, n))
        for s in range(1, LIME_SAMPLES):
            there[s, removed(SEED, s, n)] = 0
        values = np.array([[self.coalition(self.ids, [p for p, x in zip(players, row) if not x])] for row in there])
        distance = 100 * (1 - np.array([row.sum() / np.sqrt(max(row.sum(), 1) * n) for row in there]))
        width = 100 * LIME_WIDTH

        def kernel(d):  # of lime_text.LimeTextExplainer
            return np.sqrt(np.exp(-(d ** 2) / width ** 2))
        intercept, pairs, score, _ = LimeBase(kernel).explain_instance_with_data(there, values, distance, 0, n, feature_selection="none")
        weight = dict(pairs)
        return {"weights": [float(weight[i]) for i in range(n)], "intercept": float(intercept), "score": float(score)}

    # -- AtMan

    def atman(self):
        """Deiseroth et al. 2023, eq. 4-6: scores less their least, those of suppressed keys times a factor; the loss's growth."""
        if self.model.config.model_type == "bloom":
            return None  # no hook reaches its scores
        probe = Suppressing(self.model)
        rows = self.model.get_input_embeddings().weight[self.ids]
        cosine = torch.nn.functional.cosine_similarity(rows[:, None], rows[None], dim=-1)
        answer = {}
        for factor, similarity in ((0.9, 0.7), (0.5, 0.2)):
            f = 1 - factor
            shrink = torch.where(cosine >= similarity, (1 - f) * (1 - cosine).clamp(0, 1) + f, 1.0)
            shrink.fill_diagonal_(f)
            probe.factors = None
            before = self.loss(probe)
            found = []
            for i in self.players(self.ids):
                probe.factors = shrink[i].clone()
                found.append(self.loss(probe) - before)
            answer[f"factor={factor} similarity={similarity}"] = found
        return answer

    def loss(self, probe):
        return -probe.run(self.ids)["logits"][-1].log_softmax(-1)[self.targets[0]].item()

    def answer(self):
        ids = self.ids
        spans = [(1, 2), (2, 4), (3, 6)]
        occlusion, shapley, sampled, lime = self.occlusion(), self.shapley(), self.shapley_sampled(), self.lime()
        return {
            "about": "made by tests/reference/make_perturbation.py", "model": self.name, "ids": ids, "foil_ids": ids, "long_ids": LONG,
            "metric": "logit_diff #{} #{}".format(*self.targets), "prompt": number(self.metric(ids)), "foil": number(self.metric(ids)),
            "logprob": f"logprob #{self.targets[0]}", "token": f"#{TOKEN}", "players": self.players(ids),
            "spans": [[a, b, number(self.metric(ids, hidden=range(a, b + 1)))] for a, b in spans],
            "occlusion": {k: numbers(np.array(v)) for k, v in occlusion.items()},
            "shapley": numbers(np.array(shapley)), "sampled": {k: numbers(np.array(v)) for k, v in sampled.items()},
            "pairs": PAIRS, "seed": SEED, "lime_samples": LIME_SAMPLES, "lime": {k: numbers(np.array(v)) for k, v in lime.items()},
            "atman": {k: numbers(np.array(v)) for k, v in (self.atman() or {}).items()},
        }


class Suppressing(Probe):
    """Its weights after AtMan's change of the scores, which are the weights' logarithms but for what the least takes away."""
    factors = None

    def _hide(self, weights):
        if self.factors is None:
            return weights
        scores = weights.log()
        there = scores > -torch.inf
        least = scores.masked_fill(~there, torch.inf).min(-1, keepdim=True).values
        return ((scores - least) * self.factors).masked_fill(~there, -torch.inf).softmax(-1)


if __name__ == "__main__":
    write_each(__doc__, OUT, NAMES, lambda name: Perturbation(name).answer(), indent=1)
