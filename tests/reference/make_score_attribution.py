"""make_score_attribution.py - what a head's score is a sum of, in tiny models, computed a second time from PyTorch's modules.

    python tests/reference/make_score_attribution.py [NAME…]     writes tests/fixtures/score_attribution/NAME.json

In double precision, and without a formula for queries or keys: with the scales of all norms frozen at the run's own values, the model's own
layer gives them from the stream, and a write's part of them is the derivative along that write; what is left is constant. Scores are held
against the pattern that the model makes of them, cap, window and ALiBi included. After Elhage et al. 2021.
"""
import torch
from transformers.models.bloom.modeling_bloom import build_alibi_tensor

from fixture_files import FIXTURES, ids_of, load, write_each
from freezing import freeze_norm
from make_tables import Parts
from probe import Probe, number, numbers

FOLDER = FIXTURES / "score_attribution"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/falcon-40b", "families/gemma2", "families/gemma3",
         "families/qwen3-bias", "families/bloom", "families/granite-bias", "families/qwen2-window", "families/olmo2", "families/olmo",
         "families/cohere-qk", "families/phi-qk", "families/ministral3", "families/exaone4"]
CASES = [(1, 1, -1, -3), (1, -1, 5, 5), (0, 0, 4, 2)]  # layer, head, query, key


def writes(parts, run, layer, position):
    """{name: [D]} of all that was written before the layer; biases of writes are one."""
    learned = torch.zeros_like(run["blocks.0.resid_pre"][0]) if parts.position is None else parts.position[position].double()
    out = {"embed": run["blocks.0.resid_pre"][position] - learned}
    if parts.position is not None:
        out["pos_embed"] = learned
    biases = torch.zeros_like(learned)
    for l in range(layer):
        for h, write in enumerate(parts.write(run, l, run[f"blocks.{l}.z"])[position]):
            out[f"{l}.{h}"] = write
        out[f"{l}.mlp"] = run[f"blocks.{l}.mlp_out"][position] - parts.b_out[l]
        biases = biases + parts.b_O[l] + parts.b_out[l]
    total = sum(out.values()) + biases
    assert (total - run[f"blocks.{layer}.resid_pre"][position]).abs().max() < 1e-5, "the writes are the stream"
    return dict(out, write_biases=biases)


def derivatives(probe, ids, run, layer, site, unit, position, along):
    """[C + 1, K]: each write's part of a head's query or key, and what no write gives."""
    gemma = float(probe.config.model_type.startswith("gemma"))
    norms = [m for m in probe.layers[layer].modules() if "norm" in type(m).__name__.lower()]
    hooks = [freeze_norm(m, gemma) for m in norms]

    def read(x):
        def enter(module, args, kwargs):
            return ((x[None],) + args[1:], kwargs) if args else (args, dict(kwargs, hidden_states=x[None]))
        handle = probe.layers[layer].register_forward_pre_hook(enter, with_kwargs=True)
        probe.sites = {}
        probe.model(torch.tensor([ids]), use_cache=False)
        handle.remove()
        return probe.sites[f"blocks.{layer}.{site}"][position, unit]

    x = run[f"blocks.{layer}.resid_pre"].detach()
    probe.edits, rows = [], []
    for write in along:
        tangent = torch.zeros_like(x)
        tangent[position] = write
        rows.append(torch.autograd.functional.jvp(read, x, tangent)[1])
    for hook in hooks:
        hook.remove()
    whole = run[f"blocks.{layer}.{site}"][position, unit]
    return torch.stack(rows + [whole - sum(rows)]).detach()


def bias_of(probe, head, key, T):
    if probe.config.model_type != "bloom":
        return 0.0
    return float(build_alibi_tensor(torch.ones(1, T), probe.config.n_head, torch.float64)[head, 0, key])


def scale_of(attn, K):
    return float(getattr(attn, "scaling", None) or getattr(attn, "inv_norm_factor", None) or K**-0.5)


def check_pattern(probe, run, layer, head, query, key, score, scale):
    """The model's weight at the key against that at the query itself: the difference of their scores."""
    cap = getattr(probe.config, "attn_logit_softcapping", None)
    group = probe.config.num_attention_heads // run[f"blocks.{layer}.k"].shape[1]
    q, k = run[f"blocks.{layer}.q"][query, head], run[f"blocks.{layer}.k"][query, head // group]
    own = torch.tensor(float(scale * (q @ k)) + bias_of(probe, head, query, len(run["logits"])))
    capped = [cap * torch.tanh(x / cap) if cap else x for x in (torch.tensor(score), own)]
    weight = run[f"blocks.{layer}.pattern"][head, query]
    off = float(capped[0] - capped[1] - (weight[key].log() - weight[query].log()))
    assert abs(off) < 1e-5, (probe.config.model_type, layer, head, query, key, off)


def case(probe, parts, ids, run, layer, head, query, key):
    T, H = len(ids), probe.config.num_attention_heads
    head, query, key = head % H, query % T, key % T
    keys = run[f"blocks.{layer}.k"]
    group = H // keys.shape[1]
    of = [writes(parts, run, layer, position) for position in (query, key)]
    with torch.enable_grad():
        q = derivatives(probe, ids, run, layer, "q", head, query, of[0].values())
        k = derivatives(probe, ids, run, layer, "k", head // group, key, of[1].values())
    scale = scale_of(probe.layers[layer].get_submodule(probe.family["attn"]), q.shape[1])
    bias = bias_of(probe, head, key, T)
    names = list(of[0]) + ["constants"]
    pairs = scale * q @ k.T
    score = float(pairs.sum()) + bias
    check_pattern(probe, run, layer, head, query, key, score, scale)
    sides = torch.stack([pairs.sum(1), pairs.sum(0)], 1)
    q, k = q.sum(0), k.sum(0)
    channels = torch.stack([q, k, scale * q * k], 1)
    for table in (pairs, sides):
        table[-1, -1] += bias
    sides[-1, 0] += bias
    if probe.config.model_type == "bloom":
        channels = torch.cat([channels, torch.tensor([[0, 0, bias]])])
    return {"words": f"layer={layer} head={head} query={query} key={key}", "score": number(score), "names": names, "sides": numbers(sides),
            "pairs": numbers(pairs), "channels": numbers(channels)}


def answers(name):
    ids = ids_of(name)
    probe = Probe(load(name))
    run, parts = probe.run(ids), Parts(probe)
    parts.W_O = [w.double() for w in parts.W_O]
    return {"model": name, "ids": ids, "foil_ids": ids, "metric": "logit #1 @0", "prompt": 0, "foil": 0,
            "cases": [case(probe, parts, ids, run, *c) for c in CASES]}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, answers, separators=(",", ":"))
