#!/usr/bin/env python3
"""make_edits.py - the last logits of some tiny models under edits of every kind, by hooks in PyTorch, in double precision.

    make_edits.py [NAME…]      writes tests/fixtures/edits/NAME.json, and of models with more norms tests/fixtures/norms/NAME.json

The prompts of set.jsonl and own.txt there are what `mean FILE` and `resample FILE` read.
"""
import argparse
import json

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from make_patching import Maps
from make_tiny import FIXTURES
from probe import Edit, Probe, number

EDITS = FIXTURES / "edits"
ROOT = FIXTURES.parent.parent
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2"]
NORMED = ["families/gemma2", "families/gemma3", "families/olmo2", "families/cohere-qk", "families/phi-qk"]  # after blocks, on queries and keys
SET, OWN = "tests/fixtures/edits/set.jsonl", "tests/fixtures/edits/own.txt"


# Where a layer has its norms, by the site of their scale.
PLAIN_NORMS = {"ln1": "input_layernorm", "ln2": "post_attention_layernorm"}
POST_NORMS = {"ln1_post": "post_attention_layernorm", "ln2_post": "post_feedforward_layernorm"}
HEAD_NORMS = {"q_norm": "self_attn.q_norm", "k_norm": "self_attn.k_norm"}
GEMMA2_NORMS = {"ln1": "input_layernorm", "ln2": "pre_feedforward_layernorm", **POST_NORMS}
NORMS = {
    "gpt2": {"ln1": "ln_1", "ln2": "ln_2"}, "gemma2": GEMMA2_NORMS, "gemma3_text": {**GEMMA2_NORMS, **HEAD_NORMS},
    "olmo2": {**POST_NORMS, **HEAD_NORMS}, "cohere": {"ln1": "input_layernorm", **HEAD_NORMS},
    "phi": {"ln1": "input_layernorm", "q_norm": "self_attn.q_layernorm", "k_norm": "self_attn.k_layernorm"},
}
HEADS_FIRST = ("gemma3_text", "phi")  # whose norms on heads see [heads, T, K]


class EditProbe(Probe):
    """Edits on heads' writes in the stream, on scores, and on the scales of norms, too."""

    def __init__(self, model):
        super().__init__(model)
        for index, layer in enumerate(self.layers):
            layer.get_submodule(self.family["o"]).register_forward_hook(lambda m, a, out: setattr(self, "before_norm", out.reshape(-1, out.shape[-1])))
            for name, norm in NORMS.get(self.config.model_type, PLAIN_NORMS).items():
                layer.get_submodule(norm).register_forward_hook(self._norm(name, index))
        model.get_submodule(self.family["norm"]).register_forward_hook(self._norm("ln_final", 0), prepend=True)

    def run(self, ids, edits=(), base=None, foil=None, folder=".", prompts=None):
        edits = [Edit(e, folder, prompts) if isinstance(e, str) else e for e in edits]
        for edit in edits:
            if edit.target == "head" and edit.op in ("add", "noise", "project", "interchange"):
                edit.sites = ["result"]  # in the stream, not in z
        return super().run(ids, edits, base, foil, folder, prompts)

    # -- heads

    def _site(self, site, x):
        if site == "z":
            self.z = x
            for edit in self.edits:
                if edit.layer == self.layer and edit.target == "z":
                    self.z = edit.apply(f"blocks.{self.layer}.z", self.z, self.base, self.foil)
        if site == "attn_out":
            x = x + self._beside(x)
        return super()._site(site, x)

    def _beside(self, x):
        """[T, D] what edits on heads leave over beside z; notes all heads' writes."""
        o, z_used = self.layers[self.layer].get_submodule(self.family["o"]), self.sites[f"blocks.{self.layer}.z"]
        factor = x / self.before_norm  # the norm after attention and the multiplier, as they came out

        def write(h, z):
            alone = torch.zeros_like(z_used)
            alone[:, h] = z[:, h]
            both = torch.stack([alone, torch.zeros_like(alone)]).flatten(2)
            return (o.forward(both)[0] - o.forward(both)[1]) * factor

        writes = []
        for h in range(z_used.shape[1]):
            z, beside = self.z.clone(), torch.zeros_like(x)
            for edit in self.edits:
                if edit.layer != self.layer or edit.target != "head" or h not in edit.units:
                    continue
                at = list(edit.positions(len(x))[0])
                if edit.sites == ["result"]:
                    whole, edit.units = edit.units, range(h, h + 1)
                    now = torch.zeros_like(torch.stack([x] * z.shape[1], 1))
                    now[:, h] = write(h, z) + beside
                    new = edit.apply(f"blocks.{self.layer}.result", now, self.base, self.foil)
                    edit.units = whole
                    beside[at] = (new - now)[at, h] + beside[at]
                else:
                    z = edit.apply(f"blocks.{self.layer}.z", z, self.base, self.foil)
                    beside[at] = beside[at] * (float(edit.arguments[0]) if edit.op == "scale" else 0)
            writes.append((write(h, z_used), beside))
        self.sites[f"blocks.{self.layer}.result"] = torch.stack([a + b for a, b in writes], 1)
        return sum(b for _, b in writes)

    # -- scores

    def _site_qk(self, q, k):
        self.qk = super()._site_qk(q, k)
        return self.qk

    def _hide(self, weights):
        c = self.config
        q, k = self.qk
        scale = getattr(c, "query_pre_attn_scalar", None) or q.shape[-1]
        scores = q @ k.repeat_interleave(len(q) // len(k), 0).transpose(-1, -2) / scale ** 0.5
        cap = getattr(c, "attn_logit_softcapping", None)
        scores = cap * torch.tanh(scores / cap) if cap else scores
        scores = scores.masked_fill(weights == 0, -torch.inf)
        assert (scores.softmax(-1) - weights).abs().max() < 1e-5
        self.sites[f"blocks.{self.layer}.scores"] = scores
        hit = False
        for edit in self.edits:
            if edit.layer == self.layer and "scores" in edit.sites:
                hidden = scores == -torch.inf
                scores = edit.apply(f"blocks.{self.layer}.scores", scores, self.base, self.foil).masked_fill(hidden, -torch.inf)
                hit = True
        return scores.softmax(-1) if hit else weights

    # -- norms

    def _norm(self, name, index):
        def hook(module, args, out):
            x = args[0][0].double()  # [T, D], or of heads [T, heads, K]
            layer_norm = "LayerNorm" in type(module).__name__
            square = x.var(-1, correction=0) if layer_norm else x.square().mean(-1)
            site = f"blocks.{index}.{name}.scale"
            scale = (square + (module.eps if hasattr(module, "eps") else module.variance_epsilon)).rsqrt()
            turned = name in HEAD_NORMS and self.config.model_type in HEADS_FIRST
            scale = scale.T if turned else scale
            self.sites[site] = scale
            bias = getattr(module, "bias", None) if layer_norm else None
            bias = 0 if bias is None else bias
            for edit in self.edits:
                if edit.target == name and edit.layer == index:
                    factor = torch.ones_like(scale)
                    for t in edit.positions(len(scale))[0]:
                        edit.narrow(factor)[t] = edit.narrow(self.base[site])[t] / edit.narrow(scale)[t]
                    factor = factor.T if turned else factor
                    out = bias + (out - bias) * factor[None, ..., None].to(out.dtype)
            return out
        return hook


class Edits(Maps):
    def __init__(self, name):
        super().__init__(name)
        self.probe = EditProbe(AutoModelForCausalLM.from_pretrained(self.folder, attn_implementation="eager", dtype=torch.float32).double())
        self.run, self.foil = self.probe.run(self.ids), self.probe.run(self.foil_ids)
        self.prompts = {}

    def read_prompts(self):
        """{file: {line number: run}}"""
        tokenizer = AutoTokenizer.from_pretrained(self.folder)
        for path in (SET, OWN):
            lines = (EDITS / path.split("/")[-1]).read_text().split("\n")
            texts = {i + 1: json.loads(t)["prompt"] if path == SET else t for i, t in enumerate(lines) if t}
            ids = {i: tokenizer(t).input_ids for i, t in texts.items()}
            bos = self.ids[:1] if self.ids[0] == 0 else []
            ids = {i: bos + x if x[:1] != bos else x for i, x in ids.items()}
            assert path != OWN or ids[2] == self.ids, (ids, self.ids)
            self.prompts[path] = {i: self.probe.run(x) for i, x in ids.items()}

    def lines(self):
        last = self.layers - 1
        return [
            [f"head 0.1 mean {SET}"], [f"head {last}.0 @-1 mean {SET}"], [f"attn_out 0 mean {SET}"], [f"neuron 1.2..9 mean {SET}"],
            [f"layer {last} @2.. mean {SET}"], [f"embed 0 @3 mean {SET}"], [f"v 0 @1..4 mean {SET}"], [f"head 0.0..1 mean {SET} same"],
            [f"resid_pre 1 @-1 mean {SET} same"], [f"mlp_out 0 mean {OWN} same"],
            [f"head 0.1 resample {OWN} line 1"], [f"resid_post 0 @4.. resample {OWN} line 3"], [f"q 1 resample {SET} line 4"],
            [f"mlp_post 0 @-2.. resample {OWN} line 4"], [f"layer 1 resample {OWN} line 3"],
            [f"head 0.0..1 zero"], [f"neuron {last}.3..20 scale 3"], [f"z 1.0..1 @4.. zero"], [f"head 0.1 @5.. patch"], [f"mlp_out 1 @1,4.. zero"],
            [f"mlp_pre 0.0..7 noise 2 3"], [f"z 0.0..1 @2.. noise 1"],
            [f"head 0.1 resample {OWN} line 1", f"mlp_out 1 @3.. mean {SET}", f"neuron {last}.0..20 zero"],
        ] + self.lines_of_heads() + self.lines_of_rows() + self.lines_of_norms()

    def lines_of_heads(self):
        """What a head writes, and subspaces of every site; the files are made beside the fixtures."""
        last, D, K = self.layers - 1, self.run["blocks.0.resid_pre"].shape[-1], self.run["blocks.0.z"].shape[-1]
        stem = f"{self.name.split('/')[-1]}"
        generator = np.random.default_rng(5)
        for name, shape in (("stream", (D, 3)), ("head", (K, 2)), ("unit", (K, 1))):
            basis = np.linalg.qr(generator.normal(size=shape))[0].astype(np.float32)
            np.save(EDITS / f"{stem}-{name}.npy", basis if name == "stream" else np.ascontiguousarray(basis.T))  # directions as columns, as rows
        np.save(EDITS / f"{stem}-vector.npy", generator.normal(size=D).astype(np.float32))
        stream, head, unit, vector = (f"tests/fixtures/edits/{stem}-{n}.npy" for n in ("stream", "head", "unit", "vector"))
        return [
            [f"head 0.1 project {vector}"], [f"head 0.0..1 @2.. project {vector}"], [f"head {last}.0 @-1 project {vector}"],
            [f"head 0.1 interchange {stream}"], [f"head 0.1 noise 0.5 3"], [f"head 0.0..1 @3 add {vector} 0.3"],
            [f"head 0.1 add {vector}", "head 0.1 @2.. scale -0.5", f"head 0.1 @3.. project {vector}"],
            [f"head 0.1 project {vector}", "head 0.1 @4.. patch", f"head 0.1 interchange {stream}", "head 0.1 scale 0.5"],
            [f"head 1.1 add {vector}", "head 1.1 zero"],
            [f"resid_post 0 interchange {stream}"], [f"resid_pre 1 @-2.. interchange {stream}"], [f"attn_out 0 interchange {stream}"],
            [f"mlp_out {last} @2.. interchange {stream}"], [f"z 0.1 interchange {head}"], [f"q 1.0 @3.. interchange {head}"],
            [f"z 0.1 project {unit}"], [f"layer 0 project {vector}"],
        ]

    def lines_of_norms(self):
        last = self.layers - 1
        return [
            ["mlp_out 0 zero", "ln1 1 freeze"], ["head 0.1 scale 4", "ln2 0 freeze"], [f"head {last}.0 scale -5", "ln_final freeze"],
            ["embed 0 @2 noise 2", "ln1 0 @1..4 freeze", f"ln2 {last} freeze", "ln_final @-1 freeze"],
        ]

    def lines_of_more_norms(self):
        """Of the norms behind blocks and on queries and keys, as far as the model has them."""
        last = self.layers - 1
        has = NORMS[self.probe.config.model_type]
        lines = [
            ["head 0.1 scale 4", "ln1_post 0 freeze"], ["neuron 1.2..9 scale 5", "ln2_post 1 freeze"],
            ["embed 0 @2 noise 2", "ln1_post 0 @1..4 freeze", f"ln2_post {last} freeze", f"ln1_post {last} @-1 freeze"],
            ["embed 0 noise 3", f"q_norm {last} freeze"], ["embed 0 @1.. noise 3 1", f"k_norm {last} freeze"],
            ["mlp_out 0 scale 5", "q_norm 1 @3.. freeze", "k_norm 1 @2..4 freeze"],
        ]
        if "q_norm" in has and self.probe.config.model_type != "olmo2":  # whose one norm spans all heads
            lines += [["mlp_out 0 scale 5", "q_norm 1.0..1 freeze"], ["mlp_out 0 scale -3", "k_norm 1.0 @1.. freeze"]]
        kept = [[line for line in edits if line.split()[0] not in ("ln1_post", "ln2_post", "q_norm", "k_norm") or line.split()[0] in has] for edits in lines]
        return [edits for edits in kept if any(line.endswith("freeze") for line in edits)]

    def lines_of_rows(self):
        """Weights and scores; where PyTorch's hooks have them."""
        last = self.layers - 1
        return [
            [f"pattern 0 mean {SET}"], [f"pattern 0.0..1 @3.. mean {OWN} same"], [f"pattern 1.1 resample {OWN} line 1"],
            [f"pattern {last} @4..<1..2 zero"], [f"scores 0 @3..<1..2 mask"], [f"pattern 1.0 @5.. scale 0.5"],
            [f"pattern 0.1 @3..<2 add 0.25"], [f"scores {last}.1 zero"], [f"scores 0 @3.. patch"], [f"scores 0.1 @4..<1..3 patch"],
            [f"scores 1.0 @2..<1 add 1.5"], [f"scores 0.0..1 @-1 scale -1"], [f"scores 1 resample {OWN} line 3"],
            ["embed 0 @3 noise 2", "scores 0 freeze", "pattern 1 freeze"], ["resid_pre 1 @2 noise 1", "scores 1.0..1 @4..<2..3 freeze"],
        ]

    def answer(self, all_lines, all_of_it_tells=False):
        """all_of_it_tells: what is kept must make a difference by itself."""
        rows = []
        for lines in all_lines:
            run = self.probe.run(self.ids, lines, base=self.run, foil=self.foil, folder=ROOT, prompts=self.prompts)
            without = self.run
            if all_of_it_tells:
                loose = [x for x in lines if not x.endswith("freeze")]
                without = self.probe.run(self.ids, loose, base=self.run, foil=self.foil, folder=ROOT, prompts=self.prompts)
            assert (run["logits"][-1] - without["logits"][-1]).abs().max() > 1e-4, lines
            rows.append({"lines": lines, "logits_last": [number(x) for x in run["logits"][-1]]})
        return {
            "about": "made by tests/reference/make_edits.py", "model": self.name, "ids": self.ids, "foil_ids": self.foil_ids,
            "metric": "logit_diff #{} #{}".format(*self.targets), "prompt": number(self.metric(self.run)), "foil": number(self.metric(self.foil)),
            "edits": rows,
        }


def write(path, answer):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(answer, indent=None).replace("]}, ", "]},\n") + "\n")
    print(path, path.stat().st_size)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("names", nargs="*", default=NAMES + NORMED)
    logging.disable_progress_bar()
    torch.set_grad_enabled(False)
    for name in dict.fromkeys(p.parse_args().names):
        model, short = Edits(name), name.split("/")[-1]
        if name in NAMES:
            model.read_prompts()
            write(EDITS / f"{short}.json", model.answer(model.lines()))
        if name in NORMED:
            write(FIXTURES / "norms" / f"{short}.json", model.answer(model.lines_of_more_norms(), all_of_it_tells=True))


if __name__ == "__main__":
    main()
