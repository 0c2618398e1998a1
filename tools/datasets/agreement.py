#!/usr/bin/env python3
"""agreement.py [-n 100] [--seed 0] - subject-verb agreement over a distracting noun, as JSON lines for --over.

"The key to the cabinets" wants " is", "The keys to the cabinet" wants " are". The foil has the subject in the other number.
"""
import argparse
import json
import random

SUBJECTS = [("key", "keys"), ("author", "authors"), ("teacher", "teachers"), ("pilot", "pilots"), ("picture", "pictures"),
            ("farmer", "farmers"), ("manager", "managers"), ("song", "songs")]
OTHERS = [("cabinet", "cabinets"), ("book", "books"), ("guard", "guards"), ("skater", "skaters"), ("window", "windows"),
          ("friend", "friends"), ("customer", "customers")]
LINKS = ["to", "near", "behind", "of"]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("-n", type=int, default=100)
    p.add_argument("--seed", type=int, default=0)
    options = p.parse_args()
    rng = random.Random(options.seed)
    for i in range(options.n):
        plural = i % 2
        subject, link = rng.choice(SUBJECTS), rng.choice(LINKS)
        other = rng.choice(OTHERS)[1 - plural]  # of the other number: the nearest noun misleads
        verbs = (" are", " is") if plural else (" is", " are")
        print(json.dumps({"prompt": f"The {subject[plural]} {link} the {other}", "foil": f"The {subject[1 - plural]} {link} the {other}",
                          "answer": verbs[0], "wrong": verbs[1]}))


if __name__ == "__main__":
    main()
