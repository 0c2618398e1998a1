#!/usr/bin/env python3
"""ioi.py [-n 100] [--seed 0] - indirect object identification (Wang et al. 2023) as JSON lines for --over.

Two names, then one of them gives something: the model should name the other. The foil has the giver and the receiver swapped in the
second sentence, so that the two prompts differ in one name alone and have equally many tokens wherever each name is one token.
"""
import argparse
import json
import random

NAMES = ("Mary John Tom James Dan Sam Kate Alice Anna Mark Paul Jane Sarah Peter Kevin Laura David Emma Jack Rachel").split()
PLACES = "store park school office house station hospital restaurant".split()
THINGS = "drink book ball ring computer bone basketball kiss".split()
TEMPLATES = [
    "When{a} and{b} went to the {place},{s} gave a {thing} to",
    "Then,{a} and{b} went to the {place}.{s} gave a {thing} to",
    "After{a} and{b} went to the {place},{s} handed a {thing} to",
    "While{a} and{b} were working at the {place},{s} gave a {thing} to",
    "The {place}{a} and{b} went to had a {thing}.{s} gave it to",
]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("-n", type=int, default=100)
    p.add_argument("--seed", type=int, default=0)
    options = p.parse_args()
    rng = random.Random(options.seed)
    for i in range(options.n):
        first, second = rng.sample(NAMES, 2)
        giver, receiver = (first, second) if i % 2 else (second, first)  # BABA and ABBA in turn
        words = dict(a=f" {first}", b=f" {second}", place=rng.choice(PLACES), thing=rng.choice(THINGS))
        form = rng.choice(TEMPLATES)
        print(json.dumps({"prompt": form.format(s=f" {giver}", **words), "foil": form.format(s=f" {receiver}", **words),
                          "answer": f" {receiver}", "wrong": f" {giver}"}))


if __name__ == "__main__":
    main()
