#!/usr/bin/env python3
"""make_future_lens.py - what tiny models say when one stream of a prompt is put at the end of another, token by token.

    make_future_lens.py [NAME…]      writes tests/fixtures/future_lens/NAME.json

By make_patchscope.py's hooks and greedy loops; and the models' own continuations.
"""
import torch

from fixture_files import FIXTURES, write_each
from make_patchscope import NAMES, TEXT, Scope, target_of
from probe import number

FOLDER = FIXTURES / "future_lens"
TOKENS = 3


def continued(model, ids):
    ids, words, values = list(ids), [], []
    for _ in range(TOKENS):
        p = model(torch.tensor([ids]), use_cache=False).logits[0, -1].softmax(-1)
        ids.append(int(p.argmax()))
        words.append(ids[-1])
        values.append(number(p.max().item()))
    return words, values


def make(name):
    s, target = Scope(name), target_of(name)
    answer = {}
    for position in (-1, 3):
        at = position % len(s.ids)
        rows = []
        for layer, stream in enumerate(s.streams(s.ids)):
            def put(module, args, out, x=stream[at]):
                y = (out[0] if isinstance(out, tuple) else out).clone()
                y.view(-1, y.shape[-1])[len(target) - 1] = x
                return (y, *out[1:]) if isinstance(out, tuple) else y
            hook = s.layers[layer].register_forward_hook(put)
            rows.append(continued(s.model, target))
            hook.remove()
        rows.append(continued(s.model, s.ids[:at + 1]))
        answer[f"position={position}"] = {"p": [r[1] for r in rows], "ids": [r[0] for r in rows]}
    return {"about": "made by tests/reference/make_future_lens.py", "model": name, "ids": s.ids, "metric": {"spec": "entropy"},
            "target": TEXT, "future-lens": answer}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, make, breaks=["]], ", "}, "])
