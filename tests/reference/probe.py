"""probe.py - reads and edits the activations of any transformers model, with plain PyTorch hooks.

The reference that the C program is compared with: nothing here is shared with it but the names.

    probe = Probe(model)                         # eager attention
    run = probe.run(ids)                         # {"logits": [T, V], "blocks.0.resid_pre": [T, D], …}
    run = probe.run(ids, ["head 1.2 zero"], base=run)

Shapes: resid_*, attn_out, mlp_out [T, D]; q, z [T, H, K]; k, v [T, G, K]; pattern [H, T, T];
mlp_pre, mlp_up, mlp_post [T, F].  q and k are as the attention product gets them: after rotary
position, q not yet scaled.  attn_out and mlp_out are what is added to the stream: after a norm or a
multiplier that stands behind them.  An edit of a head or a KV head changes z or v, so that such a
norm sees it.  Layers whose attention and MLP are parallel have no resid_mid.
"""
import math
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

# Where the parts are, relative to a layer.  "attn_out" and "mlp_out": the module whose output is
# added to the stream; "o": its input is z; "pre": its output is mlp_pre (of the gate, where there is
# one); "up": the linear half; "down": its input is mlp_post.
PLAIN = dict(layers="model.layers", norm="model.norm", attn="self_attn", o="self_attn.o_proj",
             attn_out="self_attn", mlp_out="mlp", pre="mlp.gate_proj", up="mlp.up_proj",
             down="mlp.down_proj")
GPT = dict(layers="transformer.h", norm="transformer.ln_f", attn="attn", attn_out="attn",
           mlp_out="mlp")
SANDWICH = dict(PLAIN, attn_out="post_attention_layernorm", mlp_out="post_feedforward_layernorm")
OUTER_RESIDUAL = dict(layers="transformer.h", norm="transformer.ln_f", attn="self_attention",
                      o="self_attention.dense", pre="mlp.dense_h_to_4h", down="mlp.dense_4h_to_h")

FAMILIES = {
    "gpt2": dict(GPT, o="attn.c_proj", pre="mlp.c_fc", down="mlp.c_proj"),
    "gpt_neo": dict(GPT, o="attn.attention.out_proj", pre="mlp.c_fc", down="mlp.c_proj",
                    attn="attn.attention"),
    "gptj": dict(GPT, o="attn.out_proj", pre="mlp.fc_in", down="mlp.fc_out", parallel=True),
    "gpt_neox": dict(layers="gpt_neox.layers", norm="gpt_neox.final_layer_norm", attn="attention",
                     o="attention.dense", attn_out="attention", mlp_out="mlp",
                     pre="mlp.dense_h_to_4h", down="mlp.dense_4h_to_h"),
    "opt": dict(layers="model.decoder.layers", norm="model.decoder.final_layer_norm",
                attn="self_attn", o="self_attn.out_proj", attn_out="self_attn", mlp_out="fc2",
                pre="fc1", down="fc2"),
    # bloom's modules add the stream themselves: the write is that of the last matrix in each
    "bloom": dict(OUTER_RESIDUAL, attn_out="self_attention.dense", mlp_out="mlp.dense_4h_to_h"),
    "falcon": dict(OUTER_RESIDUAL, attn_out="self_attention", mlp_out="mlp"),
    "phi": dict(PLAIN, norm="model.final_layernorm", o="self_attn.dense", pre="mlp.fc1", up=None,
                down="mlp.fc2", parallel=True),
    "phi3": dict(PLAIN, pre="mlp.gate_up_proj", up="mlp.gate_up_proj"),
    "starcoder2": dict(PLAIN, pre="mlp.c_fc", up=None, down="mlp.c_proj"),
    "cohere": dict(PLAIN, parallel=True),
    "cohere2": dict(PLAIN, parallel=True),
    "gemma2": SANDWICH,
    "gemma3_text": SANDWICH,
    "olmo2": SANDWICH,
    # text parts of models that have others
    "mistral3": dict(PLAIN, layers="model.language_model.layers", norm="model.language_model.norm"),
    "smolvlm": dict(PLAIN, layers="model.text_model.layers", norm="model.text_model.norm"),
    "apertus": dict(PLAIN, pre="mlp.up_proj", up=None),
    "gpt_bigcode": dict(GPT, o="attn.c_proj", pre="mlp.c_fc", down="mlp.c_proj"),
    "codegen": dict(GPT, o="attn.out_proj", pre="mlp.fc_in", down="mlp.fc_out", parallel=True),
    # so does mpt's MLP
    "mpt": dict(layers="transformer.blocks", norm="transformer.norm_f", attn="attn", o="attn.out_proj", attn_out="attn",
                mlp_out="ffn.down_proj", pre="ffn.up_proj", down="ffn.down_proj"),
    **{k: dict(PLAIN, norm="model.embedding_norm", o="self_attn.out_proj", mlp_out="feed_forward", pre="feed_forward.w1",
               up="feed_forward.w3", down="feed_forward.w2") for k in ("lfm2", "lfm2_moe")},
    "olmo3": SANDWICH,
    "exaone4": SANDWICH,
    "glm4": dict(PLAIN, attn_out="post_self_attn_layernorm", mlp_out="post_mlp_layernorm",
                 pre="mlp.gate_up_proj", up="mlp.gate_up_proj"),
}
# Mixtures of experts: the router's module within the block, and the block.
ROUTERS = {"granitemoe": ("block_sparse_moe", "router"), "phimoe": ("mlp", "router"),
           "lfm2_moe": ("feed_forward", "gate")}
LAYER_SITES = ("resid_pre", "q", "k", "v", "pattern", "z", "attn_out", "resid_mid", "mlp_pre",
               "mlp_up", "mlp_post", "mlp_out", "resid_post", "conv_in", "conv_gate")
# What an edit's word means: the site, and which of its axes the number after the dot counts.
TARGETS = {"head": ("z", 1), "kv": ("v", 1), "neuron": ("mlp_post", 1), "pattern": ("pattern", 0),
           "scores": ("scores", 0), "embed": ("resid_pre", 1)}


def is_parallel(config):
    family = FAMILIES.get(config.model_type, PLAIN)
    if config.model_type == "falcon":
        return config.new_decoder_architecture or config.parallel_attn
    return family.get("parallel", False) or bool(getattr(config, "use_parallel_residual", False))


def noise(seed, row, columns):
    """Normal numbers as the program makes them: SplitMix64 of seed, row and column, then Box and Muller."""
    def scramble(x):
        x = (x + 0x9E3779B97F4A7C15) % 2**64
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
        return x ^ x >> 31

    start = scramble(scramble(seed) ^ row)
    bits = [scramble(start ^ column) for column in range(columns)]
    return torch.tensor([math.sqrt(-2 * math.log(((b >> 32) + 0.5) / 2**32)) * math.cos(2 * math.pi * (b % 2**32) / 2**32)
                         for b in bits], dtype=torch.float64)


class Edit:
    """TARGET LAYER[.UNIT[..UNIT]] [@POSITIONS] OP [ARGUMENTS]"""

    def __init__(self, line, folder=".", prompts=None):
        """prompts: {file: {line number: run}}, for `mean FILE` and `resample FILE line N`."""
        words = line.split()
        if words[0] == "ln_final":
            words.insert(1, "0")
        target, place = words[:2]
        self.target = target
        layer, _, unit = place.partition(".")
        first, _, last = unit.partition("..")
        self.layer = int(layer)
        self.units = range(int(first), int(last or first) + 1) if unit else None
        self.sites, self.axis = [target], 1
        if target in TARGETS:
            site, self.axis = TARGETS[target]
            self.sites = [site]
        elif target == "layer":
            self.sites = ["attn_out", "mlp_out"]
        rest = words[2:]
        self.where = rest.pop(0)[1:] if rest[0].startswith("@") else None
        self.op, self.arguments = rest[0], rest[1:]
        if self.op in ("mean", "resample") and self.arguments:
            self.runs = prompts[self.arguments[0]]
        if self.op in ("add", "project", "interchange") and self.arguments[0].endswith(".npy"):
            self.vector = torch.from_numpy(np.load(Path(folder) / self.arguments[0]))

    def positions(self, n):
        """Query positions, and the keys or None."""
        if self.where is None:
            return list(range(n)), None
        queries, _, keys = self.where.partition("<")
        chosen = []
        for part in queries.split(","):
            chosen += self.span(part, n)
        return chosen, self.span(keys, n) if keys else None

    @staticmethod
    def span(text, n):
        first, dots, last = text.partition("..")
        first, last = int(first), int(last or (-1 if dots else first))
        return range(first % n if first < 0 else first, (last % n if last < 0 else last) + 1)

    def narrow(self, x):
        """The units of x that it covers, as a view."""
        return x if self.units is None else x.narrow(self.axis, self.units[0], len(self.units))

    def changed(self, name, x, base, foil):
        """What the op makes of x, the covered units at every position."""
        def of(run):
            return self.narrow(run[name]).to(x.dtype)

        over_keys = name.endswith(("pattern", "scores"))
        number = float(self.arguments[0]) if self.op in ("scale", "noise") or over_keys and self.op == "add" else None
        if self.op == "zero":
            return torch.zeros_like(x)
        if self.op == "mask":
            return torch.full_like(x, -math.inf)
        if self.op == "scale":
            return x * number
        if self.op == "mean":
            return self.mean(x, of, base, over_keys)
        if self.op in ("patch", "freeze"):
            return of(foil if self.op == "patch" else base)
        if self.op == "resample":
            return of(self.runs[int(self.arguments[2])])
        if self.op == "noise":
            seed = int(self.arguments[1]) if len(self.arguments) > 1 else 0
            width = x[0].numel()
            first = width // len(self.units or [0]) * (self.units or [0])[0]  # a unit's own part of the site's numbers;
            first += width * (len(self.sites) > 1 and name.endswith(self.sites[1]))  # of two sites, the second one's come after
            rows = [noise(seed, t, first + width)[first:].reshape(x[0].shape).to(x.dtype) for t in range(len(x))]
            return x + number * self.deviation * torch.stack(rows)
        if self.op == "project":
            u = (self.vector / self.vector.double().norm()).to(x.dtype).flatten()
            return x - (x @ u)[..., None] * u
        if self.op == "interchange":
            u = self.vector.to(x.dtype)
            u = u if u.shape[-1] == x.shape[-1] else u.T
            return x + (of(foil) - x) @ u.T @ u
        if over_keys and self.op == "add":
            return x + number
        if self.op == "add":
            amount = float(self.arguments[1]) if len(self.arguments) > 1 else 1.0
            return x + amount * self.vector.to(x.dtype)
        raise ValueError(self.op)

    def mean(self, x, of, base, over_keys):
        """Over the positions of the unedited run, over those of a file's runs, or over runs at the same position."""
        if not self.arguments:
            runs = [of(base)]
        elif "same" in self.arguments:
            return torch.stack([y for y in map(of, self.runs.values()) if y.shape == x.shape]).mean(0)
        else:
            runs = [of(r) for r in self.runs.values()]
        axis = -2 if over_keys else 0
        total, count = 0, sum(y.shape[axis] for y in runs)
        for y in runs:
            part = y.sum(axis, keepdim=True)
            if over_keys:  # keys that one of them does not have weigh nothing there
                part = torch.nn.functional.pad(part, (0, x.shape[-1] - part.shape[-1]))
            total = total + part
        return (total / count).expand_as(x)

    def apply(self, name, x, base, foil):
        """x of site `name` with the edit; n positions are axis 1 of a pattern, else axis 0."""
        over_keys = name.endswith(("pattern", "scores"))
        at, keys = self.positions(x.shape[1] if over_keys else x.shape[0])
        x = x.clone()
        part = self.narrow(x)
        new = self.changed(name, part, base, foil)
        for t in at:
            if over_keys:
                k = slice(0, t + 1) if keys is None else [j for j in keys if j <= t]
                part[..., t, k] = new[..., t, k]
            else:
                part[t] = new[t]
        return x


def repeat_heads(x, heads):
    """[G, T, K] → [H, T, K]: query head h reads key/value head h / (H / G)."""
    return x.repeat_interleave(heads // x.shape[0], 0)


class Probe:
    def __init__(self, model):
        self.model, self.config = model.eval(), model.config.get_text_config()
        self.family = FAMILIES.get(model.config.model_type, PLAIN)
        self.parallel = is_parallel(self.config)
        # the stream continues from what norms give: from what each block read
        self.bloom_post = getattr(self.config, "apply_residual_connection_post_layernorm", False)
        self.opt_post = self.config.model_type == "opt" and not self.config.do_layer_norm_before
        self.multiplier = getattr(self.config, "residual_multiplier", 1.0)
        self.layers = model.get_submodule(self.family["layers"])
        self.sites, self.edits, self.base, self.foil, self.layer = {}, [], None, None, None
        self._hook()

    # -- running

    @torch.no_grad()
    def run(self, ids, edits=(), base=None, foil=None, folder=".", prompts=None):
        """All sites of a run, as a dict.  base: the unedited run (for mean); foil: (for patch)."""
        self.edits = [Edit(e, folder, prompts) if isinstance(e, str) else e for e in edits]
        self.base, self.foil, self.sites = base, foil, {}
        rows = self.model.get_input_embeddings()(torch.tensor(ids))  # without learned positions
        for edit in self.edits:
            edit.deviation = rows.double().std(correction=0)  # over all their numbers: the unit of noise
        logits = self.model(torch.tensor([ids]), use_cache=False).logits[0]
        sites, self.sites = self.sites, {}
        sites["logits"] = logits
        return sites

    def _site(self, site, x):
        """Notes activation x of the layer we are in, after the edits of that site."""
        name = f"blocks.{self.layer}.{site}"
        for edit in self.edits:
            if edit.layer == self.layer and site in edit.sites:
                x = edit.apply(name, x, self.base, self.foil)
        self.sites[name] = x
        return x

    # -- hooks

    def _hook(self):
        for index, layer in enumerate(self.layers):
            family = dict(self.family, attn="conv", o="conv.out_proj", attn_out="conv") if hasattr(layer, "conv") else self.family

            def part(name):
                return layer.get_submodule(family[name])
            layer.register_forward_pre_hook(self._enter(index), with_kwargs=True)
            part("o").register_forward_pre_hook(self._z)
            part("attn_out").register_forward_hook(self._write("attn_out"))
            (self._hook_conv if hasattr(layer, "conv") else self._hook_attention)(part("attn"))
            if self.opt_post:
                layer.self_attn_layer_norm.register_forward_pre_hook(self._sum("resid_mid"))
                layer.final_layer_norm.register_forward_pre_hook(self._sum("resid_post"))
            else:
                layer.register_forward_hook(self._leave)
            if self._hook_mixture(layer):
                continue
            part("pre").register_forward_hook(self._pre)
            if self.family.get("up") and self.family["up"] != self.family["pre"]:
                part("up").register_forward_hook(self._up)
            part("down").register_forward_pre_hook(self._post)
            part("mlp_out").register_forward_hook(self._write("mlp_out"))
        if self.opt_post:
            norm = self.layers[-1].final_layer_norm
        elif getattr(self.config, "_remove_final_layer_norm", False):
            norm = self.layers[-1]
        else:
            norm = self.model.get_submodule(self.family["norm"])
        norm.register_forward_hook(lambda m, a, out: self.sites.update(ln_final=out[0]))

    def _enter(self, index):
        def hook(module, args, kwargs):
            self.layer = index
            if self.opt_post and index:  # noted where the layer below ended
                return args, kwargs
            if args:
                return (self._site("resid_pre", args[0][0])[None],) + args[1:], kwargs
            x = self._site("resid_pre", kwargs["hidden_states"][0])[None]
            return args, dict(kwargs, hidden_states=x)
        return hook

    def _sum(self, site):
        """OPT with norms after its blocks: their inputs are the stream."""
        def hook(module, args):
            x = self._site(site, args[0].reshape(-1, args[0].shape[-1]))
            if site == "resid_post" and self.layer + 1 < len(self.layers):
                self.layer += 1
                x = self._site("resid_pre", x)
                self.layer -= 1
            return (x.reshape(args[0].shape),)
        return hook

    def _leave(self, module, args, out):
        x = out[0] if isinstance(out, tuple) else out
        x = self._site("resid_post", x[0])[None]
        return (x,) + out[1:] if isinstance(out, tuple) else x

    def read(self, l, x):
        """What the MLP of a layer whose stream is normalised is given."""
        layer = self.layers[l]
        with torch.no_grad():
            norm = layer.post_attention_layernorm if self.bloom_post else layer.self_attn_layer_norm
            return torch.nn.functional.layer_norm(x, x.shape[-1:], norm.weight, norm.bias, norm.eps)

    def _write(self, site):
        """What a part adds to the stream."""
        def hook(module, args, out):
            x = (out[0] if isinstance(out, tuple) else out)
            flat = x.reshape(-1, x.shape[-1]) * self.multiplier
            flat = self._site(site, flat)
            if site == "attn_out" and not self.parallel and not self.opt_post:
                before = self.sites[f"blocks.{self.layer}.resid_pre"]
                if self.bloom_post:
                    before = self.layers[self.layer].input_layernorm(before)
                flat = self._site("resid_mid", before + flat) - before
            x = (flat / self.multiplier).reshape(x.shape)
            return (x,) + out[1:] if isinstance(out, tuple) else x
        return hook

    def _z(self, module, args):
        heads = self.config.num_attention_heads
        z = args[0][0]
        z = self._site("z", z.reshape(len(z), heads, -1))
        return (z.reshape(args[0].shape),)

    def _pre(self, module, args, out):
        flat = out.reshape(-1, out.shape[-1])
        if self.family.get("up") == self.family["pre"]:  # phi3: gate and up in one matrix
            gate, up = flat.chunk(2, -1)
            self._site("mlp_pre", gate)
            self._site("mlp_up", up)
        else:
            return self._site("mlp_pre", flat).reshape(out.shape)

    def _up(self, module, args, out):
        self._site("mlp_up", out.reshape(-1, out.shape[-1]))

    def _post(self, module, args):
        x = args[0]
        return (self._site("mlp_post", x.reshape(-1, x.shape[-1])).reshape(x.shape),)

    # -- mixtures: the router and the experts are computed here again, one expert after the other

    def _hook_mixture(self, layer):
        block, router = ROUTERS.get(self.config.model_type, ("mlp", "gate"))
        block = getattr(layer, block, None)
        if not hasattr(block, "experts"):
            return False
        router, experts = getattr(block, router), block.experts
        own = router.forward
        router.forward = lambda x, *more: self._route(lambda rows: own(rows, *more), router, x)
        experts.forward = lambda x, index, weights: self._mix(experts, x[None] if x.ndim == 1 else x, index, weights)
        block.register_forward_hook(self._write("mlp_out"))
        return True

    def _of_experts(self):
        return [e for e in self.edits if e.layer == self.layer and "expert" in e.sites]

    def _route(self, own, router, x):
        """The router's own code on logits that are edited: its weight is replaced by one that gives them."""
        rows = x.reshape(-1, x.shape[-1])
        logits = self._site("router_logits", rows @ router.weight.T)
        for edit in self._of_experts():
            for t in edit.positions(len(rows))[0] if edit.op == "bias" else ():
                logits[t, list(edit.units)] += float(edit.arguments[0])
        self.sites[f"blocks.{self.layer}.router_logits"] = logits
        chosen = [self._choose(own, router, logits, t) for t in range(len(rows))]
        weights = torch.stack([self._dense(w, i, logits.shape[1]) for w, i in chosen])
        weights = self._site("expert_weights", weights)
        index = torch.stack([i for _, i in chosen])
        return logits, weights.gather(1, index), index

    @staticmethod
    def _dense(weights, index, n):
        return torch.zeros(n, dtype=weights.dtype).scatter(0, index, weights)

    def _choose(self, own, router, logits, t):
        """Of one row; what is forbidden has the logit -inf, what is forced is chosen first, with its weight among the others."""
        row, forced, forbidden = logits[t].clone(), [], []
        for edit in self._of_experts():
            if edit.op in ("forbid", "force") and t in edit.positions(len(logits))[0]:
                if edit.op == "forbid":
                    row[list(edit.units)] = -math.inf
                    forbidden += list(edit.units)
                else:
                    forced += list(edit.units)
        if (forced or forbidden) and self._choice(router) is not None:
            return self._by_score(router, row, forced, forbidden)
        index, weights = self._by_router(own, router, row)
        if not forced or set(forced) <= set(index.tolist()):
            return weights, index
        order = index[weights.argsort(descending=True)].tolist()
        if self.config.model_type == "phimoe":  # its second weight may be the greater one: they come in the order of choice
            order = index.tolist()
        index = torch.tensor(forced + [e for e in order if e not in forced][:len(order) - len(forced)])
        if self.config.model_type == "phimoe":
            return self._sparsemixer(row, index[row[index].argsort(descending=True)])
        scores = row.softmax(-1)[index]
        return scores / scores.sum() if getattr(self.config, "norm_topk_prob", True) else scores, index

    def _choice(self, router):
        """The learned numbers that are added to scores where experts are chosen, and there alone; None: there are none."""
        if self.config.model_type == "lfm2_moe":
            return self.layers[self.layer].feed_forward.expert_bias
        return getattr(getattr(router, "moe_statics", router), "e_score_correction_bias", None)

    def _by_score(self, router, row, forced, forbidden):
        """Of a row in which what is forbidden has the logit -inf; the groups are those that the router's code would open."""
        c = self.config
        scores = row.softmax(-1) if c.model_type == "ernie4_5_moe" else row.sigmoid()
        rank = scores + self._choice(router).flatten().to(row.dtype)
        groups = getattr(c, "n_group", None) or 1
        if groups > 1:
            best = rank.reshape(groups, -1).topk(2)[0].sum(-1).topk(c.topk_group)[1]
            closed = torch.ones(groups, dtype=bool).scatter(0, best, False).repeat_interleave(len(row) // groups)
            rank = rank.masked_fill(closed, -math.inf)
        rank[forbidden], rank[forced] = -math.inf, math.inf
        index = rank.topk(c.num_experts_per_tok)[1]
        index = index[rank[index] > -math.inf]
        total = scores[index].sum() + (1e-6 if c.model_type == "lfm2_moe" else 0) if getattr(c, "norm_topk_prob", True) else 1
        return scores[index] / total * getattr(c, "routed_scaling_factor", 1.0), index

    def _sparsemixer(self, row, index):
        """The weights of experts that are chosen whatever their logits: each by the softmax over what is left and near it."""
        left, weights = row.clone(), []
        for e in index.tolist():
            most = left.max()
            far = (most - row) / row.abs().clamp(min=float(most.detach())) > 2 * self.config.router_jitter_noise
            far[e] = False
            weights.append(left.masked_fill(far, -math.inf).softmax(-1)[e])
            left[e] = -math.inf
        return torch.stack(weights), index

    @staticmethod
    def _by_router(own, router, row):
        """What its code makes of these logits: its input is the row, its weight the identity."""
        weight = router.weight
        router.weight, width = torch.nn.Parameter(torch.eye(len(row), dtype=row.dtype)), getattr(router, "hidden_dim", None)
        router.hidden_dim = len(row)
        finite = row.clone()
        finite[row == -math.inf] = -1e9
        _, weights, index = own(finite[None])
        router.weight, router.hidden_dim = weight, width
        return index[0], weights[0].to(row.dtype)

    def _mix(self, experts, x, index, weights):
        n = experts.gate_up_proj.shape[0]
        total = torch.zeros_like(x)
        for e in range(n):
            gate, up = (x @ experts.gate_up_proj[e].T).chunk(2, -1)
            y = (experts.act_fn(gate) * up) @ experts.down_proj[e].T
            y = y * torch.where(index == e, weights, 0).sum(1, keepdim=True) * self.multiplier
            total = total + self._expert(e, y) / self.multiplier
        return total

    def _expert(self, e, y):
        name = f"blocks.{self.layer}.expert.{e}"
        for edit in self._of_experts():
            if e in edit.units and edit.op not in ("forbid", "force", "bias"):
                whole, edit.units = edit.units, None
                y = edit.apply(name, y, self.base, self.foil)
                edit.units = whole
        self.sites[name] = y
        return y

    # -- attention: each family computes it in one of three ways

    def _hook_conv(self, conv):
        """A short convolution, step by step: its own code names nothing between its two matrices."""
        def forward(hidden_states, **kwargs):
            n, heads = hidden_states.shape[1], self.config.num_attention_heads
            before, gate, x = conv.in_proj(hidden_states)[0].chunk(3, -1)
            u = self._site("conv_in", (before * x).reshape(n, heads, -1)).reshape(n, -1)
            gate = self._site("conv_gate", gate.reshape(n, heads, -1)).reshape(n, -1)
            return conv.out_proj((gate * conv.conv(u.T[None])[0, :, :n].T)[None])
        conv.forward = forward

    def _hook_attention(self, attn):
        kind = self.config.model_type
        if kind in ("bloom", "falcon", "mpt"):
            (attn.Wqkv if kind == "mpt" else attn.query_key_value).register_forward_hook(
                lambda module, args, out: self._fused(attn, out))
            attn.register_forward_hook(lambda module, args, out: self._site_pattern(out[1][0]))
        elif hasattr(attn, "_attn"):  # gpt_neo, gptj
            own = attn._attn
            attn._attn = lambda q, k, v, mask=None, *rest: self._attend(
                lambda *qkv: own(*qkv, mask, *rest), q, k, v)
        home = sys.modules[type(attn).__module__]
        if hasattr(home, "eager_attention_forward") and not hasattr(home, "lmscope_eager"):
            home.lmscope_eager = home.eager_attention_forward

            def eager(module, q, k, v, mask, *args, **kwargs):
                def own(*qkv):
                    out, weights = home.lmscope_eager(module, *qkv, mask, *args, **kwargs)
                    return out.transpose(1, 2), weights
                out, weights = Probe.active._attend(own, q, k, v)
                return out.transpose(1, 2).contiguous(), weights
            home.eager_attention_forward = eager
        if kind == "falcon" and not hasattr(home, "lmscope_rotary"):
            home.lmscope_rotary = home.apply_rotary_pos_emb

            def rotary(q, k, cos, sin, *args):
                q, k = home.lmscope_rotary(q, k, cos, sin, *args)
                Probe.active._site_qk(q[0], k[0])
                return q, k
            home.apply_rotary_pos_emb = rotary
        if kind == "falcon" and self.config.alibi:
            # Eager attention of this version adds ALiBi twice: in the mask and by itself. Its other implementations add the mask's alone.
            def once(module, args, kwargs):
                return args, dict(kwargs, alibi=torch.zeros_like(kwargs["alibi"]))
            attn.register_forward_pre_hook(once, with_kwargs=True)
        Probe.active = self

    active = None  # the probe whose model runs: a family's module-level functions have no other way

    def _attend(self, own, q, k, v):
        """own(q, k, v) → (z [1, H, T, K], weights); q [1, H, T, K], k, v [1, G, T, K]."""
        q, k = self._site_qk(q[0], k[0])
        q, k = q[None], k[None]
        v = self._site("v", v[0].transpose(0, 1)).transpose(0, 1)[None]
        z, weights = own(q, k, v)
        hidden = self._hide(weights[0])
        edited = self._site("pattern", hidden)
        if edited is not weights[0]:
            z = (edited.to(v.dtype) @ repeat_heads(v[0], q.shape[1]))[None]
        return z, weights

    def _hide(self, weights):
        """The weights [H, T, T] after `mask`: their logarithm is a score, up to what softmax does not see."""
        scores = weights.log()
        for edit in self.edits:
            if edit.layer == self.layer and "scores" in edit.sites:
                scores = edit.apply("scores", scores, self.base, self.foil)
                weights = scores.softmax(-1).nan_to_num(0)  # a query without any key looks at nothing
        return weights

    def _site_qk(self, q, k):
        """After their edits; what bloom and falcon do with them cannot be changed from here."""
        scale = math.sqrt(q.shape[-1]) if self.config.model_type == "opt" else 1  # scales q by itself, and the product by 1
        q = q * scale
        if self.config.model_type == "falcon" and self.config.new_decoder_architecture:
            k = k[::q.shape[0] // self.config.num_kv_heads]
        q = self._site("q", q.transpose(0, 1)).transpose(0, 1)
        return q / scale, self._site("k", k.transpose(0, 1)).transpose(0, 1)

    def _site_pattern(self, pattern):
        self._site("pattern", pattern)

    def _fused(self, attn, fused):
        """bloom, falcon and mpt: q, k, v out of one matrix (with rotary, q and k come later)."""
        kind = self.config.model_type
        if kind == "mpt":
            limit = attn.clip_qkv or math.inf
            q, k, v = (x.reshape(len(x), attn.n_heads, -1).transpose(0, 1) for x in fused[0].clamp(-limit, limit).chunk(3, -1))
        elif kind == "bloom":
            q, k, v = (x[0] for x in attn._reshape(fused))  # [H, T, K]
        else:
            q, k, v = (x[0].transpose(0, 1) for x in attn._split_heads(fused))
            if self.config.new_decoder_architecture:
                v = v[::q.shape[0] // self.config.num_kv_heads]
        if kind in ("bloom", "mpt") or self.config.alibi:
            self._site_qk(q, k)
        self._site("v", v.transpose(0, 1))


def number(x):
    """A float as it stands in the fixtures: nine significant digits."""
    return float(f"{float(x):.9g}")


def numbers(x):
    return [numbers(y) for y in x] if getattr(x, "ndim", 0) else number(x)


def save(run, file, keep=lambda name: True):
    """The sites as a safetensors file, F32."""
    save_file({n: x.float().clone().contiguous() for n, x in sorted(run.items()) if keep(n)}, file)


def check_sums(run, probe, layers):
    """The parts add up to the stream, in every layer."""
    for l in range(layers):
        site = {s: run.get(f"blocks.{l}.{s}") for s in LAYER_SITES}
        total = site["resid_pre"] + site["attn_out"] + site["mlp_out"]
        if probe.bloom_post or probe.opt_post:
            total = probe.read(l, site["resid_mid"]) + site["mlp_out"]
        gap = (total - site["resid_post"]).abs().max().item()
        assert gap < 1e-4 * site["resid_post"].abs().max().item(), (l, gap)
        if site["q"] is None:
            continue
        heads = site["q"].shape[1]
        v = repeat_heads(site["v"].transpose(0, 1), heads)  # [H, T, K]
        z = (site["pattern"].to(v.dtype) @ v).transpose(0, 1)
        assert (z - site["z"]).abs().max() < 1e-4 * site["z"].abs().max(), f"layer {l}: z"
