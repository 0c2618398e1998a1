#!/usr/bin/env python3
"""make_singular_vectors.py - singular vectors of tiny models' matrices in their unembedding, raw and folded.

    make_singular_vectors.py [NAME…]      writes tests/fixtures/singular_vectors/NAME.json

By torch's singular value decomposition of the whole matrices [D, D], [D, F] and [D, V], in double precision. Folded as in
TransformerLens: gains into what they are beside, what is read and written centred where norms centre, logits less their mean.
"""
import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from make_composition import fold, split
from make_neuron_vocabulary import gain_of, weights
from probe import FAMILIES, PLAIN, numbers

FOLDER = FIXTURES / "singular_vectors"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/olmo2"]
LAYER, HEAD, K, ENDS = 1, 1, 2, 5
BEFORE = {"gpt2": "ln_2", "gemma2": "pre_feedforward_layernorm", "olmo2": None}


def mlp(layer, kind, paths, centres):
    """W_in and W_out [neurons, D], raw and folded."""
    read, write = weights(layer.get_submodule(paths.get("up") or paths["pre"])).T, weights(layer.get_submodule(paths["down"]))
    before = BEFORE.get(kind, "post_attention_layernorm")
    after = "post_feedforward_layernorm" if kind in ("gemma2", "olmo2") else None
    folded = []
    for w, norm in ((read, before), (write, after)):
        w = w * gain_of(layer.get_submodule(norm), kind) if norm else w
        folded.append(w - w.mean(1, keepdim=True) if centres and (norm or w is write) else w)
    return (read, write), folded


def rows(sigma, out, U, shown=None):
    """Of vectors out[rank, D]: sigma, and the products at both ends; the end that reaches farther is +."""
    table, ids = [], []
    for s, v, x in zip(sigma[:K], out, out if shown is None else shown):
        product = U @ v
        sign = -1 if -product.min() > product.max() else 1
        product = sign * (U @ x)
        order = product.argsort(descending=True).tolist()
        chosen = order[:ENDS] + order[::-1][:ENDS]
        table.append([float(s)] + numbers(product[chosen]))
        ids.append(chosen)
    return table, ids


def make(name):
    model = load(name)
    kind = model.config.model_type
    paths = FAMILIES.get(kind, PLAIN)
    layer, final = model.get_submodule(paths["layers"])[LAYER], model.get_submodule(paths["norm"])
    centres = "RMS" not in type(final).__name__
    U = model.get_output_embeddings().weight
    folded = U * gain_of(final, kind)
    folded = folded - folded.mean(1, keepdim=True) if centres else folded
    folded = folded - folded.mean(0)
    heads = split(layer, kind, model.config)
    answer = {}
    for word, unembed, (q, k, v, o), (read, write) in zip(("no", "yes"), (U, folded), (heads, fold(heads, layer, kind)),
                                                         mlp(layer, kind, paths, centres)):
        head = HEAD % q.shape[0]
        whole = {"ov": v[head] @ o[head], "qk": q[head] @ k[head].T, "mlp_in": read, "mlp_out": write, "unembed": unembed}
        for of, matrix in whole.items():
            left, sigma, right = torch.linalg.svd(matrix, full_matrices=False)
            sides = {"out": None, "in": left.T} if of in ("ov", "qk") else {"out": None}
            for side, shown in sides.items():
                key = f"of={of} side={side} fold={word}"
                answer[key], answer[f"{key} ids"] = rows(sigma, right, unembed, shown)
    ids = ids_of(name)
    return {"about": "made by tests/reference/make_singular_vectors.py", "model": name, "ids": ids,
            "metric": {"spec": f"logit #{ids[-1]}"}, "singular-vectors": answer}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, make, breaks=["]], "])
