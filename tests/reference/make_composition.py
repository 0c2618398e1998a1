#!/usr/bin/env python3
"""make_composition.py - composition of heads in tiny models, raw and folded, by matrices [D, D] multiplied out.

    make_composition.py [NAME…]      writes tests/fixtures/composition/NAME.json

From the state of Transformers' own modules, in double precision. Folded: the gain of the norm before attention is taken into what reads
through it, that of a norm after attention into what is written, and both are centred where norms centre, as in TransformerLens.
"""
import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from probe import FAMILIES, PLAIN, numbers

FOLDER = FIXTURES / "composition"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/olmo2"]


def split(layer, kind, config):
    """W_Q, W_K, W_V [heads, D, K] and W_O [heads, K, D]."""
    D, H = config.hidden_size, config.num_attention_heads
    if kind == "gpt2":
        q, k, v = (w.reshape(D, H, -1).permute(1, 0, 2) for w in layer.attn.c_attn.weight.split(D, dim=1))
        o = layer.attn.c_proj.weight
    elif kind == "gpt_neox":  # each head has its three parts beside each other
        q, k, v = (layer.attention.query_key_value.weight.reshape(H, 3, -1, D)[:, i].transpose(1, 2) for i in range(3))
        o = layer.attention.dense.weight.T
    else:
        attn, G = layer.self_attn, config.num_key_value_heads
        q = attn.q_proj.weight.reshape(H, -1, D).transpose(1, 2)
        k, v = (p.weight.reshape(G, -1, D).transpose(1, 2).repeat_interleave(H // G, 0) for p in (attn.k_proj, attn.v_proj))
        o = attn.o_proj.weight.T
    return q, k, v, o.reshape(H, -1, D)


def norms(layer, kind):
    """Gains of the norms before and after attention."""
    gain = lambda name: getattr(layer, name).weight + kind.startswith("gemma")
    before = None if kind == "olmo2" else gain("ln_1" if kind == "gpt2" else "input_layernorm")
    return before, gain("post_attention_layernorm") if kind in ("gemma2", "olmo2") else None


def fold(heads, layer, kind):
    before, after = norms(layer, kind)
    centres = kind in ("gpt2", "gpt_neox")
    reads = [w if before is None else w * before[:, None] for w in heads[:3]]
    o = heads[3] if after is None else heads[3] * after
    if centres:
        reads = [w - w.mean(1, keepdim=True) for w in reads]
        o = o - o.mean(2, keepdim=True)
    return *reads, o


def scores(layers, kind):
    H, L = layers[0][0].shape[0], len(layers)
    ov = [v @ o for _, _, v, o in layers]
    read = {"k": lambda q, k, v, o: k @ q.transpose(1, 2), "q": lambda q, k, v, o: q @ k.transpose(1, 2),
            "v": lambda q, k, v, o: v @ o}[kind]
    out = torch.full((L * H, L * H), float("nan"), dtype=torch.float64)
    for r in range(L):
        X = read(*layers[r])
        for s in range(r):
            both = (ov[s][:, None] @ X[None]).norm(dim=(2, 3))
            out[s * H:s * H + H, r * H:r * H + H] = both / (ov[s].norm(dim=(1, 2))[:, None] * X.norm(dim=(1, 2))[None])
    return out


def make(name):
    model = load(name)
    kind = model.config.model_type
    modules = model.get_submodule(FAMILIES.get(kind, PLAIN)["layers"])
    raw = [split(m, kind, model.config) for m in modules]
    folded = [fold(h, m, kind) for h, m in zip(raw, modules)]
    ids = ids_of(name)
    tables = {f"{way} {word}": [[None if x.isnan() else numbers(x) for x in row] for row in scores(layers, way)]
              for way in "kqv" for word, layers in (("no", raw), ("yes", folded))}
    return {"about": "made by tests/reference/make_composition.py", "model": name, "ids": ids,
            "metric": {"spec": f"logit #{ids[-1]}"}, "composition": tables}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, make, breaks=["]], "])
