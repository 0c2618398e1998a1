#!/usr/bin/env python3
"""make_tables.py - what the analyses must answer for the tiny models, computed here a second time.

    make_tables.py [NAME…]      writes tests/fixtures/tables/NAME.json

Each analysis is written out plainly from its formula, from the activations that probe.py reads and
the weights of the model.  Rows and columns are as the program's own tables have them; what cannot be
(keys after the query) is null.  Entropy and KL say their unit in their names.  Ablations are real
runs of the edited model.  The metrics are the logit of what the model predicts at the position, and
that minus the logit of the second.
"""
import argparse
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from make_tiny import FIXTURES
from probe import Probe, number, numbers, repeat_heads

TABLES = FIXTURES / "tables"
NAMES = ["gpt2-tied", "gpt2-odd", "llama-grouped", "llama-tied"]
SITES = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")


class Parts:
    """The weights that the formulas name, for a gpt2 or a llama."""

    def __init__(self, model):
        gpt2 = model.config.model_type == "gpt2"
        body = model.transformer if gpt2 else model.model
        self.norm = body.ln_f if gpt2 else body.norm
        self.gain, self.bias = self.norm.weight, getattr(self.norm, "bias", None)
        self.eps = self.norm.eps if gpt2 else self.norm.variance_epsilon
        self.centred = gpt2
        self.W_U = model.lm_head.weight  # [V, D]
        self.b_U = model.lm_head.bias
        self.embed = body.wte.weight if gpt2 else body.embed_tokens.weight
        self.position = body.wpe.weight if gpt2 else None
        layers = body.h if gpt2 else body.layers
        if gpt2:  # [H * K, D]; Conv1D has [in, out] already
            self.W_O = [l.attn.c_proj.weight for l in layers]
            self.b_O = [l.attn.c_proj.bias for l in layers]
            self.b_out = [l.mlp.c_proj.bias for l in layers]
        else:
            self.W_O = [l.self_attn.o_proj.weight.T for l in layers]
            self.b_O = [l.self_attn.o_proj.bias for l in layers]
            self.b_out = [l.mlp.down_proj.bias for l in layers]

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
        return y @ self.W_U.T + (0 if self.b_U is None else self.b_U)


def table(x, digits=numbers):
    return [digits(row) for row in x]


def logit_lens(parts, run, layers, target):
    final = run["logits"].log_softmax(-1)  # [T, V]
    answer = {}
    for site in SITES:
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
    """A[i, j] · ‖v_j W_O‖, [T, T]"""
    q = run[f"blocks.{layer}.q"]
    width = q.shape[2]
    v = repeat_heads(run[f"blocks.{layer}.v"].transpose(0, 1), q.shape[1])[head]  # [T, K]
    written = v @ parts.W_O[layer][head * width:(head + 1) * width]  # [T, D]
    return run[f"blocks.{layer}.pattern"][head] * written.norm(dim=-1)


def attention_overview(run, layers):
    a = torch.stack([run[f"blocks.{l}.pattern"].double() for l in range(layers)])[:, :, 1:]
    bits = -torch.where(a > 0, a * a.clamp_min(1e-300).log2(), 0.0).sum(-1)  # [L, H, T-1]
    return {
        "entropy_bits": table(bits.mean(-1)),
        "first": table(a[..., 0].mean(-1)),
        "previous": table(a.diagonal(0, 2, 3).mean(-1)),  # row i - 1 of `a` is query i
    }


def direct_attribution(parts, run, layers, ids, at, direction, offset):
    """Rows that sum to the metric; direction [D] is W_U's (difference of) rows, offset that of b_U."""
    scale = parts.scale(run[f"blocks.{layers - 1}.resid_post"][at])
    rows = {"embed": parts.embed[ids[at]]}
    if parts.position is not None:
        rows["pos_embed"] = parts.position[at]
    attn_bias = mlp_bias = torch.zeros_like(rows["embed"])
    for l in range(layers):
        b_O = torch.zeros_like(attn_bias) if parts.b_O[l] is None else parts.b_O[l]
        b_out = torch.zeros_like(attn_bias) if parts.b_out[l] is None else parts.b_out[l]
        rows[f"{l}.attn"] = run[f"blocks.{l}.attn_out"][at] - b_O
        rows[f"{l}.mlp"] = run[f"blocks.{l}.mlp_out"][at] - b_out
        attn_bias, mlp_bias = attn_bias + b_O, mlp_bias + b_out
    rows.update(attn_bias=attn_bias, mlp_bias=mlp_bias)
    result = {name: parts.direct(x, scale, direction).item() for name, x in rows.items()}
    result["norm_bias"] = 0.0 if parts.bias is None else (parts.bias @ direction).item()
    result["unembed_bias"] = offset
    return result


def head_attribution(parts, run, layers, at, direction):
    scale = parts.scale(run[f"blocks.{layers - 1}.resid_post"][at])
    answer = []
    for l in range(layers):
        z = run[f"blocks.{l}.z"][at]  # [H, K]
        W_O = parts.W_O[l].reshape(*z.shape, -1)  # [H, K, D]
        written = torch.einsum("hk,hkd->hd", z, W_O)
        answer.append(parts.direct(written, scale, direction))
    return torch.stack(answer)  # [L, H]


def ablation_sweep(probe, ids, run, layers, value, op, at):
    heads = run["blocks.0.q"].shape[1]
    where = "@-1 " if at == "last" else ""
    return [[number(value(probe.run(ids, [f"head {l}.{h} {where}{op}"], base=run)) - value(run))
             for h in range(heads)] for l in range(layers)]


def direct_tables(parts, run, layers, ids, at):
    """direct-attribution and head-attribution of both metrics, at one position."""
    top = run["logits"][at].argsort(descending=True)[:2].tolist()
    answer = []
    for targets in (top[:1], top):
        sign = (1, -1)[:len(targets)]
        direction = sum(s * parts.W_U[t] for s, t in zip(sign, targets))
        offset = sum(s * parts.b_U[t].item() for s, t in zip(sign, targets)) if parts.b_U is not None else 0.0
        value = sum(s * run["logits"][at, t].item() for s, t in zip(sign, targets))
        rows = direct_attribution(parts, run, layers, ids, at, direction, offset)
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
    folder = FIXTURES / "tiny" / name
    ids = json.loads((folder / "expected.json").read_text())["ids"]
    model = AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32).double()
    probe, parts = Probe(model), Parts(model)
    layers, run = len(probe.layers), probe.run(ids)
    T, heads = len(ids), run["blocks.0.q"].shape[1]
    target = int(run["logits"][-1].argmax())

    def value(r):
        return r["logits"][-1, target].item()

    layer, head = layers - 2, heads - 1
    weighted = value_weighted(parts, run, layer, head)
    result = {
        "about": "made by tests/reference/make_tables.py",
        "model": f"tiny/{name}", "ids": ids,
        "metric": {"spec": f"logit #{target}", "position": T - 1, "value": number(value(run))},
        "logit-lens": logit_lens(parts, run, layers, target),
        "residual-norms": {s: table([run[f"blocks.{l}.{s}"].norm(dim=-1) for l in range(layers)])
                           for s in SITES},
        "attention": {"layer": layer, "head": head,
                      "weight": [numbers(run[f"blocks.{layer}.pattern"][head, i, :i + 1])
                                 + [None] * (T - 1 - i) for i in range(T)],
                      "value": [numbers(weighted[i, :i + 1]) + [None] * (T - 1 - i) for i in range(T)]},
        "attention-overview": attention_overview(run, layers),
        "direct-attribution": direct_tables(parts, run, layers, ids, T - 1)
        + direct_tables(parts, run, layers, ids, T - 4),
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
