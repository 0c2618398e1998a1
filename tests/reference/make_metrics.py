"""make_metrics.py - metrics of a layer inside tiny models, and their gradients at the stream that enters layer 0, as PyTorch has them.

    python tests/reference/make_metrics.py [NAME…]     writes tests/fixtures/metrics/NAME.json

Values are written down from the sites' definitions, gradients are autograd's, in double precision.  `part` is of a head: its write, the
scales of the norm after attention and of the final norm taken from the unedited run.
"""
import json
import sys

import torch
from transformers import AutoModelForCausalLM
from transformers.models.bloom.modeling_bloom import build_alibi_tensor

from make_gradients import EDITED, FIXTURES, Gradients
from probe import number, numbers

NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gemma2", "families/bloom", "families/gpt_neox", "families/qwen3"]
SPECS = ["neuron 1.3", "neuron_pre 1.3 @5", "neuron_up 1.3", "scores 1.1 @6<3", "pattern 1.1 @6<3", "norm resid_mid 1 @5", "norm attn_out 1",
         "along VECTOR resid_post 0 @4", "lens #5 resid_post 0", "lens #5 attn_out 1 @5", "part head 1.1 of logit #5"]


class Metrics:
    def __init__(self, name):
        self.folder = FIXTURES / name
        self.model = AutoModelForCausalLM.from_pretrained(self.folder, attn_implementation="eager", dtype=torch.float32).double()
        self.ids = json.loads((self.folder / "expected.json").read_text())["ids"]
        self.probe = Gradients(self.model)
        self.config = self.model.config
        self.base = self.probe.run(self.ids)
        self.final = self.model.get_submodule(self.probe.family["norm"])
        self.direction = torch.cos(torch.arange(self.config.hidden_size, dtype=torch.float64) * 1.7)

    def part(self, layer, name):
        return self.probe.layers[layer].get_submodule(self.probe.family[name])

    def logit(self, row, token):
        x = self.model.get_output_embeddings()(self.final(row))[token]
        cap = getattr(self.config, "final_logit_softcapping", None)
        return cap * torch.tanh(x / cap) if cap else x

    def score(self, sites, layer, head, query, key):
        q, k = sites[f"blocks.{layer}.q"], sites[f"blocks.{layer}.k"]
        k = k.repeat_interleave(q.shape[1] // k.shape[1], 1)
        scale = getattr(self.config, "query_pre_attn_scalar", q.shape[-1]) ** -0.5
        s = (q[query, head] * k[key, head]).sum() * scale
        cap = getattr(self.config, "attn_logit_softcapping", None)
        s = cap * torch.tanh(s / cap) if cap else s
        if self.config.model_type == "bloom":
            s = s + build_alibi_tensor(torch.ones(1, len(q)), q.shape[1], torch.float64)[head, 0, key]
        return s

    def head_write(self, z, layer, head):
        """What a head writes at one position, [D]; a norm after attention has the scale of the unedited run there (the last position)."""
        o = self.part(layer, "o")
        weight = o.weight if isinstance(o, torch.nn.Linear) else o.weight.T  # [D, H*K]
        K = z.shape[-1]
        write = weight[:, head * K:(head + 1) * K] @ z[head]
        post = getattr(self.probe.layers[layer], "post_attention_layernorm", None)
        if self.config.model_type != "gemma2":
            return write
        z0 = self.base[f"blocks.{layer}.z"][-1].flatten()
        raw = weight @ z0
        return write * (1 + post.weight) * torch.rsqrt((raw ** 2).mean() + self.config.rms_norm_eps)

    def frozen(self, token):
        """The derivative of the logit by the last stream, the scale of the final norm frozen and no cap."""
        x = self.base[f"blocks.{len(self.probe.layers) - 1}.resid_post"][-1].double()
        norm, u = self.final, self.model.get_output_embeddings().weight[token]
        eps = getattr(norm, "eps", getattr(norm, "variance_epsilon", 1e-6))
        if isinstance(norm, torch.nn.LayerNorm):
            w = u * norm.weight
            return (w - w.mean()) / torch.sqrt(x.var(correction=0) + eps)
        gain = 1 + norm.weight if self.config.model_type.startswith("gemma") else norm.weight
        return u * gain * torch.rsqrt((x ** 2).mean() + eps)

    def value(self, spec, sites):
        words = spec.split()
        at = words[-1][1:] if words[-1].startswith("@") else str(len(self.ids) - 1)
        site = {"neuron": "mlp_post", "neuron_pre": "mlp_pre", "neuron_up": "mlp_up"}.get(words[0])
        if site:
            layer, unit = map(int, words[1].split("."))
            return sites[f"blocks.{layer}.{site}"][int(at), unit]
        if words[0] in ("scores", "pattern"):
            layer, head = map(int, words[1].split("."))
            query, key = map(int, at.split("<"))
            return self.score(sites, layer, head, query, key) if words[0] == "scores" else sites[f"blocks.{layer}.pattern"][head, query, key]
        if words[0] == "part":
            layer, head = map(int, words[2].split("."))
            return self.head_write(sites[f"blocks.{layer}.z"][int(at)], layer, head) @ self.frozen(int(words[-1][1:]))
        site, layer = words[-3:-1] if words[-1].startswith("@") else words[-2:]
        row = sites[f"blocks.{layer}.{site}"][int(at)]
        if words[0] == "norm":
            return row.norm()
        if words[0] == "along":
            return row @ (self.direction / self.direction.norm())
        assert words[0] == "lens", spec
        return self.logit(row, int(words[1][1:]))

    def ask(self, spec, edits):
        sites, kept = self.probe.run_kept(self.ids, edits, self.base)
        x = kept["blocks.0.resid_pre"][0]
        value = self.value(spec, sites)
        value.backward()
        return {"metric": spec, "edits": edits, "value": number(value.detach()), "gradient": numbers(x.grad.reshape(len(self.ids), -1))}

    def answer(self):
        gated = "blocks.0.mlp_up" in self.base
        parallel = self.probe.parallel
        specs = [s for s in SPECS if (gated or "neuron_up" not in s) and not (parallel and "resid_mid" in s)]
        return [self.ask(s, e) for s in specs for e in ([], EDITED)]


def main():
    torch.set_num_threads(1)
    out = FIXTURES / "metrics"
    out.mkdir(exist_ok=True)
    for name in sys.argv[1:] or NAMES:
        m = Metrics(name)
        questions = m.answer()
        path = out / f"{name.split('/')[-1]}.json"
        path.write_text(json.dumps({"about": "made by tests/reference/make_metrics.py", "model": name, "ids": m.ids,
                                    "vector": numbers(m.direction), "questions": questions}).replace("}, {", "},\n{") + "\n")
        print(path.name, len(questions), path.stat().st_size, flush=True)


if __name__ == "__main__":
    main()
