"""make_information_flow.py - the routes of tiny models, computed a second time from PyTorch's activations.

    python tests/reference/make_information_flow.py [NAME…]     writes tests/fixtures/flow/NAME.json

Written from Ferrando & Voita 2024 in double precision, node by node and part by part, without the program's shortcuts: every part of every
node is a vector here. Parts that causality hides (later keys) are left out of the sums; the paper's code counts the floor of 1e-5 for each.
"""
import json

import torch

from fixture_files import FIXTURES, load, write_each
from make_tables import Parts
from probe import Probe, numbers, repeat_heads

FLOW = FIXTURES / "flow"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/bloom", "families/granite-bias",
         "families/qwen2", "families/falcon-40b"]
FLOOR = 1e-5


def worth(whole, parts):
    """[.., n] of parts [.., n, D] of a whole [.., D]."""
    return (whole.abs().sum(-1)[..., None] - (whole[..., None, :] - parts).abs().sum(-1)).clamp(min=FLOOR)


def heads_of(parts, run, layer):
    """[T, T, H, D]: what each head at query i writes of key j."""
    A, v = run[f"blocks.{layer}.pattern"], run[f"blocks.{layer}.v"]
    H, T = A.shape[:2]
    v = repeat_heads(v.transpose(0, 1), H)  # [H, T, K]
    mixed = torch.einsum("hij,hjk->ijhk", A, v)
    return torch.stack([parts.write(run, layer, mixed[:, j]) for j in range(T)], 1)


def layer_weights(parts, run, layer, parallel):
    """Shares: of attention's node by stream [T], MLP [T] (0 but where both are one step) and head and key [T, T, H]; of the layer's end by stream."""
    def at(site):
        return run[f"blocks.{layer}.{site}"]

    T, H = at("resid_pre").shape[0], at("pattern").shape[0]
    heads = heads_of(parts, run, layer)
    attention = torch.zeros(T, T, H, dtype=torch.double)
    whole = at("resid_post") if parallel else at("resid_mid")
    stream = worth(whole, at("resid_pre")[:, None])[:, 0]
    mlp = worth(whole, at("mlp_out")[:, None])[:, 0] if parallel else torch.zeros(T, dtype=torch.double)
    for i in range(T):
        for j in range(i + 1):
            attention[i, j] = worth(whole[i], heads[i, j])
    total = stream + mlp + attention.sum((1, 2))
    stream, mlp, attention = stream / total, mlp / total, attention / total[:, None, None]
    if parallel:
        return stream, mlp, attention, None
    end = worth(at("resid_post"), torch.stack([at("resid_mid"), at("mlp_out")], 1))
    return stream, mlp, attention, end[:, 0] / end.sum(-1)


def routes(name):
    folder = FIXTURES / name
    about = json.loads((folder / "expected.json").read_text())
    ids = about["ids"]
    probe = Probe(load(name))
    run, parts = probe.run(ids), Parts(probe)
    parts.W_O = [w.double() for w in parts.W_O]
    position = len(ids) - 2
    T = position + 1
    flow = torch.zeros(T, dtype=torch.double)
    flow[position] = 1
    levels, weights = [flow], []
    for layer in reversed(range(len(probe.layers))):
        stream, mlp, attention, end = layer_weights(parts, run, layer, probe.parallel)
        stream, mlp, attention = stream[:T], mlp[:T], attention[:T, :T]
        weights.append({"stream": numbers(stream), "mlp": numbers(mlp if end is None else 1 - end[:T]),
                        "heads": [[numbers(row) for row in query] for query in attention]})
        if end is not None:
            levels.append(flow)
        flow = flow * (stream + mlp) + torch.einsum("i,ijh->j", flow, attention)
        levels.append(flow)
    assert abs(flow.sum() - 1) < 1e-9
    return {"model": name, "ids": ids, "foil_ids": ids, "metric": "entropy", "prompt": 0, "foil": 0, "position": position, "flow": [numbers(x) for x in levels], "layers": weights}


if __name__ == "__main__":
    write_each(__doc__, FLOW, NAMES, routes, separators=(",", ":"))
