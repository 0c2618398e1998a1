#!/usr/bin/env python3
"""causes.py - maps of interventions by lmscope and by TransformerLens, on the same model and prompts: values and seconds side by side.

    causes.py FOLDER|FILE.gguf [--prompt P --foil F --metric-tokens A B] [--cells 24] [--lmscope build/lmscope]

FOLDER is a Hugging Face checkpoint; a GGUF file is read by transformers, and written to a temporary folder as F32 that both then use.
lmscope makes each whole map, in a process of its own that loads the model: its seconds are all of that. TransformerLens runs the
model once a cell under hooks, for cells drawn at random: the values must agree there, and its seconds are multiplied. Path patching takes
it two runs a cell when the receiver is not the logits, as in lmscope: nothing is linearised.

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

    def zero(self, layer, head, at):
        def hook(z, hook):
            z = z.clone()
            self.heads_of(z)[:, at, head] = 0
            return z
        return self.metric(self.ids, [(f"blocks.{layer}.attn.hook_z", hook)])

    def patch_stream(self, site, layer, position):
        """Denoising: the prompt's value in the foil's run."""
        name = f"blocks.{layer}.{site}"

        def hook(x, hook):
            x = x.clone()
            x[:, position] = self.cache[False][name][:, position]
            return x
        return self.metric(self.foil_ids, [(name, hook)])

    def patch_heads(self, site, layer, head):
        name = f"blocks.{layer}.attn.hook_{site}"

        def hook(x, hook):
            x = x.clone()
            self.heads_of(x)[:, :, head] = self.heads_of(self.cache[False][name])[:, :, head]
            return x
        return self.metric(self.foil_ids, [(name, hook)])

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
    last, to, to_head = lens.layers - 1, lens.layers * 2 // 3, 1
    every = slice(None)
    yield "ablation-sweep", "", lambda l, h: lens.zero(l, h, every), base
    yield "ablation-sweep", "at=last", lambda l, h: lens.zero(l, h, -1), base
    for site, name in (("resid_pre", "hook_resid_pre"), ("attn_out", "hook_attn_out"), ("mlp_out", "hook_mlp_out")):
        yield ("activation-patching", f"site={site} direction=denoising show=raw",
               lambda l, t, name=name: lens.patch_stream(name, l, t), 0)
    for site, name in (("head", "z"), ("q", "q"), ("k", "k"), ("v", "v")):
        yield ("activation-patching", f"site={site} direction=denoising show=raw",
               lambda l, h, name=name: lens.patch_heads(name, l, h), 0)
    yield "path-patching", "sender=head receiver=logits mlps=recomputed show=raw", lens.path_to_logits, 0
    yield ("path-patching", f"sender=head receiver=q layer={to} head={to_head} mlps=recomputed show=raw",
           lambda l, h: lens.path_to_queries(l, h, to, to_head), 0)
    assert last > 0


def compare(options, folder, lens):
    worst, rng = 0, random.Random(0)
    plain = min(time_of(lambda: lens.model(lens.ids)) for _ in range(3))
    start = ask(options, folder, "next-token", "")[1]
    print(f"{lens.layers} layers of {lens.heads} heads, {lens.ids.shape[1]} tokens; a forward pass takes TransformerLens {plain * 1e3:.0f} ms; "
          f"lmscope's start and two runs take {start:.2f} s")
    print(f"{'map':72} {'cells':>6} {'largest gap':>12} {'of range':>9} {'lmscope':>9} {'TransformerLens':>16} {'ratio':>7}")
    for analysis, words, cell, base in maps(lens):
        table, own = ask(options, folder, analysis, words)
        values = [(r, c, x + base) for r, row in enumerate(table["values"]) for c, x in enumerate(row) if x is not None]
        some = rng.sample(values, min(options.cells, len(values)))
        begin, gap = time.perf_counter(), 0
        for r, c, x in some:
            gap = max(gap, abs(x - cell(r, c)))
        theirs = (time.perf_counter() - begin) / len(some) * len(values)
        size = max(x for _, _, x in values) - min(x for _, _, x in values)
        worst = max(worst, gap / size)
        print(f"{analysis + ' ' + words:72} {len(values):6} {gap:12.2g} {gap / size:9.1e} {own:7.2f} s {theirs:14.2f} s {theirs / own:6.1f}x", flush=True)
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
        with torch.inference_mode():
            lens = Lens(folder, tokenizer.encode(options.prompt), tokenizer.encode(options.foil), options.targets)
            worst = compare(options, folder, lens)
    finally:
        if folder != options.model:
            shutil.rmtree(folder)
    sys.exit(worst > 1e-3)


if __name__ == "__main__":
    main()
