#!/usr/bin/env python3
"""make_tables.py - what the analyses must answer for some tiny models, computed here a second time.

    make_tables.py [NAME…]      writes tests/fixtures/tables/NAME.json

Each analysis is written out plainly from its formula, from the activations that probe.py reads and
the weights of the model.  Rows and columns are as the program's own tables have them; what cannot be
(keys after the query) is null.  Entropy and KL say their unit in their names.  Ablations are real
runs of the edited model.  The metrics are the logit of what the model predicts at the position, and
that minus the logit of the second.
"""
import argparse
import json

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from make_tiny import FIXTURES
from probe import Probe, number, numbers, repeat_heads

TABLES = FIXTURES / "tables"
NAMES = ["gpt2-tied", "gpt2-odd", "llama-grouped", "llama-tied", "bloom", "cohere", "gemma2", "gpt_neox",
         "falcon-40b", "granite-bias", "olmo2", "opt", "phi"]
SITES = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")


def part_of(layer, path):
    """A mixture of experts has no single matrix that writes: None."""
    try:
        return layer.get_submodule(path)
    except AttributeError:
        return None


class Parts:
    """The weights that the formulas name, wherever a family keeps them."""

    def __init__(self, probe):
        model, config, family = probe.model, probe.config, probe.family
        self.probe, self.heads = probe, config.num_attention_heads
        self.norm = model.get_submodule(family["norm"])
        self.gain, self.bias = getattr(self.norm, "weight", None), getattr(self.norm, "bias", None)
        self.eps = getattr(self.norm, "eps", None) or getattr(self.norm, "variance_epsilon", None)
        self.centred = "RMS" not in type(self.norm).__name__
        self.gain = 1.0 if self.gain is None else self.gain + (config.model_type.startswith("gemma"))
        self.cap = getattr(config, "final_logit_softcapping", None)
        logits = getattr(config, "logit_scale", 1.0) / getattr(config, "logits_scaling", 1.0)
        unembed = model.get_output_embeddings()
        self.W_U = unembed.weight * logits  # [V, D]
        self.b_U = getattr(unembed, "bias", None)
        self.b_U = torch.zeros(len(self.W_U)) if self.b_U is None else self.b_U * logits
        parts = [[part_of(layer, family[p]) for p in ("o", "down", "attn_out")] for layer in probe.layers]
        self.behind = [w if "norm" in type(w).__name__.lower() else None for _, _, w in parts]
        self.W_O = [self.matrix(o) for o, _, _ in parts]  # [H * K, D]
        nothing = torch.zeros(self.W_U.shape[1], dtype=self.W_U.dtype)
        self.b_O, self.b_out = ([nothing if m[i] is None or m[i].bias is None else m[i].bias * probe.multiplier
                                 for m in parts] for i in (0, 1))
        wpe = {"gpt2": "transformer.wpe", "gpt_neo": "transformer.wpe",
               "opt": "model.decoder.embed_positions"}.get(config.model_type)
        self.position = None  # [T, D]
        if wpe:
            self.position = model.get_submodule(wpe).weight[2 if config.model_type == "opt" else 0:]

    @staticmethod
    def matrix(module):
        """[in, out]: a Linear keeps it the other way round."""
        return module.weight.T if isinstance(module, torch.nn.Linear) else module.weight

    def write(self, run, layer, z):
        """What z [.., H, K] of single heads adds to the stream, [.., H, D]; for a norm behind them, with its
        scale at the run's own value, [T, 1, 1] by position."""
        W_O = self.W_O[layer].reshape(self.heads, -1, self.W_O[layer].shape[1])
        out = torch.einsum("thk,hkd->thd", z, W_O) * self.probe.multiplier
        if self.behind[layer] is None:
            return out
        total = run[f"blocks.{layer}.z"].flatten(1) @ self.W_O[layer]  # no bias in these families
        norm = self.behind[layer]
        eps = getattr(norm, "eps", None) or norm.variance_epsilon
        scale = (total.pow(2).mean(-1) + eps).rsqrt()[:, None, None]
        return out * scale * (norm.weight + (self.probe.config.model_type.startswith("gemma")))

    def scale(self, x):
        """1 / what the final norm divides x by."""
        if self.centred:
            x = x - x.mean(-1, keepdim=True)
        return 1 / (x.pow(2).mean(-1, keepdim=True) + self.eps).sqrt()

    def direct(self, part, scale, direction):
        """What part [.., D] of a stream adds to x · direction behind the norm with that scale."""
        if self.centred:
            part = part - part.mean(-1, keepdim=True)
        return (part * scale * self.gain) @ direction

    def unembed(self, x):
        """Logits of a stream x [.., D], with its own norm."""
        if self.centred:
            x = x - x.mean(-1, keepdim=True)
        y = x * self.scale(x) * self.gain
        y = y if self.bias is None else y + self.bias
        logits = y @ self.W_U.T + self.b_U
        return logits if self.cap is None else self.cap * torch.tanh(logits / self.cap)


def table(x, digits=numbers):
    return [digits(row) for row in x]


def sites_of(run):
    """Parallel layers have no resid_mid."""
    return [s for s in SITES if f"blocks.0.{s}" in run]


def logit_lens(parts, run, layers, target):
    final = run["logits"].log_softmax(-1)  # [T, V]
    answer = {}
    for site in sites_of(run):
        rows = [parts.unembed(run[f"blocks.{l}.{site}"]) for l in range(layers)]
        log_p = torch.stack(rows).log_softmax(-1)  # [L, T, V]
        p, best = log_p.exp(), torch.stack(rows)
        order = best.argsort(-1, descending=True)
        last = log_p[-1] if site != "resid_post" else final
        answer[site] = {
            "ids": [row.tolist() for row in order[..., 0]],
            "probability": table(p.max(-1).values),
            "logit": table(best.max(-1).values),
            "ids_rank_3": [row.tolist() for row in order[..., 2]],
            "probability_rank_3": table(p.gather(-1, order[..., 2:3])[..., 0]),
            "target_probability": table(p[..., target]),
            "target_logit": table(best[..., target]),
            "target_rank": ((best > best[..., target:target + 1]).sum(-1) + 1).tolist(),
            "entropy_nats": table(-(p * log_p).sum(-1)),
            # against what the model says in the end, whatever the site
            "kl_nats": table((final.exp() * (final - log_p)).sum(-1)),
            "kl_to_last_row_nats": table((last.exp() * (last - log_p)).sum(-1)),
        }
    gap = (parts.unembed(run[f"blocks.{layers - 1}.resid_post"]) - run["logits"]).abs().max()
    assert gap < 1e-5, f"lens of the last layer is not the output: {gap}"
    return answer


def value_weighted(parts, run, layer, head):
    """A[i, j] · the length of what v_j adds to the stream at i, [T, T]: through a multiplier and a norm after attention, whose scale is
    that of the query's row."""
    q = run[f"blocks.{layer}.q"]
    width = q.shape[2]
    v = repeat_heads(run[f"blocks.{layer}.v"].transpose(0, 1), q.shape[1])[head]  # [T, K]
    alone = torch.zeros(len(v), q.shape[1], width, dtype=v.dtype)
    lengths = []  # by query: the norm has another scale in each row
    for i in range(len(v)):
        written = []
        for j in range(len(v)):
            alone.zero_()
            alone[i, head] = v[j]
            written.append(parts.write(run, layer, alone)[i, head].norm())
        lengths.append(torch.stack(written))
    return run[f"blocks.{layer}.pattern"][head] * torch.stack(lengths)


def attention_overview(run, layers):
    a = torch.stack([run[f"blocks.{l}.pattern"].double() for l in range(layers)])[:, :, 1:]
    bits = -torch.where(a > 0, a * a.clamp_min(1e-300).log2(), 0.0).sum(-1)  # [L, H, T-1]
    return {
        "entropy_bits": table(bits.mean(-1)),
        "first": table(a[..., 0].mean(-1)),
        "previous": table(a.diagonal(0, 2, 3).mean(-1)),  # row i - 1 of `a` is query i
    }


def direct_attribution(parts, run, layers, at, direction, offset):
    """Rows that sum to the metric; direction [D] is W_U's (difference of) rows, offset that of b_U."""
    scale = parts.scale(run[f"blocks.{layers - 1}.resid_post"][at])
    rows = {"embed": run["blocks.0.resid_pre"][at]}
    if parts.position is not None:
        rows = {"embed": rows["embed"] - parts.position[at], "pos_embed": parts.position[at]}
    attn_bias = mlp_bias = torch.zeros_like(rows["embed"])
    for l in range(layers):
        rows[f"{l}.attn"] = run[f"blocks.{l}.attn_out"][at] - parts.b_O[l]
        rows[f"{l}.mlp"] = run[f"blocks.{l}.mlp_out"][at] - parts.b_out[l]
        attn_bias, mlp_bias = attn_bias + parts.b_O[l], mlp_bias + parts.b_out[l]
    rows.update(attn_bias=attn_bias, mlp_bias=mlp_bias)
    result = {name: parts.direct(x, scale, direction).item() for name, x in rows.items()}
    result["norm_bias"] = 0.0 if parts.bias is None else (parts.bias @ direction).item()
    result["unembed_bias"] = offset
    return result


def head_attribution(parts, run, layers, at, direction):
    scale = parts.scale(run[f"blocks.{layers - 1}.resid_post"][at])
    return torch.stack([parts.direct(parts.write(run, l, run[f"blocks.{l}.z"])[at], scale, direction)
                        for l in range(layers)])  # [L, H]


def ablation_sweep(probe, ids, run, layers, value, op, at):
    heads = run["blocks.0.q"].shape[1]
    where = "@-1 " if at == "last" else ""
    return [[number(value(probe.run(ids, [f"head {l}.{h} {where}{op}"], base=run)) - value(run))
             for h in range(heads)] for l in range(layers)]


def direct_tables(parts, run, layers, at):
    """direct-attribution and head-attribution of both metrics, at one position."""
    top = run["logits"][at].argsort(descending=True)[:2].tolist()
    answer = []
    for targets in (top[:1], top):
        sign = (1, -1)[:len(targets)]
        direction = sum(s * parts.W_U[t] for s, t in zip(sign, targets))
        offset = sum(s * parts.b_U[t].item() for s, t in zip(sign, targets))
        logits = run["logits"][at]
        if parts.cap is not None:  # rows explain what the cap is put on
            logits = parts.cap * torch.atanh(logits / parts.cap)
        value = sum(s * logits[t].item() for s, t in zip(sign, targets))
        rows = direct_attribution(parts, run, layers, at, direction, offset)
        assert abs(sum(rows.values()) - value) < 1e-5, (sum(rows.values()), value)
        heads = head_attribution(parts, run, layers, at, direction)
        for l in range(layers):
            assert abs(heads[l].sum().item() - rows[f"{l}.attn"]) < 1e-6
        words = ("logit", "logit_diff")[len(targets) - 1]
        answer.append({
            "metric": " ".join([words] + [f"#{t}" for t in targets]), "position": at,
            "value": number(value),
            "rows": {k: number(x) for k, x in rows.items()},
            "heads": table(heads),
        })
    return answer


def make(name):
    group = "tiny" if (FIXTURES / "tiny" / name).exists() else "families"
    folder = FIXTURES / group / name
    ids = json.loads((folder / "expected.json").read_text())["ids"]
    model = AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32).double()
    probe = Probe(model)
    parts = Parts(probe)
    layers, run = len(probe.layers), probe.run(ids)
    T, heads = len(ids), run["blocks.0.q"].shape[1]
    target = int(run["logits"][-1].argmax())

    def value(r):
        return r["logits"][-1, target].item()

    layer, head = layers - 2, heads - 1
    weighted = value_weighted(parts, run, layer, head)
    result = {
        "about": "made by tests/reference/make_tables.py",
        "model": f"{group}/{name}", "ids": ids,
        "metric": {"spec": f"logit #{target}", "position": T - 1, "value": number(value(run))},
        "logit-lens": logit_lens(parts, run, layers, target),
        "residual-norms": {s: table([run[f"blocks.{l}.{s}"].norm(dim=-1) for l in range(layers)])
                           for s in sites_of(run)},
        "attention": {"layer": layer, "head": head,
                      "weight": [numbers(run[f"blocks.{layer}.pattern"][head, i, :i + 1])
                                 + [None] * (T - 1 - i) for i in range(T)],
                      "value": [numbers(weighted[i, :i + 1]) + [None] * (T - 1 - i) for i in range(T)]},
        "attention-overview": attention_overview(run, layers),
        "direct-attribution": direct_tables(parts, run, layers, T - 1)
        + direct_tables(parts, run, layers, T - 4),
        "ablation-sweep": {f"{op} {at}": ablation_sweep(probe, ids, run, layers, value, op, at)
                           for op in ("zero", "mean") for at in ("all", "last")},
    }
    TABLES.mkdir(exist_ok=True)
    text = "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in result.items()) + "\n}\n"
    (TABLES / f"{name}.json").write_text(text)
    print(f"{name}: {len(text) / 1000:.0f} kB")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("names", nargs="*", default=NAMES)
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    logging.disable_progress_bar()
    for name in p.parse_args().names:
        make(name)


if __name__ == "__main__":
    main()
