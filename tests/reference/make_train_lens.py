#!/usr/bin/env python3
"""make_train_lens.py - what lenses are trained by, by plain torch in double precision, for two tiny models.

    tests/fixtures/train_lens/NAME.json    a prompt's ids, and for each kind (kl, head) and number of tokens ahead, by translator: the
                                           sum over positions of the KL to the output, and the slope of that along a direction (autograd);
                                           of regressions the same direction's product with the solution, and what it leaves unexplained;
                                           and a whole training on a few documents, by Adam, from the regression and from the logit lens:
                                           the loss of each step, the KL on what is held out before the first and after the last

Translator u is W[i, j] = 0.1 sin(0.7 (i D + j) + u), b[i] = 0.1 sin(0.7 (D D + i) + u); the direction has cos(0.3 …) in place of 0.1 sin(0.7 …).
"""
import functools
import itertools
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
FOLDER = FIXTURES / "train_lens"
PARTS = {
    "llama-tied": (lambda m: m.model.norm, lambda m: [layer.self_attn.o_proj for layer in m.model.layers], lambda p: p.weight.T),
    "gpt2-odd": (lambda m: m.transformer.ln_f, lambda m: [layer.attn.c_proj for layer in m.transformer.h], lambda p: p.weight),
}


def numbers(function, scale, unit, d):
    return scale[0] * function(scale[1] * torch.arange(d * d + d, dtype=torch.float64) + unit)


@functools.cache
def load(name):
    return AutoModelForCausalLM.from_pretrained(FIXTURES / "tiny" / name, dtype=torch.float64).eval()


def activations(name, ids):
    """The stream that enters each layer and that leaves the last [L + 1][T, D]; what heads write [L * H][T, D]; how it is read."""
    norm, projections, matrix = PARTS[name]
    model, kept, z = load(name), {}, {}
    hooks = [norm(model).register_forward_pre_hook(lambda _, x: kept.__setitem__("last", x[0][0]))]
    for layer, projection in enumerate(projections(model)):
        hooks.append(projection.register_forward_pre_hook(lambda _, x, layer=layer: z.__setitem__(layer, x[0][0])))
    with torch.no_grad():
        out = model(torch.tensor([ids]), output_hidden_states=True)
    for hook in hooks:
        hook.remove()
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


DOCUMENTS = """the cat saw a dog
the hen sat on a mat with a dog
a pig met the cat
the dog had a hat
the bird was in a barn
the cat sat
a man saw the hen and the pig
the pig sat on the mat
a dog met a cat
the hen had a hat
the man sat on that mat
the dog was red""".split("\n")
STEPS, BATCH, RATE = 5, 24, 0.01


def divergence(x, h, last, read):
    """Of one translator from the output, summed over positions."""
    d = h.shape[1]
    output = read(last).detach()
    return (output.exp() * (output - read(h + h @ x[:d * d].view(d, d).T + x[d * d:]))).sum()


def least_squares(documents, layer):
    h = torch.cat([stream[layer][1:] for stream, _, _, _ in documents])
    y = torch.cat([last[1:] for _, last, _, _ in documents])
    gram, d = h.T @ h, h.shape[1]
    weight = torch.linalg.solve(gram + 1e-3 * gram.trace() / d * torch.eye(d, dtype=torch.float64), h.T @ y).T
    return torch.cat([(weight - torch.eye(d, dtype=torch.float64)).flatten(), torch.zeros(d, dtype=torch.float64)])


def next_ones(documents, tokens):
    """The next documents, until they have so many tokens."""
    taken = []
    while tokens > 0:
        taken.append(next(documents))
        tokens -= len(taken[-1][1])
    return taken


def whole_training(name, start):
    """Every tenth document, from the first on, is held out. Each step takes the next ones until it has BATCH tokens; its rate is
    RATE (1 - step / STEPS)."""
    tokenizer = AutoTokenizer.from_pretrained(FIXTURES / "tiny" / name)
    documents = [activations(name, tokenizer(text)["input_ids"]) for text in DOCUMENTS]
    held = documents[::10]
    learned = [document for i, document in enumerate(documents) if i % 10]
    layers, d = len(held[0][0]), held[0][1].shape[1]
    first = next_ones(itertools.cycle(learned), min(STEPS * BATCH, 32 * d))
    x = [least_squares(first, layer) if start == "regression" else torch.zeros(d * d + d, dtype=torch.float64) for layer in range(layers)]
    x = [unit.requires_grad_() for unit in x]
    adam = torch.optim.Adam(x, lr=RATE)

    def distance(some):
        sums = [sum(divergence(x[layer], stream[layer], last, read) for layer in range(layers)) for stream, last, _, read in some]
        return sum(sums) / layers / sum(len(last) for _, last, _, _ in some)

    answer, steps = {"held": [distance(held).item()], "loss": []}, itertools.cycle(learned)
    for step in range(STEPS):
        adam.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        adam.zero_grad()
        loss = distance(next_ones(steps, BATCH))
        loss.backward()
        adam.step()
        answer["loss"].append(loss.item())
    answer["held"].append(distance(held).item())
    return answer


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
        cases["documents"] = DOCUMENTS
        cases["training"] = {start: whole_training(name, start) for start in ("regression", "identity")}
        (FOLDER / f"{name}.json").write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
