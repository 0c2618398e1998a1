#!/usr/bin/env python3
"""compare.py - the same work by lmscope, PyTorch with caching hooks, and TransformerLens, in turn.

    compare.py gpt2|smol|FOLDER [--rounds 2] [--lmscope build/lmscope] [--seconds 2]

gpt2 and smol are random F32 models of the shapes of GPT-2 small and SmolLM2-135M, made in a temporary
folder; FOLDER is a Hugging Face checkpoint. Speed does not depend on the weights' values.

Needs torch and transformers; transformer_lens (4 or later) where it is installed. Each figure is a median; ratios
are other / lmscope. What is compared:

  forward N     every activation kept, logits at all positions
  append        one token after 63, keys and values kept
  lens          all layers x 32 positions through the unembedding: top 5 and log-sum-exp
  heads         each head's output zeroed everywhere, 16 tokens: lmscope sweeps; the others run the
                model once a head (timed on a few heads, and multiplied)

Threads are bound and as many as lmscope uses: unbound, or with OpenBLAS's threads beside OpenMP's,
PyTorch is several times slower, and that would be no comparison. lmscope itself runs unbound.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

ALL_CPUS = os.sched_getaffinity(0)      # before OpenMP binds this process to one
os.environ.pop("OPENBLAS_CORETYPE", None)
os.environ.setdefault("OMP_PROC_BIND", "true")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch                            # noqa: E402
import transformers                     # noqa: E402

HEADS_TIMED = 6


def random_folder(shape, folder):
    """A checkpoint with random weights and a tokenizer of bytes, filled up to the vocabulary's size."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    torch.manual_seed(0)
    if shape == "gpt2":
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config())
    else:
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
            vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
            num_key_value_heads=3, max_position_embeddings=8192, rms_norm_eps=1e-5, tie_word_embeddings=True))
    model.save_pretrained(folder)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = letters + [f"<{i}>" for i in range(len(letters), model.config.vocab_size)]
    tokenizer = Tokenizer(models.BPE(vocab={w: i for i, w in enumerate(words)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(os.path.join(folder, "tokenizer.json"))


def tokens(n, vocabulary):
    """The tokens that `lmscope bench` takes."""
    return torch.tensor([[(13 + 7919 * t) % vocabulary for t in range(n)]])


def median(work, seconds):
    work()
    took, begin = [], time.perf_counter()
    while len(took) < 3 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


class Torch:
    """transformers' model with a hook on every module that keeps what it gave."""
    name = "PyTorch"

    def __init__(self, folder):
        self.model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager").eval()
        self.config = self.model.config
        self.kept = {}
        for name, module in self.model.named_modules():
            module.register_forward_hook(lambda m, i, out, name=name: self.kept.__setitem__(name, out))
        gpt2 = self.config.model_type == "gpt2"
        self.writers = [b.attn.c_proj if gpt2 else b.self_attn.o_proj
                        for b in (self.model.transformer.h if gpt2 else self.model.model.layers)]
        self.heads = self.config.num_attention_heads
        self.width = self.config.hidden_size // self.heads

    def forward(self, n):
        ids = tokens(n, self.config.vocab_size)
        return lambda: self.model(ids, use_cache=False, output_attentions=True)

    def append(self):
        ids = tokens(64, self.config.vocab_size)

        def work(cache=[None]):
            if cache[0] is None:
                cache[0] = self.model(ids[:, :63], use_cache=True).past_key_values
            self.model(ids[:, 63:], past_key_values=cache[0], use_cache=True)
            cache[0].crop(-1)
        return work

    def lens(self):
        rows = torch.randn(len(self.writers) * 32, self.config.hidden_size)
        unembed = self.model.get_output_embeddings().weight

        def work():
            for part in rows.split(128):
                logits = part @ unembed.T
                logits.topk(5), logits.logsumexp(-1)
        return work

    def head(self, layer, head):
        def zero(module, args):
            z = args[0].clone()
            z[..., head * self.width:(head + 1) * self.width] = 0
            return (z,)

        ids = tokens(16, self.config.vocab_size)

        def work():
            hook = self.writers[layer].register_forward_pre_hook(zero)
            self.model(ids, use_cache=False)
            hook.remove()
        return work


class Lens:
    """TransformerLens 4's bridge over the same model: run_with_cache and run_with_hooks."""
    name = "TransformerLens"

    def __init__(self, folder):
        from transformer_lens.model_bridge import TransformerBridge
        self.model = TransformerBridge.boot_transformers(folder, device="cpu", dtype=torch.float32)
        self.model.enable_compatibility_mode(disable_warnings=True, no_processing=True)
        self.config = transformers.AutoConfig.from_pretrained(folder)
        self.heads = self.config.num_attention_heads

    def forward(self, n):
        ids = tokens(n, self.config.vocab_size)
        return lambda: self.model.run_with_cache(ids)

    def head(self, layer, head):
        def zero(z, hook):
            z = z.clone()
            z.view(*z.shape[:2], self.heads, -1)[:, :, head] = 0
            return z

        ids = tokens(16, self.config.vocab_size)
        return lambda: self.model.run_with_hooks(ids, fwd_hooks=[(f"blocks.{layer}.attn.hook_z", zero)])


def measure(other, seconds):
    layers = other.config.num_hidden_layers
    result = {f"forward-{n}": median(other.forward(n), seconds) for n in (16, 64, 256)}
    if hasattr(other, "append"):
        result["append"] = median(other.append(), seconds)
        result["lens"] = median(other.lens(), seconds)
    some = [(i * layers // HEADS_TIMED, i % other.heads) for i in range(HEADS_TIMED)]
    result["heads-all"] = layers * other.heads * statistics.mean(median(other.head(*h), seconds / HEADS_TIMED) for h in some)
    return result


def bench(lmscope, folder):
    out = subprocess.run([lmscope, "bench", folder, "-f", "json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
                         preexec_fn=lambda: os.sched_setaffinity(0, ALL_CPUS)).stdout
    report = json.loads(out)
    return report, {row["name"]: row["median"] for row in report["rows"] if row["times"]}


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument("model")
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--seconds", type=float, default=2, help="for each of the others' figures")
    arguments.add_argument("--lmscope", default=os.path.join(os.path.dirname(__file__), "../../build/lmscope"))
    a = arguments.parse_args()
    folder = a.model
    if a.model in ("gpt2", "smol"):
        folder = tempfile.mkdtemp(prefix="lmscope-compare-")
        random_folder(a.model, folder)
    try:
        torch.set_num_threads(len(ALL_CPUS))
        others = [Torch(folder)]
        try:
            others.append(Lens(folder))
        except ImportError:
            print("transformer_lens is not installed: left out")
        rounds = {"lmscope": []} | {o.name: [] for o in others}
        with torch.inference_mode():
            for _ in range(a.rounds):
                report, figures = bench(a.lmscope, folder)
                rounds["lmscope"].append(figures)
                for o in others:
                    rounds[o.name].append(measure(o, a.seconds))
    finally:
        if folder != a.model:
            shutil.rmtree(folder)
    show(report, rounds)


def show(report, rounds):
    print(f"{report['model']}: {report['kernels']}, {report['threads']} threads, {report['flops'] / 1e9:.0f} GFLOP/s, "
          f"{report['bandwidth'] / 1e9:.0f} GB/s; torch {torch.__version__}, transformers {transformers.__version__}")
    middle = {who: {k: statistics.median(r[k] for r in rs) for k in rs[0]} for who, rs in rounds.items()}
    print(f"{'':14}" + "".join(f"{who:>26}" for who in middle))
    for what, own in middle["lmscope"].items():
        cells = [f"{own * 1e3:.1f} ms"]
        cells += [f"{m[what] * 1e3:.1f} ms = {m[what] / own:.1f} x" if what in m else "" for who, m in middle.items() if who != "lmscope"]
        if any(cells[1:]):
            print(f"{what:14}" + "".join(f"{c:>26}" for c in cells))


if __name__ == "__main__":
    main()
