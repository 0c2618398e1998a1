#!/usr/bin/env python3
"""make_train_lens.py - what lenses are trained by, by plain torch in double precision, for two tiny models.

    tests/fixtures/train_lens/NAME.json    a prompt's ids, and for each kind (kl, head) and number of tokens ahead, by translator: the
                                           sum over positions of the KL to the output, and the slope of that along a direction (autograd);
                                           of regressions the same direction's product with the solution, and what it leaves unexplained

Translator u is W[i, j] = 0.1 sin(0.7 (i D + j) + u), b[i] = 0.1 sin(0.7 (D D + i) + u); the direction has cos(0.3 …) in place of 0.1 sin(0.7 …).
"""
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
FOLDER = FIXTURES / "train_lens"
PARTS = {
    "llama-tied": (lambda m: m.model.norm, lambda m: [layer.self_attn.o_proj for layer in m.model.layers], lambda p: p.weight.T),
    "gpt2-odd": (lambda m: m.transformer.ln_f, lambda m: [layer.attn.c_proj for layer in m.transformer.h], lambda p: p.weight),
}


def numbers(function, scale, unit, d):
    return scale[0] * function(scale[1] * torch.arange(d * d + d, dtype=torch.float64) + unit)


def activations(name, ids):
    """The stream that enters each layer and that leaves the last [L + 1][T, D]; what heads write [L * H][T, D]; how it is read."""
    norm, projections, matrix = PARTS[name]
    model = AutoModelForCausalLM.from_pretrained(FIXTURES / "tiny" / name, dtype=torch.float64).eval()
    kept, z = {}, {}
    norm(model).register_forward_pre_hook(lambda _, x: kept.__setitem__("last", x[0][0]))
    for layer, projection in enumerate(projections(model)):
        projection.register_forward_pre_hook(lambda _, x, layer=layer: z.__setitem__(layer, x[0][0]))
    with torch.no_grad():
        out = model(torch.tensor([ids]), output_hidden_states=True)
    heads, writes = model.config.num_attention_heads, []
    for layer, projection in enumerate(projections(model)):
        width = z[layer].shape[1] // heads
        for head in range(heads):
            part = slice(head * width, (head + 1) * width)
            writes.append(z[layer][:, part] @ matrix(projection)[part].detach())
    stream = [h[0] for h in out.hidden_states[:-1]]
    return stream, kept["last"], writes, lambda x: torch.log_softmax(model.lm_head(norm(model)(x)), -1)


def trained(rows, last, read, ahead):
    """KL(output ‖ reading) summed over positions, and its slope along the direction."""
    answers, n, d = [], len(last) - ahead, last.shape[1]
    with torch.no_grad():
        output = read(last[ahead:])
    for unit, h in enumerate(rows):
        x = numbers(torch.sin, (0.1, 0.7), unit, d).requires_grad_()
        w, b = x[:d * d].view(d, d), x[d * d:]
        kl = (output.exp() * (output - read(h[:n] + h[:n] @ w.T + b))).sum()
        kl.backward()
        answers.append({"kl": kl.item(), "slope": (x.grad * numbers(torch.cos, (1, 0.3), unit, d)).sum().item()})
    return answers


def regression(stream, last, ahead):
    answers, n, d = [], len(last) - ahead, last.shape[1]
    y = last[1 + ahead:]
    for unit, h in enumerate(stream):
        h = h[1:n]
        gram = h.T @ h
        weight = torch.linalg.solve(gram + 1e-3 * gram.trace() / d * torch.eye(d, dtype=torch.float64), h.T @ y).T
        left = ((y - h @ weight.T) ** 2).sum() / ((y - y.mean(0)) ** 2).sum()
        along = numbers(torch.cos, (1, 0.3), unit, d)[:d * d].view(d, d)
        answers.append({"along": (along * (weight - torch.eye(d, dtype=torch.float64))).sum().item(), "unexplained": left.item()})
    return answers


def main():
    FOLDER.mkdir(exist_ok=True)
    for name in PARTS:
        about = json.loads((FIXTURES / "tiny" / name / "expected.json").read_text())
        stream, last, writes, read = activations(name, about["ids"])
        cases = {"ids": about["ids"]}
        for ahead in (0, 2):
            cases[f"kl {ahead}"] = trained(stream, last, read, ahead)
            cases[f"head {ahead}"] = trained(writes, last, read, ahead)
            cases[f"regression {ahead}"] = regression(stream, last, ahead)
        (FOLDER / f"{name}.json").write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
