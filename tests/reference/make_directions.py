#!/usr/bin/env python3
"""make_directions.py - directions of the stream between two sets of prompts, and a control vector as the gguf package writes it.

    make_directions.py            writes tests/fixtures/directions/{expected.json,control.gguf}
    make_directions.py FILE.gguf  prints a control vector as the gguf package reads it

Means and singular vectors by NumPy, in double precision, over PyTorch's streams (probe.py) of tiny/llama-grouped and tiny/gpt2-tied.
"""
import json
import sys

import gguf
import numpy as np
import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from make_tiny import FIXTURES
from probe import Probe, numbers

FOLDER = FIXTURES / "directions"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped"]
WITH = [[1, 5, 9, 20], [7, 7, 31], [2, 40, 12, 3, 9], [11, 25]]
WITHOUT = [[1, 5, 9, 33], [8, 7, 30], [2, 41, 12, 3, 50], [10, 26]]


def direction(x, y, pca):
    mean = x.mean(0) - y.mean(0)
    if not pca:
        return mean
    u = np.linalg.svd(x - y, full_matrices=False)[2][0]
    return u * (u @ mean)


def auc(x, y, u):
    a, b = x @ u, y @ u
    return float((a[:, None] > b[None]).mean() + (a[:, None] == b[None]).mean() / 2)


def one(name):
    probe = Probe(AutoModelForCausalLM.from_pretrained(FIXTURES / name, attn_implementation="eager", dtype=torch.float32).double())

    def streams(prompts):  # [n, L, D]
        runs = [probe.run(ids) for ids in prompts]
        return np.array([[r[f"blocks.{l}.resid_post"][-1].numpy() for l in range(len(probe.layers))] for r in runs])

    x, y = streams(WITH), streams(WITHOUT)
    answer = {"model": name, "with": WITH, "without": WITHOUT}
    for kind in ("means", "pca"):
        u = [direction(x[:, l], y[:, l], kind == "pca") for l in range(x.shape[1])]
        answer[kind] = {"vector": [numbers(v) for v in u], "auc": [auc(x[:, l], y[:, l], v) for l, v in enumerate(u)]}
    return answer


def main():
    if len(sys.argv) > 1:
        for t in gguf.GGUFReader(sys.argv[1]).tensors:
            print(t.name, t.shape, np.linalg.norm(t.data))
        return
    logging.disable_progress_bar()
    FOLDER.mkdir(exist_ok=True)
    answers = [one(name) for name in NAMES]
    path = FOLDER / "expected.json"
    path.write_text(json.dumps({"about": "made by tests/reference/make_directions.py", "models": answers}).replace("]], ", "]],\n") + "\n")
    writer = gguf.GGUFWriter(FOLDER / "control.gguf", "controlvector")
    vectors = np.array(answers[0]["means"]["vector"], dtype=np.float32)
    writer.add_string("controlvector.model_hint", "gpt2")
    writer.add_uint32("controlvector.layer_count", len(vectors) - 1)
    for l in range(1, len(vectors)):
        writer.add_tensor(f"direction.{l}", vectors[l])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
