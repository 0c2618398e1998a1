#!/usr/bin/env python3
"""causes.py - maps of interventions by lmscope and by TransformerLens, on the same model and prompts: values and seconds side by side.

    causes.py FOLDER|FILE.gguf [--prompt P --foil F --metric-tokens A B] [--cells 24] [--lmscope build/lmscope]

FOLDER is a Hugging Face checkpoint; a GGUF file is read by transformers, and written to a temporary folder as F32 that both then use.
lmscope makes each whole map, in a process of its own that loads the model: its seconds are all of that. TransformerLens runs the
model once a cell under hooks, for cells drawn at random: the values must agree there, and its seconds are multiplied. Path patching takes
it two runs a cell when the receiver is not the logits, as in lmscope: nothing is linearised. Attribution patching takes both one way back for
the whole map.

The exit status is 1 when a value is off by more than 1e-3 of the map's largest change.
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_PROC_BIND", "true")
ALL_CPUS = os.sched_getaffinity(0)      # before OpenMP binds this process to one

import torch                            # noqa: E402
import transformers                     # noqa: E402
from transformer_lens.model_bridge import TransformerBridge     # noqa: E402

PROMPT = "When Mary and John went to the store, John gave a drink to"
FOIL = "When Mary and John went to the store, Mary gave a drink to"


def as_folder(path):
    """A GGUF file as a checkpoint in F32."""
    folder = tempfile.mkdtemp(prefix="lmscope-causes-")
    where, name = os.path.split(os.path.abspath(path))
    read = transformers.AutoModelForCausalLM.from_pretrained(where, gguf_file=name, dtype=torch.float32)
    config = transformers.AutoConfig.from_pretrained(where, gguf_file=name)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)  # what was read calls itself quantised
    model.load_state_dict(read.state_dict())
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(where, gguf_file=name).save_pretrained(folder)
    return folder


class Lens:
    """TransformerLens' bridge, and the runs that single cells stand for."""

    def __init__(self, folder, ids, foil_ids, targets):
        self.model = TransformerBridge.boot_transformers(folder, device="cpu", dtype=torch.float32)
        self.model.enable_compatibility_mode(disable_warnings=True, no_processing=True)
        config = transformers.AutoConfig.from_pretrained(folder)
        self.layers, self.heads = config.num_hidden_layers, config.num_attention_heads
        self.groups = getattr(config, "num_key_value_heads", None) or self.heads
        self.width = getattr(config, "head_dim", None) or config.hidden_size // self.heads
        self.ids, self.foil_ids, self.targets = torch.tensor([ids]), torch.tensor([foil_ids]), targets
        self.cache = {False: self.model.run_with_cache(self.ids)[1], True: self.model.run_with_cache(self.foil_ids)[1]}

    def metric(self, ids, hooks):
        row = self.model.run_with_hooks(ids, fwd_hooks=hooks)[0, -1]
        return (row[self.targets[0]] - row[self.targets[1]]).item()

    def heads_of(self, x):
        return x.view(*x.shape[:2], -1, self.width)

    def ablate(self, layer, heads, at, mean=False):
        """Heads' z becomes nothing, or its mean over the prompt."""
        def hook(z, hook):
            z = z.clone()
            own = self.heads_of(z)
            own[:, at, heads] = own[:, :, heads].mean(1, keepdim=True).expand_as(own[:, :, heads])[:, at] if mean else 0
            return z
        return self.metric(self.ids, [(f"blocks.{layer}.attn.hook_z", hook)])

    def knock_out(self, layers, query, key):
        """The query may not look at the key: its score is -inf before softmax, in each head of these layers."""
        def hook(scores, hook):
            scores = scores.clone()
            scores[:, :, query, key] = float("-inf")
            return scores
        return self.metric(self.ids, [(f"blocks.{l}.attn.hook_attn_scores", hook) for l in layers])

    def patch(self, name, part):
        """Denoising: a part of the prompt's value in the foil's run."""
        def hook(x, hook):
            x = x.clone()
            part(x)[...] = part(self.cache[False][name])
            return x
        return self.metric(self.foil_ids, [(name, hook)])

    def patch_stream(self, site, layer, position):
        return self.patch(f"blocks.{layer}.{site}", lambda x: x[:, position])

    def patch_heads(self, site, layer, head, at=slice(None)):
        return self.patch(f"blocks.{layer}.attn.hook_{site}", lambda x: self.heads_of(x)[:, at, head])

    def patch_pattern(self, layer, head):
        return self.patch(f"blocks.{layer}.attn.hook_pattern", lambda x: x[:, head])

    def slopes(self, names):
        """The metric's gradient at these hooks in the prompt's run."""
        seen = {}

        def keep(name):
            def hook(x, hook):
                x = x.clone()
                x.retain_grad()
                seen[name] = x
                return x
            return name, hook
        with torch.enable_grad():
            row = self.model.run_with_hooks(self.ids, fwd_hooks=[keep(n) for n in names])[0, -1]
            (row[self.targets[0]] - row[self.targets[1]]).backward()
        self.model.zero_grad()
        return {n: x.grad for n, x in seen.items()}

    def attribute(self, name, by_head):
        """A whole map: (foil - prompt) times the gradient, summed over what a cell is of."""
        names = [f"blocks.{l}.{name}" for l in range(self.layers)]
        slopes = self.slopes(names)
        rows = [(self.cache[True][n] - self.cache[False][n]) * slopes[n] for n in names]
        return [(self.heads_of(x).sum((0, 1, 3)) if by_head else x.sum((0, 2))).tolist() for x in rows]

    def send(self, layer, head):
        """Hooks of a run of the prompt in which a head has the foil's z, and every other head its own."""
        def hold(l):
            name = f"blocks.{l}.attn.hook_z"

            def hook(z, hook):
                z = self.cache[False][name].clone()
                if l == layer:
                    self.heads_of(z)[:, :, head] = self.heads_of(self.cache[True][name])[:, :, head]
                return z
            return name, hook
        return [hold(l) for l in range(self.layers)]

    def path_to_logits(self, layer, head):
        return self.metric(self.ids, self.send(layer, head))

    def path_to_queries(self, layer, head, to, to_head):
        """TransformerLens' hook_q is before the rotary position, which is the same in both runs."""
        name, seen = f"blocks.{to}.attn.hook_q", {}

        def read(q, hook):
            seen["q"] = q.clone()

        def put(q, hook):
            q = q.clone()
            self.heads_of(q)[:, :, to_head] = self.heads_of(seen["q"])[:, :, to_head]
            return q
        self.model.run_with_hooks(self.ids, fwd_hooks=self.send(layer, head) + [(name, read)])
        return self.metric(self.ids, [(name, put)])


def ask(options, folder, analysis, words):
    """lmscope's map and its seconds."""
    command = [options.lmscope, "print", analysis, folder, "-p", options.prompt, "--foil", options.foil, "-f", "json",
               "-m", "logit_diff #{} #{}".format(*options.targets)]
    start = time.perf_counter()
    out = subprocess.run(command + [w for word in words.split() for w in ("-s", word)], stdout=subprocess.PIPE, check=True,
                         stderr=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, ALL_CPUS)).stdout
    return json.loads(out), time.perf_counter() - start


def maps(lens):
    """(technique, arguments, cell, what is to be added to lmscope's value)"""
    base = lens.metric(lens.ids, [])
    to, to_head, share = lens.layers * 2 // 3, 1, lens.heads // lens.groups
    every = slice(None)
    yield "ablation-sweep", "", lambda l, h: lens.ablate(l, slice(h, h + 1), every), base
    yield "ablation-sweep", "at=last", lambda l, h: lens.ablate(l, slice(h, h + 1), slice(-1, None)), base
    yield "ablation-sweep", "op=mean", lambda l, h: lens.ablate(l, slice(h, h + 1), every, mean=True), base
    if share > 1:
        yield "ablation-sweep", "site=kv", lambda l, g: lens.ablate(l, slice(g * share, (g + 1) * share), every), base
    # Not resid_mid: the bridge's hook is at the input of the MLP's norm, and what it puts there does not reach the stream after it.
    for site in ("resid_pre", "attn_out", "mlp_out"):
        yield ("activation-patching", f"site={site} direction=denoising show=raw",
               lambda l, t, name=f"hook_{site}": lens.patch_stream(name, l, t), 0)
    for site, name in (("head", "z"), ("q", "q"), ("k", "k"), ("v", "v")):
        yield ("activation-patching", f"site={site} direction=denoising show=raw",
               lambda l, h, name=name: lens.patch_heads(name, l, h), 0)
    yield "activation-patching", "site=head at=last direction=denoising show=raw", lambda l, h: lens.patch_heads("z", l, h, -1), 0
    yield "activation-patching", "site=pattern direction=denoising show=raw", lens.patch_pattern, 0
    yield "path-patching", "sender=head receiver=logits mlps=recomputed show=raw", lens.path_to_logits, 0
    yield ("path-patching", f"sender=head receiver=q layer={to} head={to_head} mlps=recomputed show=raw",
           lambda l, h: lens.path_to_queries(l, h, to, to_head), 0)
    yield "attention-knockout", "window=1", lambda l, k: lens.knock_out([l], -1, k), base


def whole_maps(lens):
    """(technique, arguments, the whole map)"""
    for site, name in (("resid_pre", "hook_resid_pre"), ("mlp_out", "hook_mlp_out")):
        yield "attribution-patching", f"site={site}", lambda name=name: lens.attribute(name, False)
    yield "attribution-patching", "site=head", lambda: lens.attribute("attn.hook_z", True)


def cells_of(table, base=0):
    return [(r, c, x + base) for r, row in enumerate(table["values"]) for c, x in enumerate(row) if x is not None]


def tell(what, values, gap, own, theirs):
    """A line; returns the largest gap as a part of the map's range."""
    size = max(x for _, _, x in values) - min(x for _, _, x in values)
    print(f"{what:72} {len(values):6} {gap:12.2g} {gap / size:9.1e} {own:7.2f} s {theirs:14.2f} s {theirs / own:6.1f}x", flush=True)
    return gap / size


def compare(options, folder, lens):
    worst, rng = 0, random.Random(0)
    plain = min(time_of(lambda: lens.model(lens.ids)) for _ in range(3))
    start = ask(options, folder, "next-token", "")[1]
    print(f"{lens.layers} layers of {lens.heads} heads, {lens.ids.shape[1]} tokens; a forward pass takes TransformerLens {plain * 1e3:.0f} ms; "
          f"lmscope's start and two runs take {start:.2f} s")
    print(f"{'map':72} {'cells':>6} {'largest gap':>12} {'of range':>9} {'lmscope':>9} {'TransformerLens':>16} {'ratio':>7}")
    for analysis, words, cell, base in maps(lens):
        table, own = ask(options, folder, analysis, words)
        values = cells_of(table, base)
        some = rng.sample(values, min(options.cells, len(values)))
        begin, gap = time.perf_counter(), 0
        for r, c, x in some:
            gap = max(gap, abs(x - cell(r, c)))
        theirs = (time.perf_counter() - begin) / len(some) * len(values)
        worst = max(worst, tell(f"{analysis} {words}", values, gap, own, theirs))
    for analysis, words, work in whole_maps(lens):
        table, own = ask(options, folder, analysis, words)
        begin = time.perf_counter()
        expected = work()
        theirs = time.perf_counter() - begin
        values = cells_of(table)
        worst = max(worst, tell(f"{analysis} {words}", values, max(abs(x - expected[r][c]) for r, c, x in values), own, theirs))
    return worst


def time_of(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("model")
    p.add_argument("--prompt", default=PROMPT)
    p.add_argument("--foil", default=FOIL)
    p.add_argument("--answers", nargs=2, default=[" Mary", " John"])
    p.add_argument("--cells", type=int, default=24)
    p.add_argument("--lmscope", default=os.path.join(os.path.dirname(__file__), "../../build/lmscope"))
    options = p.parse_args()
    torch.set_num_threads(len(ALL_CPUS))
    transformers.utils.logging.disable_progress_bar()
    folder = as_folder(options.model) if options.model.endswith(".gguf") else options.model
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        options.targets = [tokenizer.encode(a, add_special_tokens=False)[0] for a in options.answers]
        with torch.no_grad():
            lens = Lens(folder, tokenizer.encode(options.prompt), tokenizer.encode(options.foil), options.targets)
            worst = compare(options, folder, lens)
    finally:
        if folder != options.model:
            shutil.rmtree(folder)
    sys.exit(worst > 1e-3)


if __name__ == "__main__":
    main()
