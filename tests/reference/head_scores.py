#!/usr/bin/env python3
"""head_scores.py - which heads look at the previous token, and which ones do induction.

    head_scores.py MODEL                 a table of the scores on repeated random tokens
    head_scores.py MODEL --expected OUT  writes what the tests expect of this model, as JSON

The test sequence is BOS + r + r, where r is random tokens, T' of them.  Nothing but the repetition
can be predicted in it, so what a head looks at in the second half is telling:

    previous  = mean over all queries i of A[i, i-1]
    induction = mean over the second half  of A[i, i-T'+1]     (what followed the last time)
    duplicate = mean over the second half  of A[i, i-T']       (the same token, last time)

Attention is eager and the weights are F32, whatever the file has.
"""
import argparse
import json

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = [
    "Once upon a time, there was a little girl named Lily. She",
    "Emma has a red ball. Noah has a green hat. Emma has a red",
    "Mia Oscar Lucas Ruby Ethan Clara Mia Oscar Lucas Ruby",
]


def repeated(vocab, bos, length, seed, rows=1):
    """ids[rows, 1 + 2 * length]: BOS + r + r; r has no special token (bos) in it."""
    rng = torch.Generator().manual_seed(seed)
    r = torch.randint(0, vocab - 1, (rows, length), generator=rng)
    r += (r >= bos).long()
    return torch.cat([torch.full((rows, 1), bos), r, r], 1)


def scores(patterns, length):
    """patterns: one [rows, heads, T, T] a layer.  Returns {name: [layers, heads] as lists}."""
    a = torch.stack([p.float().mean(0) for p in patterns])  # [L, H, T, T]
    half = slice(length + 1, None)

    def offset(back, rows):
        """mean of A[i, i - back] over the queries i of rows (those that have such a key)"""
        d = a.diagonal(-back, 2, 3)  # [L, H, T - back]; entry k is the query k + back
        pad = torch.zeros(*d.shape[:2], back)
        return torch.cat([pad, d], 2)[:, :, rows].mean(2).tolist()

    return {
        "previous": offset(1, slice(1, None)),
        "induction": offset(length - 1, half),
        "duplicate": offset(length, half),
    }


def load(folder):
    model = AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32).eval()
    return model, AutoTokenizer.from_pretrained(folder)


@torch.no_grad()
def measure(model, ids, length):
    return scores(model(ids, output_attentions=True).attentions, length)


@torch.no_grad()
def continuation(model, tokenizer, text, n=24, k=10):
    """Greedy text, and the k largest logits after the prompt."""
    ids = tokenizer(text, return_tensors="pt").input_ids
    top = model(ids).logits[0, -1].topk(k)
    out = ids
    for _ in range(n):
        out = torch.cat([out, model(out).logits[:, -1:].argmax(2)], 1)
    new = out[0, ids.shape[1]:].tolist()
    return {
        "prompt": text,
        "ids": ids[0].tolist(),
        "top_ids": top.indices.tolist(),
        "top_logits": [float(f"{x:.9g}") for x in top.values],
        "greedy_ids": new,
        "greedy_text": tokenizer.decode(new),
    }


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("--length", type=int, default=50, help="T', tokens that are repeated")
    p.add_argument("--rows", type=int, default=8, help="sequences for the table")
    p.add_argument("--expected", help="write the tests' expectations to this file")
    args = p.parse_args()

    model, tokenizer = load(args.model)
    vocab, bos = model.config.vocab_size, tokenizer.bos_token_id
    table = measure(model, repeated(vocab, bos, args.length, 1, args.rows), args.length)
    for name, rows in table.items():
        print(f"{name}, mean of {args.rows} sequences, length {args.length}")
        for layer, row in enumerate(rows):
            print(f"  layer {layer}  " + "  ".join(f"{x:.3f}" for x in row))

    if args.expected:
        ids = repeated(vocab, bos, args.length, 2)
        result = {
            "about": "made by tests/reference/head_scores.py from models/demo, weights in F32",
            "prompts": [continuation(model, tokenizer, t) for t in PROMPTS],
            "repeated": {"length": args.length, "ids": ids[0].tolist()},
        }
        for name, rows in measure(model, ids, args.length).items():
            result["repeated"][name] = [[float(f"{x:.9g}") for x in row] for row in rows]
        with open(args.expected, "w") as f:
            json.dump(result, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
