#!/usr/bin/env python3
"""make_geometry.py - the shape of tiny models' streams: how long, how turned, how mixed, how alike.

    make_geometry.py [NAME…]      writes tests/fixtures/geometry/NAME.json

From PyTorch's activations in double precision (probe.py), each quantity by its definition: medians and singular values are torch's, CKA is
written out in features, debiased by its own formula, where the program has products of rows.
"""
import numpy as np
import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from make_tables import Parts
from probe import Probe, number, numbers, repeat_heads

FOLDER = FIXTURES / "geometry"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/granite-bias", "families/bloom",
         "families/cohere", "families/olmo2", "families/mixtral"]


def table(x):
    return [numbers(row) for row in x]


class Geometry(Parts):
    def __init__(self, name):
        super().__init__(Probe(load(name)))
        self.ids = ids_of(name)
        self.run = self.probe.run(self.ids)
        self.layers = len(self.probe.layers)
        self.first = 1  # where heads rest, whatever the token

    def site(self, name):
        return torch.stack([self.run[f"blocks.{l}.{name}"] for l in range(self.layers)])  # [L, T, D]

    def changes(self):
        pre, post, attn, mlp = (self.site(s) for s in ("resid_pre", "resid_post", "attn_out", "mlp_out"))
        mid = self.site("resid_mid") if "blocks.0.resid_mid" in self.run else pre
        found = {}
        for of, x, y in (("layer", pre, post), ("attn", pre, pre + attn), ("mlp", mid, mid + mlp)):
            w = y - x
            found[of] = {"norm": table(y.norm(dim=-1)), "cosine": table(torch.cosine_similarity(x, y, -1)),
                         "erasure": table(-(x * w).sum(-1) / (x * x).sum(-1)), "update_ratio": table(w.norm(dim=-1) / x.norm(dim=-1))}
        return found

    def mixing_ratio(self):
        rows = []
        for l in range(self.layers):
            x, a = self.run[f"blocks.{l}.resid_pre"], self.run[f"blocks.{l}.pattern"].double()
            v = repeat_heads(self.run[f"blocks.{l}.v"].transpose(0, 1), self.heads)  # [H, T, K]
            own = a.diagonal(0, 1, 2)  # [H, T]
            z_own = (own[..., None] * v).transpose(0, 1)  # [T, H, K]
            z_all = torch.einsum("hij,hjk->ihk", a, v)
            t_own = self.write(self.run, l, z_own).sum(1)
            mixed = (self.write(self.run, l, z_all).sum(1) - t_own).norm(dim=-1)
            rows.append(mixed / (mixed + (t_own + x).norm(dim=-1)))
        return table(rows)

    def anisotropy(self):
        rows = []
        for y in self.site("resid_post"):
            u = y / y.norm(dim=-1, keepdim=True)
            cosines = u @ u[self.first:].T  # [T, others]
            for i in range(self.first, len(y)):
                cosines[i, i - self.first] = float("nan")
            rows.append(cosines.nanmean(-1))
        return table(rows)

    def outliers(self):
        y = self.site("resid_post")
        flat = y.abs().flatten(1).sort(-1).values
        n = flat.shape[1]
        median = (flat[:, (n - 1) // 2] + flat[:, n // 2]) / 2
        return y.abs().amax(-1) / median[:, None], (y.abs() / median[:, None, None])

    def channels(self):
        ratio = self.outliers()[1]  # [L, T, D]
        mean = self.site("resid_post")[:, self.first:].mean(1)  # [L, D]
        far = (mean - mean.mean(-1, keepdim=True)).abs() > 3 * mean.std(-1, keepdim=True, correction=0)
        best = ratio.amax((0, 1)).argsort(descending=True, stable=True)[:32]
        rows = []
        for k in best.tolist():
            at = int(ratio[:, :, k].argmax())
            rows.append([number(ratio[:, :, k].max()), k, int(far[:, k].sum()), at // ratio.shape[1], at % ratio.shape[1]])
        return rows

    def projection(self, v, unit):
        x = self.site("resid_post")
        by = {"raw": torch.ones(()), "cosine": x.norm(dim=-1) * v.norm(), "norm": v.norm()}[unit]
        return table(x @ v / by)

    def similarity(self, site, compare):
        clouds = [self.run[f"blocks.{l}.{site}"][self.first:] for l in range(self.layers)]
        return table(torch.stack([torch.stack([compare(x, y) for y in clouds]) for x in clouds]))

    def answer(self, name):
        result = {"about": "made by tests/reference/make_geometry.py", "model": name, "ids": self.ids,
                  "metric": {"spec": f"logit #{self.ids[-1]}"},
                  "geometry": {f"{show} {of}": x for of, shows in self.changes().items() for show, x in shows.items()}}
        result["geometry"].update(mixing_ratio=self.mixing_ratio(), anisotropy=self.anisotropy(),
                                  outlier=table(self.outliers()[0]), channels=self.channels())
        U = self.probe.model.get_output_embeddings().weight
        directions = {"tokens": U[5] - U[9], "token": U[5],
                      "file": torch.from_numpy(np.load(FIXTURES / name / "vector.npy").astype(np.float64)).flatten()}
        result["projection"] = {f"{what} {unit}": self.projection(v, unit) for what, v in directions.items()
                                for unit in ("raw", "cosine", "norm")}
        result["stream-similarity"] = {f"{measure} {site}": self.similarity(site, compare)
                                       for measure, compare in (("cosine", cosine), ("cka", cka), ("procrustes", procrustes))
                                       for site in ("resid_post", "attn_out")}
        return result


def cosine(x, y):
    return torch.cosine_similarity(x, y, -1).mean()


def hsic(x, y):
    """Of centred features, without what a row has in common with itself."""
    n = len(x)
    x, y = x - x.mean(0), y - y.mean(0)
    a, b = (x * x).sum(-1), (y * y).sum(-1)
    return (x.T @ y).pow(2).sum() - n / (n - 2) * (a * b).sum() + a.sum() * b.sum() / ((n - 1) * (n - 2))


def cka(x, y):
    return hsic(x, y) / (hsic(x, x) * hsic(y, y)).sqrt()


def procrustes(x, y):
    x, y = x - x.mean(0), y - y.mean(0)
    return torch.linalg.svdvals((x / x.norm()).T @ (y / y.norm())).sum()


def check():
    x = torch.tensor([[1, 0], [0, 1], [1, 1], [2, 0], [0, 3]], dtype=torch.float64)
    assert abs(cka(x, torch.tensor([[1], [0], [2], [3], [1]], dtype=torch.float64)) - .349149) < 1e-6


if __name__ == "__main__":
    check()
    write_each(__doc__, FOLDER, NAMES, lambda name: Geometry(name).answer(name), breaks=["]], ", "], ["])
