#!/usr/bin/env python3
"""make_edits.py - the last logits of some tiny models under edits of every kind, by hooks in PyTorch, in double precision.

    make_edits.py [NAME…]      writes tests/fixtures/edits/NAME.json

The prompts of set.jsonl and own.txt there are what `mean FILE` and `resample FILE` read.
"""
import argparse
import json

import numpy as np
import torch
from transformers import AutoTokenizer
from transformers.utils import logging

from make_patching import Maps
from make_tiny import FIXTURES
from probe import number

EDITS = FIXTURES / "edits"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2"]
SET, OWN = "tests/fixtures/edits/set.jsonl", "tests/fixtures/edits/own.txt"


class Edits(Maps):
    def read_prompts(self):
        """{file: {line number: run}}"""
        tokenizer = AutoTokenizer.from_pretrained(self.folder)
        self.prompts = {}
        for path in (SET, OWN):
            lines = (EDITS / path.split("/")[-1]).read_text().split("\n")
            texts = {i + 1: json.loads(t)["prompt"] if path == SET else t for i, t in enumerate(lines) if t}
            ids = {i: tokenizer(t).input_ids for i, t in texts.items()}
            bos = self.ids[:1] if self.ids[0] == 0 else []
            ids = {i: bos + x if x[:1] != bos else x for i, x in ids.items()}
            assert path != OWN or ids[2] == self.ids, (ids, self.ids)
            self.prompts[path] = {i: self.probe.run(x) for i, x in ids.items()}

    def lines(self):
        last = self.layers - 1
        return [
            [f"head 0.1 mean {SET}"], [f"head {last}.0 @-1 mean {SET}"], [f"attn_out 0 mean {SET}"], [f"neuron 1.2..9 mean {SET}"],
            [f"layer {last} @2.. mean {SET}"], [f"embed 0 @3 mean {SET}"], [f"v 0 @1..4 mean {SET}"], [f"head 0.0..1 mean {SET} same"],
            [f"resid_pre 1 @-1 mean {SET} same"], [f"mlp_out 0 mean {OWN} same"],
            [f"head 0.1 resample {OWN} line 1"], [f"resid_post 0 @4.. resample {OWN} line 3"], [f"q 1 resample {SET} line 4"],
            [f"mlp_post 0 @-2.. resample {OWN} line 4"], [f"layer 1 resample {OWN} line 3"],
            [f"head 0.0..1 zero"], [f"neuron {last}.3..20 scale 3"], [f"z 1.0..1 @4.. zero"], [f"head 0.1 @5.. patch"], [f"mlp_out 1 @1,4.. zero"],
            [f"mlp_pre 0.0..7 noise 2 3"], [f"z 0.0..1 @2.. noise 1"],
            [f"head 0.1 resample {OWN} line 1", f"mlp_out 1 @3.. mean {SET}", f"neuron {last}.0..20 zero"],
        ] + self.lines_of_rows() + self.lines_of_directions()

    def lines_of_rows(self):
        """Weights and scores; where PyTorch's hooks have them."""
        last = self.layers - 1
        return [
            [f"pattern 0 mean {SET}"], [f"pattern 0.0..1 @3.. mean {OWN} same"], [f"pattern 1.1 resample {OWN} line 1"],
            [f"scores 0 @2.. patch"], [f"scores {last}.1 @-1 resample {OWN} line 1"], [f"pattern {last} @4..<1..2 zero"], [f"scores 0 @3..<1..2 mask"], [f"pattern 1.0 @5.. scale 0.5"],
        ]

    def lines_of_directions(self):
        """A basis of three dimensions, by column: the program turns it by its shape. Results of heads where no norm stands behind them."""
        d = self.run["blocks.0.resid_pre"].shape[1]
        generator = torch.Generator().manual_seed(5)
        basis = torch.linalg.qr(torch.randn(d, 3, generator=generator, dtype=torch.float64)).Q
        np.save(EDITS / f"basis{d}.npy", basis.float().numpy())
        np.save(EDITS / f"vector{d}.npy", torch.randn(d, generator=generator).numpy())
        b, v = f"tests/fixtures/edits/basis{d}.npy", f"tests/fixtures/edits/vector{d}.npy"
        lines = [[f"resid_post 0 interchange {b}"], [f"attn_out 1 @-1 interchange {b}"], [f"mlp_out 0 @2.. interchange {b}"]]
        if "post_attention_layernorm" not in self.probe.family["attn_out"]:
            lines += [[f"head 1.1 @2.. project {v}"], [f"head 0.0..1 project {v}"], [f"head 0.1 interchange {b}"]]
        return lines

    def answer(self):
        self.read_prompts()
        rows = []
        for lines in self.lines():
            run = self.probe.run(self.ids, lines, base=self.run, foil=self.foil, folder=FIXTURES.parents[1], prompts=self.prompts)
            assert (run["logits"][-1] - self.run["logits"][-1]).abs().max() > 1e-4, lines
            rows.append({"lines": lines, "logits_last": [number(x) for x in run["logits"][-1]]})
        return {
            "about": "made by tests/reference/make_edits.py", "model": self.name, "ids": self.ids, "foil_ids": self.foil_ids,
            "metric": "logit_diff #{} #{}".format(*self.targets), "prompt": number(self.metric(self.run)), "foil": number(self.metric(self.foil)),
            "edits": rows,
        }


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("names", nargs="*", default=NAMES)
    logging.disable_progress_bar()
    torch.set_grad_enabled(False)
    for name in p.parse_args().names:
        path = EDITS / f"{name.split('/')[-1]}.json"
        path.write_text(json.dumps(Edits(name).answer(), indent=None).replace("]}, ", "]},\n") + "\n")
        print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
