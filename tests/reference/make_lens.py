#!/usr/bin/env python3
"""make_lens.py - what maps of interventions must show for some tiny models, by TransformerLens: plain loops over its hooks.

    make_lens.py [NAME…]      writes tests/fixtures/lens/NAME.json

Each cell is a run of its own under hooks, or two for a path (Wang et al. 2023: the first has the sender's value of the other prompt, every
head's z as it was and, where MLPs are frozen, their outputs; what the receiver reads there is put into the second).  Nothing is
linearised, nothing is folded into the weights; double precision; maps hold the raw metric, or its change for ablation.
"""
import json
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch                                                    # noqa: E402
from transformer_lens.model_bridge import TransformerBridge     # noqa: E402

from fixture_files import FIXTURES, write_each                    # noqa: E402
from probe import number                                         # noqa: E402

LENS = FIXTURES / "lens"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox"]
HOOKS = {"q": "attn.hook_q", "k": "attn.hook_k", "v": "attn.hook_v", "z": "attn.hook_z", "pattern": "attn.hook_pattern",
         "attn_out": "hook_attn_out", "mlp_out": "hook_mlp_out", "resid_pre": "hook_resid_pre", "resid_post": "hook_resid_post"}
ALL = slice(None)


class Lens:
    def __init__(self, name):
        folder = FIXTURES / name
        about = json.loads((folder / "expected.json").read_text())
        self.name, self.ids, self.foil_ids = name, about["ids"], about["foil_ids"]
        self.model = TransformerBridge.boot_transformers(str(folder), device="cpu", dtype=torch.float64)
        self.model.enable_compatibility_mode(disable_warnings=True, no_processing=True)
        config = self.model.cfg
        self.layers, self.heads, self.width = config.n_layers, config.n_heads, config.d_head
        self.groups = getattr(config, "n_key_value_heads", None) or self.heads
        self.parallel = bool(getattr(config, "parallel_attn_mlp", False))
        (self.logits, self.run), (self.foil_logits, self.foil) = self.cached(self.ids), self.cached(self.foil_ids)
        best, second = self.logits.topk(2).indices.tolist()
        other = int(self.foil_logits.argmax())
        self.targets = [best, other if other != best else second]

    def cached(self, ids):
        logits, cache = self.model.run_with_cache(torch.tensor([ids]))
        return logits[0, -1], cache

    def name_of(self, site, layer):
        return f"blocks.{layer}.{HOOKS[site]}"

    def units(self, site, x):
        """[1, T, units, width], of the stream one unit; the pattern is [1, H, T, T]."""
        return x if site == "pattern" else x.view(*x.shape[:2], -1, self.width if site in "qkvz" else x[0, 0].numel())

    def put(self, site, layer, value, unit=ALL, at=ALL):
        """A hook that puts the value's part there."""
        def hook(x, hook):
            x = x.clone()
            to, new = self.units(site, x), self.units(site, value)
            if site == "pattern":
                to[:, unit] = new[:, unit]
            else:
                to[:, at, unit] = new[:, at, unit]
            return x
        return self.name_of(site, layer), hook

    def metric_of(self, logits):
        return (logits[self.targets[0]] - logits[self.targets[1]]).item()

    def metric(self, ids, hooks):
        return self.metric_of(self.model.run_with_hooks(torch.tensor([ids]), fwd_hooks=hooks)[0, -1])

    def side(self, direction):
        return (self.ids, self.run, self.foil) if direction == "noising" else (self.foil_ids, self.foil, self.run)

    # ---- maps ----

    def patching(self, direction):
        ids, _, source = self.side(direction)

        def cell(site, layer, unit=ALL, at=ALL):
            return number(self.metric(ids, [self.put(site, layer, source[self.name_of(site, layer)], unit, at)]))
        positions = range(len(ids))
        for site in ("resid_pre", "resid_post", "attn_out", "mlp_out"):
            yield f"site={site}", [[cell(site, l, at=t) for t in positions] for l in range(self.layers)]
        for site, own, n in (("head", "z", self.heads), ("q", "q", self.heads), ("k", "k", self.groups), ("v", "v", self.groups),
                             ("pattern", "pattern", self.heads)):
            yield f"site={site}", [[cell(own, l, unit=h) for h in range(n)] for l in range(self.layers)]
        yield "site=head at=last", [[cell("z", l, unit=h, at=-1) for h in range(self.heads)] for l in range(self.layers)]
        yield "site=head_position layer=1", [[cell("z", 1, unit=h, at=t) for t in positions] for h in range(self.heads)]

    def ablation(self):
        now = self.metric_of(self.logits)

        def change(layer, head, value):
            return number(self.metric(self.ids, [self.put("z", layer, value, unit=head)]) - now)
        zs = [self.run[self.name_of("z", l)] for l in range(self.layers)]
        yield "op=zero", [[change(l, h, torch.zeros_like(zs[l])) for h in range(self.heads)] for l in range(self.layers)]
        yield "op=mean", [[change(l, h, zs[l].mean(1, keepdim=True).expand_as(zs[l]).clone()) for h in range(self.heads)]
                          for l in range(self.layers)]

    def path(self, direction, sender, layer, column, receiver, to, head, frozen):
        ids, base, source = self.side(direction)
        hooks, seen = [], {}
        for l in range(self.layers):
            hooks.append(self.put("z", l, base[self.name_of("z", l)]))
            if frozen and not (sender == "mlp_out" and l == layer) and not (receiver == "mlp_in" and l == to):
                hooks.append(self.put("mlp_out", l, base[self.name_of("mlp_out", l)]))
        site = {"head": "z", "embed": "resid_pre"}.get(sender, sender)
        where = {"unit": column} if sender == "head" else {"at": column}
        hooks.append(self.put(site, layer, source[self.name_of(site, layer)], **where))
        if receiver == "logits":
            return number(self.metric(ids, hooks))
        read = "mlp_out" if receiver == "mlp_in" else receiver

        def keep(x, hook):
            seen["x"] = x.clone()
        self.metric(ids, hooks + [(self.name_of(read, to), keep)])
        unit = ALL if receiver == "mlp_in" else head if receiver == "q" else head // (self.heads // self.groups)
        return number(self.metric(ids, [self.put(read, to, seen["x"], unit=unit)]))

    def paths(self):
        to, head = self.layers - 1, self.heads - 1

        def reached(sender, receiver, l):
            if receiver == "logits" or sender == "embed":
                return True
            return l < to or (receiver == "mlp_in" and sender == "head" and not self.parallel)

        for sender, columns, rows in (("head", self.heads, self.layers), ("mlp_out", len(self.ids), self.layers), ("embed", len(self.ids), 1)):
            for receiver in ("logits", "q", "k", "v", "mlp_in"):
                for mlps, direction in (("recomputed", "noising"), ("frozen", "denoising")):
                    yield (f"sender={sender} receiver={receiver} layer={to} head={head} mlps={mlps} direction={direction} show=raw",
                           [[self.path(direction, sender, l, c, receiver, to, head, mlps == "frozen") if reached(sender, receiver, l) else None
                             for c in range(columns)] for l in range(rows)])

    def answer(self):
        maps = [("activation-patching", f"{words} direction={direction} show=raw", m)
                for direction in ("noising", "denoising") for words, m in self.patching(direction)]
        maps += [("ablation-sweep", words, m) for words, m in self.ablation()]
        maps += [("path-patching", words, m) for words, m in self.paths()]
        return {
            "about": "made by tests/reference/make_lens.py", "model": self.name, "ids": self.ids, "foil_ids": self.foil_ids,
            "metric": "logit_diff #{} #{}".format(*self.targets), "prompt": number(self.metric_of(self.logits)),
            "foil": number(self.metric_of(self.foil_logits)), "maps": [{"technique": t, "words": w, "map": m} for t, w, m in maps],
        }


if __name__ == "__main__":
    write_each(__doc__, LENS, NAMES, lambda name: Lens(name).answer(), breaks=["]]}, "])
