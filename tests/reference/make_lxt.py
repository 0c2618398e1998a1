#!/usr/bin/env python3
"""make_lxt.py - relevance of tiny models' tokens by LXT's own code: AttnLRP, and CP-LRP, which detaches softmax and gates.

    make_lxt.py [NAME…]      writes tests/fixtures/lxt/NAME.json

LXT (Achtibat et al. 2024) changes Transformers' modules for good, so each rule is asked in a process of its own.
"""
import importlib
import multiprocessing
import warnings

import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from probe import number, numbers

OUT = FIXTURES / "lxt"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/qwen3"]
RULES = {"attnlrp": "attnLRP", "detached": "cp_LRP"}


def ask(name, rule):
    from lxt.efficient import monkey_patch

    model = load(name)
    kind = model.config.model_type
    theirs = importlib.import_module(f"lxt.efficient.models.{kind}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")               # LXT warns where a module could not be changed
        monkey_patch(importlib.import_module(f"transformers.models.{kind}.modeling_{kind}"), getattr(theirs, RULES[rule]))
    ids = torch.tensor(ids_of(name))
    x = model.get_input_embeddings()(ids).detach().requires_grad_()
    logits = model(inputs_embeds=x[None], use_cache=False).logits[0, -1]
    token = logits.argmax().item()
    logits[token].backward()
    return {"metric": f"logit #{token}", "value": number(logits[token].item()),
            "input": numbers((x.grad * x).sum(-1).detach().numpy())}


def answer(name):
    def alone(rule):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            return pool.apply(ask, (name, rule))

    return {"about": "made by tests/reference/make_lxt.py", "model": name, "ids": ids_of(name), "foil_ids": ids_of(name),
            "metric": alone("attnlrp")["metric"], "prompt": 0, "foil": 0, "answers": {rule: [alone(rule)] for rule in RULES}}


if __name__ == "__main__":
    write_each(__doc__, OUT, NAMES, answer, grad=True, indent=1)
