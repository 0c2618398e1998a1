#!/usr/bin/env python3
"""make_agreement.py - how alike attributions order the tokens of a prompt, by scipy's rank correlations.

    make_agreement.py       writes tests/fixtures/agreement/lists.json and one file for each model

The lists are small ones with many equal values.  For a model: gradients by PyTorch's autograd (make_smoothgrad.py), tokens taken away by
runs of PyTorch (the numbers of make_perturbation.py's fixtures), in double precision, and the correlations of each pair of methods over
the tokens that both score; of magnitudes where one of them has no sign.
"""
import json
import random

import torch
from scipy.stats import kendalltau, spearmanr
from transformers.utils import logging

from make_smoothgrad import Smooth
import make_smoothgrad
from fixture_files import FIXTURES
from probe import number

FOLDER = FIXTURES / "agreement"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/bloom", "families/granite"]
SIGMA, SAMPLES, SEED = 0.15, 20, 0     # what smoothgrad takes where nothing is given
SIGNED = {"gradient-x-input": True, "smoothgrad": False, "occlusion": True, "shapley": True}


def both(a, b):
    return [number(spearmanr(a, b).statistic), number(kendalltau(a, b).statistic)]


def lists():
    draw = random.Random(7)
    cases = []
    for n, values in [(2, 9), (3, 2), (5, 3), (9, 4), (17, 5), (40, 60)]:
        a, b = ([draw.randrange(values) / 4 for _ in range(n)] for _ in "ab")
        if len(set(a)) > 1 and len(set(b)) > 1:
            cases.append({"a": a, "b": b, "expected": both(a, b)})
    return cases


def gradients(name):
    make_smoothgrad.SIGMA, make_smoothgrad.SEED = SIGMA, SEED
    s = Smooth(name)
    spread = s.x[s.first:].std(correction=0).item()
    noisy = torch.stack([s.x + SIGMA * spread * s.noise(k) for k in range(SAMPLES)])
    clean = s.cells("gradient_x_input", s.gradients(s.x[None].clone())[0].detach())
    smooth = s.gradients(noisy).mean(0).norm(dim=-1)
    return s, clean.tolist(), smooth.tolist()


def compare(name):
    s, clean, smooth = gradients(name)
    taken = json.loads((FIXTURES / "perturbation" / f"{name.split('/')[1]}.json").read_text())
    assert taken["ids"] == s.ids and taken["metric"] == f"logit_diff #{s.targets[0]} #{s.targets[1]}", name
    scores = {"gradient-x-input": clean, "smoothgrad": smooth}
    for method, cells in ("occlusion", taken["occlusion"]["mask"]), ("shapley", taken["shapley"]):
        scores[method] = [None] * len(s.ids)
        for p, x in zip(taken["players"], cells):
            scores[method][p] = x
    pairs = []
    for i, a in enumerate(scores):
        for b in list(scores)[:i]:
            at = [p for p in range(s.first, len(s.ids)) if scores[a][p] is not None and scores[b][p] is not None]
            way = (lambda x: x) if SIGNED[a] and SIGNED[b] else abs
            pairs.append({"methods": [a, b], "expected": both(*([way(scores[m][p]) for p in at] for m in (a, b)))})
    rows = {m: [x if x is None else number(x) for x in v] for m, v in scores.items()}
    return {"about": "made by tests/reference/make_agreement.py", "model": name, "ids": s.ids, "foil_ids": taken["foil_ids"],
            "metric": taken["metric"], "prompt": taken["prompt"], "foil": taken["foil"], "scores": rows, "pairs": pairs}


def main():
    logging.disable_progress_bar()
    FOLDER.mkdir(exist_ok=True)
    write = lambda name, what: (FOLDER / f"{name}.json").write_text(json.dumps(what, indent=1) + "\n")
    for name in NAMES:
        write(name.split("/")[1], compare(name))
    (FOLDER / "lists").mkdir(exist_ok=True)
    write("lists/lists", {"about": "made by tests/reference/make_agreement.py", "lists": lists()})


if __name__ == "__main__":
    main()
