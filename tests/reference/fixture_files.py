"""fixture_files.py - what scripts that ask tiny models and write a file of answers for each have in common."""
import argparse
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


def ids_of(name):
    """The prompt of a model of make_tiny.py; name: "tiny/llama3"."""
    return json.loads((FIXTURES / name / "expected.json").read_text())["ids"]


def load(name):
    """The model in double precision, from the single precision of its files, without gradients of its weights."""
    model = AutoModelForCausalLM.from_pretrained(FIXTURES / name, attn_implementation="eager", dtype=torch.float32).double().eval()
    for p in model.parameters():
        p.requires_grad_(False)
    return model


def write_each(doc, folder, names, answer, grad=False, breaks=(), **how):
    """The whole of a script: answer(name) as folder/NAME.json for the models that the command line names, or for all of `names`.

    doc: the script's docstring. grad: autograd is on. breaks: what ends a line of the file, as "]], "; how: json.dumps()'s arguments.
    """
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("names", nargs="*", default=names)
    logging.disable_progress_bar()
    torch.set_grad_enabled(grad)
    torch.set_num_threads(1)
    folder.mkdir(exist_ok=True)
    for name in parser.parse_args().names:
        text = json.dumps(answer(name), **how)
        for end in breaks:
            text = text.replace(end, end.rstrip() + "\n")
        path = folder / f"{name.split('/')[-1]}.json"
        path.write_text(text + "\n")
        print(path.name, path.stat().st_size, flush=True)
