#!/usr/bin/env python3
"""make_relevance.py - relevance of tiny models' tokens and streams, by autograd through rules that are put into Transformers' own code.

    make_relevance.py [NAME…]      writes tests/fixtures/relevance/NAME.json

While the model runs, a TorchFunctionMode sees each function of torch: norms divide by a constant, a product of two tensors that both
have a gradient gives half of it to each, softmax of the rules that freeze weights is detached.  Activation modules are exchanged for
ones that multiply by f(z)/z.  Relevance is value · gradient at the token embeddings (scaled as the family scales them) and at what
enters each layer.  Softmax and gates are asked for what they lose, which is compared too.
"""
import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from fixture_files import FIXTURES, ids_of, load, write_each
from probe import FAMILIES, PLAIN, number, numbers

OUT = FIXTURES / "relevance"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/bloom", "families/granite-bias",
         "families/olmo2", "families/qwen3", "families/opt", "families/cohere", "families/apertus"]
RULES = ["attnlrp", "detached", "relp"]
METRICS = ["logit", "logit_diff", "logprob"]
INNER = ["neuron_pre", "norm", "scores", "pattern"]     # numbers of layer 1
ACTIVATIONS = ("act", "act_fn", "activation_fn", "gelu_impl")
PRODUCTS = {torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.bmm, torch.Tensor.bmm}
SOFTMAX = {F.softmax, torch.softmax, torch.Tensor.softmax}
TIMES = {torch.mul, torch.Tensor.mul, torch.Tensor.__mul__, torch.Tensor.__rmul__}


class Half(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, d):
        return d / 2


def chord(f, x):
    with torch.no_grad():
        factor = torch.where(x == 0, torch.ones_like(x), f(x) / x)
    return x * factor


class Activation(torch.nn.Module):
    def __init__(self, inner, rules, gated):
        super().__init__()
        self.inner, self.rules, self.gated = inner, rules, gated

    def forward(self, x):
        self.rules.pre.append(x)
        if not self.gated or self.rules.rule == "attnlrp":
            y = chord(self.inner, x)
        elif self.rules.rule == "detached":
            y = self.inner(x).detach()
        else:
            y = self.inner(x)
            x.retain_grad()
            y.retain_grad()
            self.rules.gates.append((x, y))
        y.gate = self.gated
        return y


class Rules(TorchFunctionMode):
    def __init__(self, rule):
        super().__init__()
        self.rule, self.softmax, self.gates, self.pre = rule, [], [], []

    def both(self, a, b):
        return (Half.apply(a), Half.apply(b)) if a.requires_grad and b.requires_grad else (a, b)

    def __torch_function__(self, f, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if f is torch.Tensor.to and torch.float32 in args[1:] or kwargs.get("dtype") is torch.float32 or f is torch.Tensor.float:
            if f in (torch.Tensor.to, torch.Tensor.float):
                return args[0]                       # everything stays in double precision
            kwargs = dict(kwargs, dtype=torch.float64)
        if f is torch.rsqrt:
            return f(args[0].detach())
        if f is F.layer_norm:
            return self.layer_norm(*args, **kwargs)
        if f is torch.tanh:
            return chord(torch.tanh, args[0])
        if f in SOFTMAX:
            return self.weights(f, args, kwargs)
        if f in PRODUCTS:
            return f(*self.both(*args[:2]))
        if f is torch.Tensor.baddbmm:
            kwargs["batch1"], kwargs["batch2"] = self.both(kwargs["batch1"], kwargs["batch2"])
        if f in TIMES and any(getattr(a, "gate", False) for a in args):
            return f(*self.both(*args))
        return f(*args, **kwargs)

    def layer_norm(self, x, shape, weight=None, bias=None, eps=1e-5):
        centred = x - x.mean(-1, keepdim=True)
        y = centred / (centred.detach().pow(2).mean(-1, keepdim=True) + eps).sqrt()
        return y * (1 if weight is None else weight) + (0 if bias is None else bias)

    def weights(self, f, args, kwargs):
        s = args[0]
        y = f(s, *args[1:], **kwargs)
        s.retain_grad()
        y.retain_grad()
        self.softmax.append((s, y))
        return y if self.rule == "attnlrp" else y.detach()

    def lost(self, pairs):
        """Of each layer: what went into its result less what came out of it."""
        return [0.0 if y.grad is None else number((y.grad * y).sum() - (x.grad * x.where(y != 0, 0)).sum()) for x, y in pairs]


class Relevance:
    def __init__(self, name):
        self.name, self.ids = name, ids_of(name)
        self.model = load(name)
        for m in self.model.modules():
            if hasattr(m, "inv_freq"):               # the rotary is made in single precision; here as precise as it was made
                m.inv_freq = m.inv_freq.double()
        self.scale = getattr(self.model.config, "embedding_multiplier", 1)
        self.x = self.model.get_input_embeddings()(torch.tensor(self.ids)).detach() * self.scale
        paths = FAMILIES.get(self.model.config.model_type, PLAIN)
        self.layers = self.model.get_submodule(paths["layers"])
        self.gated = any(hasattr(m, k) for m in self.model.modules() for k in ("gate_proj", "gate_up_proj"))
        with torch.no_grad():
            logits = self.model(inputs_embeds=self.x[None] / self.scale, use_cache=False).logits[0, -1]
        self.targets = logits.topk(2).indices.tolist()

    def metric(self, kind, logits):
        a, b = self.targets
        return {"logit": logits[a], "logit_diff": logits[a] - logits[b], "logprob": logits.log_softmax(-1)[a]}[kind]

    @staticmethod
    def inner(kind, rules, streams):
        if kind == "neuron_pre":
            return rules.pre[1].reshape(-1, rules.pre[1].shape[-1])[-1, 3]
        if kind == "norm":
            return streams[1].reshape(-1, streams[1].shape[-1])[-1].norm()
        return rules.softmax[1][kind == "pattern"].reshape(-1, *rules.softmax[1][0].shape[-2:])[0, -1, 1]

    def spec(self, kind):
        if kind in INNER:
            last = len(self.ids) - 1
            return {"neuron_pre": "neuron_pre 1.3", "norm": "norm resid_pre 1"}.get(kind, f"{kind} 1.0 @{last}<1")
        return "logit_diff #{} #{}".format(*self.targets) if kind == "logit_diff" else f"{kind} #{self.targets[0]}"

    def run(self, rule, kind):
        rules, streams, taken = Rules(rule), [], []

        def enters(module, args, kwargs):
            x = args[0] if args else kwargs["hidden_states"]
            x.retain_grad()
            streams.append(x)

        hooks = [layer.register_forward_pre_hook(enters, with_kwargs=True) for layer in self.layers]
        for m in list(self.model.modules()):
            for key, child in list(m.named_children()):
                if key in ACTIVATIONS and not isinstance(m, Activation):
                    setattr(m, key, Activation(child, rules, self.gated))
                    taken.append((m, key, child))
        x = self.x.clone().requires_grad_()
        with rules:
            logits = self.model(inputs_embeds=(x / self.scale)[None], use_cache=False).logits[0, -1]
        (self.inner(kind, rules, streams) if kind in INNER else self.metric(kind, logits)).backward()
        for h in hooks:
            h.remove()
        for m, key, child in taken:
            setattr(m, key, child)
        assert len(taken) == len(self.layers), (self.name, len(taken))
        assert len(rules.softmax) == len(self.layers), self.name
        below = [s for s in streams if s.grad is not None]       # what the metric sees
        return {"metric": self.spec(kind), "input": numbers((x.grad * x).sum(-1).detach().numpy()),
                "stream": [numbers((s.grad * s)[0].sum(-1).detach().numpy()) for s in below],
                "softmax": rules.lost(rules.softmax[:len(below)]), "activation": rules.lost(rules.gates[:len(below)])}

    def answer(self):
        return {"about": "made by tests/reference/make_relevance.py", "model": self.name, "ids": self.ids, "foil_ids": self.ids,
                "metric": self.spec("logit"), "prompt": 0, "foil": 0,
                "answers": {rule: [self.run(rule, kind) for kind in METRICS + INNER] for rule in RULES}}


if __name__ == "__main__":
    write_each(__doc__, OUT, NAMES, lambda name: Relevance(name).answer(), grad=True, indent=1)
