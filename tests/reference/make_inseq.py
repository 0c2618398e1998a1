#!/usr/bin/env python3
"""make_inseq.py - value zeroing by Inseq's own code, of some tiny models.

    make_inseq.py [NAME…]      writes tests/fixtures/inseq/NAME.json

Inseq hooks the attention's local variable and the blocks' outputs; of the last block it compares what the final norm makes of it, which is
another number: that layer is left out.  Blocks of today's transformers return a tensor where Inseq expects a tuple: they are wrapped.  In GPT-2's and GPT-NeoX's
attention of today it does not find the variable.
Cosines are in single precision there.
"""
from types import SimpleNamespace

import torch
from inseq.attr.feat.ops.value_zeroing import ValueZeroing
from inseq.models.model_config import get_model_config
from inseq.utils import find_block_stack
from transformers import AutoModelForCausalLM

from fixture_files import FIXTURES, ids_of, write_each
from probe import numbers

OUT = FIXTURES / "inseq"
NAMES = ["tiny/llama-grouped", "families/gemma2", "families/granite-bias", "families/opt"]


def wrap(block):
    own = type(block)

    def forward(self, *args, **kwargs):
        out = own.forward(self, *args, **kwargs)
        return out if isinstance(out, tuple) else (out,)

    def call(self, *args, **kwargs):
        out = own.__call__(self, *args, **kwargs)
        return out[0]
    block.__class__ = type(own.__name__, (own,), {"forward": forward, "__call__": call})


def make(name):
    folder = FIXTURES / name
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    ids = ids_of(name)
    states = torch.stack(model(torch.tensor([ids]), output_hidden_states=True).hidden_states, 1)
    config = get_model_config(type(model).__name__)
    for block in find_block_stack(model.get_decoder()):
        wrap(block)
    who = SimpleNamespace(config=config, get_decoder=model.get_decoder, is_encoder_decoder=False,
                          forward_with_output=lambda x, **more: SimpleNamespace(
                              hidden=[states_of(model, x)]),
                          get_hidden_states_dict=lambda out: {"decoder_hidden_states": out.hidden[0]})
    scores = ValueZeroing(who).compute_modules_post_zeroing_similarity(
        inputs=(torch.tensor([ids]),), additional_forward_args=(), hidden_states=states, use_causal_mask=True,
        attention_module_name=config.self_attention_module)[0]  # [key, query, layer]
    layers = [[numbers(scores[:i + 1, i, l].numpy()) for i in range(len(ids))] for l in range(scores.shape[-1] - 1)]
    return {"about": "made by tests/reference/make_inseq.py", "model": name, "ids": ids, "foil_ids": ids, "metric": "logit #3",
            "prompt": 0, "foil": 0, "layers": [{"value_zeroing": rows} for rows in layers]}


def states_of(model, x):
    """Its last layer is not used here, but Inseq reads it."""
    last = model.get_decoder()(x).last_hidden_state
    return last[:, None]


if __name__ == "__main__":
    write_each(__doc__, OUT, NAMES, make)
