#!/usr/bin/env python3
"""make_reference.py - what transformers makes of a prompt, for any model folder: sites, logits, edits.

    make_reference.py MODEL -p TEXT | --ids N,N… [--foil TEXT] [-e EDIT]… --out FOLDER

Writes FOLDER/expected.safetensors (logits, ln_final, blocks.L.SITE, all F32, named and shaped as in
probe.py) and FOLDER/expected.json (ids, greedy next token, and the last logits under each edit).
"""
import argparse
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from probe import Probe, check_sums, number, numbers, save


def top(logits, k=10):
    best = logits.topk(min(k, len(logits)))
    return [[i, number(x)] for i, x in zip(best.indices.tolist(), best.values)]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model", type=Path)
    given = p.add_mutually_exclusive_group(required=True)
    given.add_argument("-p", "--prompt")
    given.add_argument("--ids", help="numbers of tokens with commas between, where there is no tokenizer")
    p.add_argument("--foil")
    p.add_argument("-e", "--edit", action="append", default=[], help="one alone a run")
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--double", action="store_true", help="compute in F64")
    args = p.parse_args()
    logging.disable_progress_bar()

    tokenizer = AutoTokenizer.from_pretrained(args.model) if args.prompt or args.foil else None
    model = AutoModelForCausalLM.from_pretrained(
        args.model, attn_implementation="eager", dtype=torch.float32)
    probe = Probe(model.double() if args.double else model)
    ids = tokenizer(args.prompt).input_ids if args.prompt else [int(i) for i in args.ids.split(",")]
    foil_ids = tokenizer(args.foil).input_ids if args.foil else None
    run = probe.run(ids)
    check_sums(run, probe, len(probe.layers))
    foil = probe.run(foil_ids) if foil_ids else None

    args.out.mkdir(parents=True, exist_ok=True)
    save(run, args.out / "expected.safetensors")
    edits = [{"edit": e, "logits_last": numbers(
        probe.run(ids, [e], base=run, foil=foil)["logits"][-1])} for e in args.edit]
    (args.out / "expected.json").write_text(json.dumps({
        "about": "made by tests/reference/make_reference.py", "text": args.prompt, "ids": ids,
        "foil_text": args.foil, "foil_ids": foil_ids, "layers": len(probe.layers),
        "parallel": probe.parallel, "top": top(run["logits"][-1]), "edits": edits}, indent=1) + "\n")


if __name__ == "__main__":
    main()
