"""make_gradients.py - gradients of metrics by the sites of tiny models, as PyTorch's autograd has them.

    python tests/reference/make_gradients.py [NAME…]     writes tests/fixtures/gradients/NAME.safetensors and NAME.json

The models are those of tests/fixtures (make_tiny.py made them), in double precision.  Each has some questions: a metric, the
edits of the run, and the gradient at every site, with the edits at that site applied: [T, …] as in probe.py.
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from probe import Probe

FIXTURES = Path(__file__).parent.parent / "fixtures"
EDITED = ["attn_out 0 @3 scale 2", "mlp_out 0 @1,4 mean", "neuron 0.3 scale -2", "head 1.0 @5 zero"]
PATTERN = EDITED + ["pattern 1.0 @6 zero", "kv 0.0 @3 scale 2"]
MIXED = ["expert 1.0 @3.. scale 2", "attn_out 0 @3 scale 2", "expert 1.1 @4 forbid", "expert 1.2 @5 force",
         "router_logits 1 @1..5 scale 0.7", "expert_weights 1 @5.. scale 1.3", "expert 1.2 @6.. bias 0.8"]
IN_BOTH = MIXED + ["expert 0.0 @2.. zero", "expert 0.1 @1.. bias 0.5", "expert 0.2 @3 mean"]
CONV = ["attn_out 0 @3 scale 2", "conv_in 0.1 @2..4 zero", "conv_gate 0 @4.. scale 0.5", "conv_in 0 @5.. scale 1.5",
        "head 0.1 @5 zero", "pattern 1.0 @6 zero"]
CONV_ABOVE = [e.replace("_in 0", "_in 1").replace("_gate 0", "_gate 1") for e in CONV if "pattern" not in e]
QUESTIONS = {  # metric, edits
    "mixtral": [("logit #5", []), ("kl", IN_BOTH)],
    "qwen2_moe": [("logprob #7", []), ("loss", IN_BOTH)],
    "qwen2_moe-dense": [("entropy", []), ("logit #5", MIXED)],
    "qwen3_moe": [("loss", []), ("logprob #7", IN_BOTH)],
    "olmoe": [("logit_diff #3 #9", []), ("entropy", IN_BOTH)],
    "phimoe": [("logit #5", []), ("logprob #7", IN_BOTH)],
    "granitemoe": [("logprob #7", []), ("kl", IN_BOTH)],
    "glm4_moe": [("logit #5", []), ("kl", MIXED)],
    "glm4_moe-plain": [("entropy", []), ("logprob #7", IN_BOTH)],
    "dots1": [("logprob #7", []), ("loss", MIXED)],
    "ernie4_5_moe": [("logit_diff #3 #9", []), ("entropy", MIXED)],
    "lfm2": [("logprob #7", []), ("kl", CONV)],
    "lfm2-bias": [("loss", []), ("logit #5", CONV_ABOVE + ["conv_gate 2.2 @3.. scale -1"])],
    "lfm2_moe": [("logit_diff #3 #9", []), ("entropy", CONV_ABOVE + [e for e in MIXED if "attn" not in e])],
    "gpt2-tied": [("logit_diff #3 #9", []), ("kl", PATTERN)],
    "gpt2-odd": [("logprob #7", []), ("loss", EDITED)],
    "llama-grouped": [("logprob #7", []), ("entropy", PATTERN)],
    "gemma2": [("loss", []), ("logit #5", PATTERN)],
    "gpt_neox": [("entropy", []), ("logit_diff #3 #9", PATTERN)],
    "olmo2": [("logit #5", []), ("logprob #7", PATTERN)],
    "olmo": [("logit #5", []), ("logit #4", EDITED)],
    "cohere-qk": [("logit_diff #3 #9", []), ("loss", PATTERN)],
    "bloom": [("logprob #7", []), ("logit #5", EDITED)],
    "falcon-7b": [("logit #5", []), ("entropy", EDITED)],
    "gemma3": [("logit #5", []), ("kl", PATTERN)],
    "opt": [("logit #4", []), ("logprob #7", PATTERN)],
    "gpt_neo": [("logit #5", []), ("entropy", EDITED)],
    "bloom-post": [("logit #5", []), ("logprob #7", EDITED)],
    "opt-post": [("logit #4", []), ("entropy", PATTERN)],
    "olmo3": [("logit #5", []), ("kl", PATTERN)],
    "ministral3": [("logprob #7", []), ("logit_diff #3 #9", PATTERN)],
    "apertus": [("logit #5", []), ("entropy", PATTERN)],
    "gpt_bigcode": [("logit_diff #3 #9", []), ("loss", PATTERN)],
    "codegen": [("logit #5", []), ("logprob #7", EDITED)],
    "opt-project": [("loss", []), ("logit #4", PATTERN)],
    "exaone4": [("logprob #7", []), ("logit #5", PATTERN)],
    "glm4": [("loss", []), ("logit_diff #3 #9", PATTERN)],
    "cohere2": [("logit #5", []), ("entropy", PATTERN)],
    "mpt": [("logprob #7", []), ("loss", EDITED)],
}


class Gradients(Probe):
    """A probe whose sites keep their gradients.  Sites that are only looked at are views, which have none: their origin has."""

    def __init__(self, model):
        self.kept = None
        super().__init__(model)

    def run_kept(self, ids, edits, base):
        self.kept = {}
        sites = Probe.run.__wrapped__(self, ids, edits, base=base, foil=None)
        kept, self.kept = self.kept, None
        return sites, kept

    def _keep(self, site, x, shape=lambda g: g):
        if self.kept is not None and x.requires_grad:
            x.retain_grad()
            self.kept[f"blocks.{self.layer}.{site}"] = x, shape

    def _site(self, site, x):
        x = super()._site(site, x)
        looked_at = ["q", "k", "pattern", "mlp_pre", "mlp_up"]
        if self.config.model_type in ("bloom", "falcon"):
            looked_at.append("v")
        if site not in looked_at:
            self._keep(site, x)
        return x

    def _attend(self, own, q, k, v):
        scale = q.shape[-1] ** 0.5 if self.config.model_type == "opt" else 1
        self._keep("q", q, lambda g: g[0].transpose(0, 1) / scale)
        self._keep("k", k, lambda g: g[0].transpose(0, 1))

        def kept(q, k, v):
            z, weights = own(q, k, v)
            self._keep("pattern", weights, lambda g: g[0])
            return z, weights
        return super()._attend(kept, q, k, v)

    def _pre(self, module, args, out):
        super()._pre(module, args, out)
        if self.family.get("up") == self.family["pre"]:  # gate and up in one matrix
            self._keep("mlp_pre", out, lambda g: g.reshape(-1, g.shape[-1]).chunk(2, -1)[0])
            self._keep("mlp_up", out, lambda g: g.reshape(-1, g.shape[-1]).chunk(2, -1)[1])
        else:
            self._keep("mlp_pre", out, lambda g: g.reshape(-1, g.shape[-1]))


def value(spec, logits, base, ids):
    kind, *targets = spec.split()
    targets = [int(t[1:]) for t in targets]
    log_p = torch.log_softmax(logits, -1)
    if kind == "logit":
        return logits[-1, targets[0]]
    if kind == "logprob":
        return log_p[-1, targets[0]]
    if kind == "logit_diff":
        return logits[-1, targets[0]] - logits[-1, targets[1]]
    if kind == "entropy":
        return -(log_p[-1].exp() * log_p[-1]).sum()
    if kind == "kl":
        log_base = torch.log_softmax(base[-1], -1)
        return (log_base.exp() * (log_base - log_p[-1])).sum()
    assert kind == "loss", spec
    return -log_p[:-1].gather(1, torch.tensor(ids[1:])[:, None]).mean()


def inputs_of(model):
    """What the embedding module gives, with its gradient after a backward pass: inputs_embeds, before learned positions and norms;
    where embeddings are narrower than the stream (OPT-350m), what their projection gives."""
    module = getattr(getattr(model.model, "decoder", None), "project_in", None) if hasattr(model, "model") else None
    found = []

    def keep(module, args, out):
        if out.requires_grad:
            out.retain_grad()
            found.append(out)
    return found, (module or model.get_input_embeddings()).register_forward_hook(keep)


def ask(probe, model, ids, spec, edits):
    base = probe.run(ids)
    inputs, hook = inputs_of(model)
    sites, kept = probe.run_kept(ids, edits, base)
    hook.remove()
    metric = value(spec, sites["logits"], base["logits"], ids)
    metric.backward()
    x = next(x for x in inputs if x.grad is not None)  # the probe looks embeddings up, too
    x, d = x.detach().reshape(len(ids), -1), x.grad.reshape(len(ids), -1)
    # Where the family scales embeddings after that module, the input is what comes of it.
    scale = (sites["blocks.0.resid_pre"] / x).mean() if model.config.model_type.startswith(("gemma", "granite")) else 1
    about = {"input_products": (x * d).sum(-1).tolist(), "input_lengths": (d.norm(dim=-1) / scale).tolist()}
    found = {name: shape(x.grad) for name, (x, shape) in kept.items() if x.grad is not None}
    patterns = {e.split()[1].split(".")[0] for e in edits if e.startswith("pattern")}
    for name in [n for n in found if n.endswith(".pattern") and n.split(".")[1] in patterns]:
        del found[name]  # of the weights before the edit, which softmax gave
    for head in [e.split()[1].split(".")[0] for e in edits if e.startswith("head")]:
        del found[f"blocks.{head}.z"]  # of what W_O was given: an edit of a head comes after z
    return float(metric.detach()), found, about


def make(name):
    folder = next(f / name for f in (FIXTURES / "tiny", FIXTURES / "families") if (f / name).exists())
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).double()
    ids = json.loads((folder / "expected.json").read_text())["ids"]
    probe, tensors, questions = Gradients(model), {}, []
    for i, (spec, edits) in enumerate(QUESTIONS[name]):
        metric, found, about = ask(probe, model, ids, spec, edits)
        questions.append({"metric": spec, "edits": edits, "value": metric, "sites": len(found), **about})
        tensors.update({f"{i}.{site}": g.float().contiguous() for site, g in found.items()})
    out = FIXTURES / "gradients"
    out.mkdir(exist_ok=True)
    save_file(tensors, out / f"{name}.safetensors")
    (out / f"{name}.json").write_text(json.dumps({
        "about": "made by tests/reference/make_gradients.py", "model": str(folder.relative_to(FIXTURES.parent.parent)),
        "ids": ids, "questions": questions}, indent=1) + "\n")
    size = (out / f"{name}.safetensors").stat().st_size
    print(f"{name:16} {[q['sites'] for q in questions]} sites, {size / 1000:.0f} kB", flush=True)


def main():
    torch.set_num_threads(1)
    for name in sys.argv[1:] or QUESTIONS:
        make(name)


if __name__ == "__main__":
    main()
