#!/usr/bin/env python3
"""make_token_loss.py - how surprising each token of a prompt is to some tiny models, by transformers alone, in double precision.

    make_token_loss.py [NAME…]      writes tests/fixtures/token_loss/NAME.json

The logits are what the model returns; its own loss on these labels is written beside the tokens' numbers. An edit is a hook on a layer.
"""
import json

import torch

from fixture_files import FIXTURES, load, write_each

FOLDER = FIXTURES / "token_loss"
# gemma2 caps its logits, cohere and granite scale them
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gemma2", "families/cohere", "families/granite", "families/gpt_neox"]


def numbers(model, ids):
    out = model(torch.tensor([ids]), labels=torch.tensor([ids]))
    answer = {"loss": float(f"{out.loss.item():.9g}"), "nats": [], "bits": [], "rank": [], "entropy": [], "top1": [], "words": []}
    for i in range(1, len(ids)):
        z = out.logits[0, i - 1]
        p = torch.exp(z - z.max())
        p /= p.sum()
        order = torch.argsort(z, descending=True, stable=True).tolist()
        answer["nats"].append(-torch.log(p[ids[i]]).item())
        answer["bits"].append(-torch.log2(p[ids[i]]).item())
        answer["rank"].append(1 + order.index(ids[i]))
        answer["entropy"].append(-(p * torch.log(p)).sum().item())
        answer["top1"].append(int(order[0] == ids[i]))
        answer["words"].append(order[0])
    return {k: [float(f"{x:.9g}") for x in v] if k in ("nats", "bits", "entropy") else v for k, v in answer.items()}


def scaled(model, ids, layer, factor):
    """The same with what a layer's MLP writes times factor: `mlp_out LAYER scale FACTOR`."""
    parts = [m for n, m in model.named_modules() if n.endswith(f".{layer}.mlp") and n.count(".layers.") + n.count(".h.") == 1]
    hook = parts[0].register_forward_hook(lambda module, inputs, out: out * factor)
    answer = numbers(model, ids)
    hook.remove()
    return answer


def answer(name):
    about, model = json.loads((FIXTURES / name / "expected.json").read_text()), load(name)
    ids = about["ids"] + about["foil_ids"][1:]
    found = {"about": "made by tests/reference/make_token_loss.py", "model": name, "ids": ids, "plain": numbers(model, ids)}
    if name.startswith("tiny"):   # elsewhere a norm or a multiplier may come after the MLP
        found |= {"edit": "mlp_out 0 scale 3", "edited": scaled(model, ids, 0, 3)}
    return found


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, answer)
