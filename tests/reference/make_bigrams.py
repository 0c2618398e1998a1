#!/usr/bin/env python3
"""make_bigrams.py - what single tokens call for in tiny models, by their embedding and by that with the first MLP's write.

    make_bigrams.py [NAME…]      writes tests/fixtures/bigrams/NAME.json

By the whole model on a prompt of one token, whose blocks write nothing but, for the effective embedding, the first MLP; learned
positions are set to 0. In double precision.
"""
import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from probe import FAMILIES, PLAIN, Probe, numbers

FOLDER = FIXTURES / "bigrams"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/cohere", "families/olmo2",
         "families/granite-bias", "families/mixtral"]
K = 6


def make(name):
    model, ids = load(name), ids_of(name)
    for part, w in model.named_parameters():
        if part.endswith("wpe.weight"):
            w.zero_()
    layers = len(model.get_submodule(FAMILIES.get(model.config.model_type, PLAIN)["layers"]))
    probe = Probe(model)
    answer = {}
    for embedding in ("raw", "effective"):
        kept = embedding == "effective"
        silent = [f"attn_out {l} zero" for l in range(layers)] + [f"mlp_out {l} zero" for l in range(kept, layers)]
        for position in (-1, 1):
            logits = torch.as_tensor(probe.run([ids[position]], silent)["logits"]).double().reshape(-1)
            order = logits.argsort(descending=True)[:K]
            key = f"embedding={embedding} position={position}"
            answer[key] = numbers(torch.stack([logits, logits.softmax(-1)], -1)[order])
            answer[f"{key} ids"] = order.tolist()
    return {"about": "made by tests/reference/make_bigrams.py", "model": name, "ids": ids,
            "metric": {"spec": f"logit #{ids[-1]}"}, "bigrams": answer}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, make, breaks=["]], "])
