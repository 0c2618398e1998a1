#!/usr/bin/env python3
"""make_reagent.py - Inseq's own ReAGent on some tiny models, with draws that the program makes too.

    make_reagent.py [NAME…]      writes tests/fixtures/reagent/NAME.json

Everything but the draws is Inseq's code: its replacers, its scores, its stopping, its mean (inseq.attr.feat.ops.reagent).  Where it asks
torch.rand, it gets the numbers of noise.h, call after call; where it asks NLTK for the part of speech of a token, it is told whether the
token begins with white space, since that is what the program goes by.  Special tokens are a class each.  In double precision.
"""
from types import SimpleNamespace

import torch
from inseq.attr.feat.ops import reagent
from transformers import AutoTokenizer

from fixture_files import FIXTURES, ids_of, load, write_each
from draws import uniform
from probe import number, numbers

OUT = FIXTURES / "reagent"
NAMES = ["tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/bloom", "families/phi3", "families/granite",
         "families/opt", "families/qwen2"]
CASES = [dict(probes=6), dict(probes=6, keep=2, top=1, ratio=0.5, steps=60, seed=3), dict(probes=5, keep=1, top=2, steps=25, seed=11),
         dict(probes=4, keep=1, top=1, ratio=0.1, steps=2, seed=5)]


class ByWhiteSpace(reagent.POSTagTokenSampler):
    @staticmethod
    def build_pos_mapping_from_vocab(*_cache, tokenizer):
        classes = {"inside": [], "begins": []}
        for i in range(tokenizer.vocab_size):
            if i in tokenizer.all_special_ids:
                classes[i] = [i]
            else:
                classes["begins" if tokenizer.decode([i])[:1].isspace() else "inside"].append(i)
        return {k: ids for k, ids in classes.items() if ids}


class Draws:
    def __init__(self, seed):
        self.seed, self.calls = seed, 0

    def rand(self, shape, device=None):
        probes, n = shape
        k, self.calls = self.calls, self.calls + 1
        return torch.tensor([[uniform(self.seed, k * probes + p, i) for i in range(n)] for p in range(probes)], dtype=torch.float64)


def ask(model, tokenizer, ids, target, probes=16, keep=5, top=3, ratio=0.3, steps=3000, seed=0):
    who = SimpleNamespace(model=model, tokenizer=tokenizer, model_name="tiny", device="cpu")
    method = reagent.Reagent(who, keep_top_n=keep, stopping_condition_top_k=top, replacing_ratio=ratio, max_probe_steps=steps,
                             num_probes=probes)
    own, torch.rand = torch.rand, Draws(seed).rand
    try:
        method.rationalizer(torch.tensor([ids]), torch.tensor([target]))
    finally:
        torch.rand = own
    evaluator = method.rationalizer.importance_score_evaluator
    stopped = evaluator.stop_mask
    shares = evaluator.importance_score[stopped]
    words = f"probes={probes} keep={keep} top={top} ratio={ratio} steps={steps} seed={seed}"
    answer = {"words": words, "stopped": int(stopped.sum()), "steps": evaluator.num_steps}
    if len(shares):
        answer["mean"] = numbers(method.rationalizer.mean_importance_score.numpy())
    if len(shares) > 1:
        answer["error"] = numbers((shares.std(0) / len(shares)**0.5).numpy())
    return answer


def make(name):
    folder = FIXTURES / name
    model = load(name)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = ids_of(name)[1:]  # without the mark, which the program leaves alone
    target = model(torch.tensor([ids])).logits[0, -1].argmax().item()
    value = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)[target].item()
    return {"about": "made by tests/reference/make_reagent.py", "model": name, "ids": ids, "foil_ids": ids,
            "metric": f"logprob #{target}", "prompt": number(value), "foil": number(value),
            "cases": [ask(model, tokenizer, ids, target, **case) for case in CASES]}


if __name__ == "__main__":
    reagent.POSTagTokenSampler = ByWhiteSpace
    write_each(__doc__, OUT, NAMES, make, indent=1)
