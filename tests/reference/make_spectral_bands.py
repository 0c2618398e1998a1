#!/usr/bin/env python3
"""make_spectral_bands.py - how the streams of tiny models lie in bands of their unembedding's spectrum.

    make_spectral_bands.py [NAME…]      writes tests/fixtures/spectral_bands/NAME.json

By torch's singular value decomposition of the folded unembedding itself, in double precision.
"""
import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from make_neuron_vocabulary import gain_of
from probe import FAMILIES, PLAIN, numbers

FOLDER = FIXTURES / "spectral_bands"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/cohere", "families/olmo2"]
BANDS = 5


def make(name):
    ids, model = ids_of(name), load(name)
    kind = model.config.model_type
    paths = FAMILIES.get(kind, PLAIN)
    streams, final = [], model.get_submodule(paths["norm"])
    for layer in model.get_submodule(paths["layers"]):
        layer.register_forward_hook(
            lambda m, a, out: streams.append((out[0] if isinstance(out, tuple) else out).reshape(len(ids), -1)))
    model(torch.tensor([ids]), use_cache=False)
    U = model.get_output_embeddings().weight * gain_of(final, kind)
    if "RMS" not in type(final).__name__:
        U = U - U.mean(1, keepdim=True)
    _, sigma, V = torch.linalg.svd(U, full_matrices=True)
    D = V.shape[0]
    bands = [V[b * D // BANDS:(b + 1) * D // BANDS] for b in range(BANDS)]
    along = [[s @ v.T for v in bands] for s in streams]
    energy = torch.stack([torch.stack([(x ** 2).sum(-1) / (s ** 2).sum(-1) for x in row], -1) for row, s in zip(along, streams)])
    cosine = torch.stack([torch.stack([torch.nn.functional.cosine_similarity(x, y, dim=-1) for x, y in zip(row, along[-1])], -1)
                          for row in along])
    return {"about": "made by tests/reference/make_spectral_bands.py", "model": name, "ids": ids, "metric": {"spec": "entropy"},
            "bands": BANDS, "sigma": numbers(sigma),
            "spectral-bands": {"energy position=-1": numbers(energy[:, -1]), "energy position=0": numbers(energy[:, 0]),
                               "energy position=all": numbers(energy[:, 1:].mean(1)),
                               "cosine position=-2": numbers(cosine[:, -2])}}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, make, breaks=["]], "])
