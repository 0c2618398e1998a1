#!/usr/bin/env python3
"""make_neuron_vocabulary.py - the words of a neuron's weights in tiny models, raw and with the norm between folded into them.

    make_neuron_vocabulary.py [NAME…]      writes tests/fixtures/neuron_vocabulary/NAME.json

From the state of Transformers' own modules, in double precision. Folded: a norm's gain is taken into the matrix that reads through it,
what is written and what is read is centred where the norm centres, and logits are less their mean, as in TransformerLens.
"""
import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from probe import FAMILIES, PLAIN, numbers

FOLDER = FIXTURES / "neuron_vocabulary"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/cohere", "families/olmo2",
         "families/granite-bias"]
LAYER, NEURON, K = 1, 5, 7


def weights(module):
    """[in, out]: a Linear keeps it the other way round."""
    return module.weight.T if isinstance(module, torch.nn.Linear) else module.weight


def gain_of(norm, kind):
    return norm.weight + kind.startswith("gemma")


def make(name):
    model = load(name)
    kind = model.config.model_type
    paths = FAMILIES.get(kind, PLAIN)
    layer = model.get_submodule(paths["layers"])[LAYER]
    final = model.get_submodule(paths["norm"])
    U, E = model.get_output_embeddings().weight, model.get_input_embeddings().weight
    E = E * (getattr(model.config, "hidden_size") ** 0.5 if kind.startswith("gemma") else getattr(model.config, "embedding_multiplier", 1))
    before = {"gpt2": "ln_2", "gpt_neox": "post_attention_layernorm", "gemma2": "pre_feedforward_layernorm",
              "cohere": "input_layernorm", "olmo2": None}.get(kind, "post_attention_layernorm")
    norm = before and layer.get_submodule(before)
    centres = "RMS" not in type(final).__name__
    out = weights(layer.get_submodule(paths["down"]))[NEURON]
    read = {"in": weights(layer.get_submodule(paths.get("up") or paths["pre"]))[:, NEURON],
            "gate": weights(layer.get_submodule(paths["pre"]))[:, NEURON]}
    values = {"out no": U @ out}
    folded = (out - out.mean() if centres else out) * gain_of(final, kind)
    values["out yes"] = U @ folded - (U @ folded).mean()
    for side, w in read.items():
        values[f"{side} no"] = E @ w
        w = w if norm is None else w * gain_of(norm, kind)
        values[f"{side} yes"] = E @ (w - w.mean() if norm is not None and centres else w)
    answer = {}
    for key, x in values.items():
        order = x.argsort(descending=True).tolist()
        answer[key] = [numbers(torch.stack([x[order[i]], x[order[-1 - i]]])) for i in range(K)]
        answer[f"{key} ids"] = [[order[i], order[-1 - i]] for i in range(K)]
    ids = ids_of(name)
    return {"about": "made by tests/reference/make_neuron_vocabulary.py", "model": name, "ids": ids,
            "metric": {"spec": f"logit #{ids[-1]}"}, "neuron-vocabulary": answer}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, make, breaks=["]], "])
