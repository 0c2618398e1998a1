#!/usr/bin/env python3
"""greater_than.py [-n 100] [--seed 0] - "The war lasted from the year 1732 to the year 17" (Hanna et al. 2023) as JSON lines for --over.

A two-digit year above 32 is right. The answer is a larger ending and the wrong one a smaller, each as far away as the other; the foil
begins in the year 01, of which every ending is right. Endings are one token in GPT-2's vocabulary for nearly all years.
"""
import argparse
import json
import random

NOUNS = "war siege reign voyage campaign famine alliance drought treaty expedition".split()


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("-n", type=int, default=100)
    p.add_argument("--seed", type=int, default=0)
    options = p.parse_args()
    rng = random.Random(options.seed)
    for _ in range(options.n):
        noun, century, start = rng.choice(NOUNS), rng.randint(11, 17), rng.randint(12, 88)
        step = rng.randint(5, min(start - 2, 98 - start))

        def prompt(year):
            return f"The {noun} lasted from the year {century}{year:02} to the year {century}"

        print(json.dumps({"prompt": prompt(start), "foil": prompt(1), "answer": f"{start + step:02}", "wrong": f"{start - step:02}"}))


if __name__ == "__main__":
    main()
