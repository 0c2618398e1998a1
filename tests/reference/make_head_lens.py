#!/usr/bin/env python3
"""make_head_lens.py - what single heads of tiny models say by the logit lens, and from which layer the last word stays.

    make_head_lens.py [NAME…]      writes tests/fixtures/head_lens/NAME.json

Each head's write as make_tables.py has it, through the model's own final norm and unembedding, in double precision.
"""
import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from make_tables import Parts
from probe import Probe, numbers

FOLDER = FIXTURES / "head_lens"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/granite-bias", "families/cohere",
         "families/olmo2", "families/mixtral"]


def make(name):
    ids = ids_of(name)
    parts = Parts(Probe(load(name)))
    run = parts.probe.run(ids)
    layers = len(parts.probe.layers)
    heads = torch.stack([parts.unembed(parts.write(run, l, run[f"blocks.{l}.z"])) for l in range(layers)])  # [L, T, H, V]
    p = heads.softmax(-1)
    words = torch.stack([parts.unembed(run[f"blocks.{l}.resid_post"]).argmax(-1) for l in range(layers)])  # [L, T]
    agree = []
    for column in words.T.tolist():
        at = layers - 1
        while at and column[at - 1] == column[-1]:
            at -= 1
        agree.append([at])
    return {"about": "made by tests/reference/make_head_lens.py", "model": name, "ids": ids,
            "metric": {"spec": f"logit #{ids[-1]}"},
            "logit-lens": {
                "layers": [numbers(x) for x in p[:, 3].max(-1).values], "layers ids": p[:, 3].argmax(-1).tolist(),
                "heads": [numbers(x) for x in p[1].max(-1).values.T], "heads ids": p[1].argmax(-1).T.tolist(),
                "target": [numbers(x) for x in p[:, 3, :, ids[-1]]], "agree": agree}}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, make, breaks=["]], ", "], ["])
