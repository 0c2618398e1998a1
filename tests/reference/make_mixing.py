"""make_mixing.py - context mixing, its rollouts and ALTI-logit of tiny models, computed a second time from PyTorch's activations.

    python tests/reference/make_mixing.py [NAME…]     writes tests/fixtures/mixing/NAME.json

In double precision, without the program's shortcuts: every part is a vector here; value zeroing is a run of the whole model with the value
taken out, for each key; decompx is the derivative of the model's own modules with everything frozen that the method freezes, along each
input embedding; flow is networkx'. Written from Kobayashi et al. 2021, Mohebbi et al. 2023, Ferrando et al. 2022 and 2023, Modarressi et
al. 2022 and 2023, Abnar & Zuidema 2020.
"""
import networkx
import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from freezing import freeze_norm
from make_information_flow import heads_of
from make_tables import Parts
from probe import Probe, numbers

MIXING = FIXTURES / "mixing"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/bloom", "families/granite-bias",
         "families/qwen2-window", "families/falcon-40b", "families/olmo"]


def shares(rows):
    return rows / rows.sum(-1, keepdim=True)


def lower(T):
    return torch.ones(T, T, dtype=torch.double).tril()


def parts_of(parts, run, layer):
    """[T, T, D]: what attention brings to i from j; and the stream added to the diagonal."""
    T = heads_of(parts, run, layer).sum(2)
    return T, T + torch.eye(len(T), dtype=torch.double)[..., None] * run[f"blocks.{layer}.resid_pre"]


def alti(parts, run, layer):
    whole = run[f"blocks.{layer}.resid_pre"] + run[f"blocks.{layer}.attn_out"]
    _, T = parts_of(parts, run, layer)
    worth = (whole.abs().sum(-1)[:, None] - (whole[:, None] - T).abs().sum(-1)).clamp(min=0)
    return shares(worth * lower(len(whole)))


def without_value(probe, ids, run, layer, j):
    """The layer's output with the values of token j zeroed in it."""
    fused = getattr(probe.layers[layer].get_submodule(probe.family["attn"]), "query_key_value", None)
    if probe.config.model_type not in ("bloom", "falcon"):
        G = run[f"blocks.{layer}.v"].shape[1]
        return probe.run(ids, [f"kv {layer}.0..{G - 1} @{j} zero"])[f"blocks.{layer}.resid_post"]

    def hook(module, args, out):  # queries, keys and values of a group lie side by side, values last
        G, K = run[f"blocks.{layer}.v"].shape[1:]
        out = out.clone()
        out.view(len(ids), G, -1, K)[j, :, -1] = 0
        return out
    handle = fused.register_forward_hook(hook)
    changed = probe.run(ids)[f"blocks.{layer}.resid_post"]
    handle.remove()
    return changed


def value_zeroing(probe, ids, run, layer):
    T = len(ids)
    out = torch.zeros(T, T, dtype=torch.double)
    for j in range(T):
        without = without_value(probe, ids, run, layer, j)
        out[:, j] = 1 - torch.cosine_similarity(without, run[f"blocks.{layer}.resid_post"], dim=-1, eps=0)
    out[out < 1e-5] = 0
    return shares(out * lower(T))


def mixings(probe, parts, ids, run, layer):
    A = run[f"blocks.{layer}.pattern"]
    T, with_stream = parts_of(parts, run, layer)
    return {"attention": A.mean(0), "norm": shares(T.norm(dim=-1) * lower(len(ids))), "value_zeroing": value_zeroing(probe, ids, run, layer),
            "alti": alti(parts, run, layer), "globenc": shares(with_stream.norm(dim=-1) * lower(len(ids)))}


# ---- decompx

def freeze_activation(module):
    return module.register_forward_hook(lambda m, args, out: args[0] * (out / args[0]).detach())


def half(module):
    """A gated product: the derivative of each factor counts half."""
    return module.register_forward_pre_hook(lambda m, args: (0.5 * args[0] + 0.5 * args[0].detach(),))


def bent(module):
    name = type(module).__name__.lower()
    return not list(module.children()) and not list(module.parameters(False)) and any(word in name for word in ("gelu", "silu", "relu", "activation"))


def clip_linear(attn, clip):
    """A clip as the factor that it has at the run's own values."""
    v = attn.v_proj

    def hook(module, args, out):
        return out * (out.clamp(-clip, clip) / out).detach()
    return v.register_forward_hook(hook)


def decompx(probe, ids, run):
    """For each layer {parts [T, T] norms, bias [T] norms}."""
    model, layers, captured = probe.model, probe.layers, []
    gemma = float(probe.config.model_type.startswith("gemma"))
    gated = any("blocks.0.mlp_up" == name for name in run)
    hooks = []
    for layer in layers:
        for name, module in layer.named_modules():
            if "norm" in type(module).__name__.lower():
                hooks.append(freeze_norm(module, gemma))
            elif bent(module):
                hooks.append(freeze_activation(module))
        if gated:
            hooks.append(half(layer.get_submodule(probe.family["down"])))
        if getattr(probe.config, "clip_qkv", None):
            hooks.append(clip_linear(layer.get_submodule(probe.family["attn"]), probe.config.clip_qkv))
        hooks.append(layer.register_forward_hook(lambda m, a, out: captured.append((out[0] if isinstance(out, tuple) else out)[0])))
    probe.edits = []
    softmax = torch.nn.functional.softmax  # patterns: what every family makes them by
    torch.nn.functional.softmax = lambda *args, **kwargs: softmax(*args, **kwargs).detach()

    def streams(x):
        captured.clear()
        enter = layers[0].register_forward_pre_hook(
            lambda m, a, k: ((x[None],) + a[1:], k) if a else (a, dict(k, hidden_states=x[None])), with_kwargs=True)
        probe.sites = {}
        model(torch.tensor([ids]), use_cache=False)
        enter.remove()
        return torch.stack(captured)  # [L, T, D]

    x = run["blocks.0.resid_pre"].detach()
    L, (T, D) = len(layers), x.shape
    parts = torch.zeros(L, T, T, D, dtype=torch.double)
    for j in range(T):
        along = torch.zeros_like(x)
        along[j] = x[j]
        _, parts[:, :, j] = torch.autograd.functional.jvp(streams, x, along)
    whole = streams(x).detach()
    for hook in hooks:
        hook.remove()
    torch.nn.functional.softmax = softmax
    for l in range(L):
        assert (whole[l] - run[f"blocks.{l}.resid_post"]).abs().max() < 1e-4
    bias = (whole - parts.sum(2))[:, :, None]
    return shares(torch.cat([parts, bias], 2).norm(dim=-1))  # [L, T, T + 1]


# ---- all layers

def flow(layers):
    """[L, T, T] with the stream: the greatest flow of each pair."""
    L, T, _ = layers.shape
    graph = networkx.DiGraph()
    for l in range(L):
        for i in range(T):
            for k in range(i + 1):
                graph.add_edge((l + 1, i), (l, k), capacity=float(layers[l, i, k]))
    out = torch.zeros(T, T, dtype=torch.double)
    for i in range(T):
        for j in range(i + 1):
            out[i, j] = networkx.maximum_flow_value(graph, (L, i), (0, j))
    return out


def rollouts(of_layers):
    out = {}
    for method in of_layers[0]:
        R = torch.eye(len(of_layers[0][method]), dtype=torch.double)
        steps = [layer[method] for layer in of_layers]
        if method == "attention":
            steps = [(A + torch.eye(len(A), dtype=torch.double)) / 2 for A in steps]
            out["flow"] = flow(torch.stack(steps))
        for C in steps:
            R = C @ R
        out[method] = R
    return out


def alti_logit(parts, run, position, layers, token):
    """[T, 3] attention, direct, ffn of the token's logit, before a cap; biases are in no cell."""
    x = run[f"blocks.{layers - 1}.resid_post"][position]
    scale, direction = parts.scale(x), parts.W_U[token]
    T = position + 1
    out, M = torch.zeros(T, 3, dtype=torch.double), torch.eye(len(run["blocks.0.resid_pre"]), dtype=torch.double)
    out[position, 1] = parts.direct(run["blocks.0.resid_pre"][position], scale, direction)
    for layer in range(layers):
        bring, _ = parts_of(parts, run, layer)
        delta = parts.direct(bring[position], scale, direction)  # [T]
        out[:, 0] += (delta @ M)[:T]
        mlp = run[f"blocks.{layer}.mlp_out"][position]
        out[position, 2] += parts.direct(mlp - parts.b_out[layer].double(), scale, direction)
        M = alti(parts, run, layer) @ M
    return out


def tril(x):
    return [numbers(row[:i + 1]) for i, row in enumerate(x)]


def answers(name):
    ids = ids_of(name)
    probe = Probe(load(name))
    run, parts = probe.run(ids), Parts(probe)
    parts.W_O = [w.double() for w in parts.W_O]
    parts.eps = parts.eps or 1e-5  # olmo's norms do not say
    L = len(probe.layers)
    layers = [mixings(probe, parts, ids, run, l) for l in range(L)]
    with torch.enable_grad():
        through = decompx(probe, ids, run)
    position, token = len(ids) - 2, int(run["logits"][len(ids) - 2].argmax())
    return {"model": name, "ids": ids, "foil_ids": ids, "metric": f"logit #{token} @{position}", "prompt": 0, "foil": 0, "position": position,
            "layers": [{m: tril(C) for m, C in layer.items()} for layer in layers],
            "decompx": [[numbers(torch.cat([row[:i + 1], row[-1:]])) for i, row in enumerate(l)] for l in through],
            "rollout": {m: tril(R) for m, R in rollouts(layers).items()},
            "alti_logit": [numbers(row) for row in alti_logit(parts, run, position, L, token)]}


if __name__ == "__main__":
    write_each(__doc__, MIXING, NAMES, answers, separators=(",", ":"))
