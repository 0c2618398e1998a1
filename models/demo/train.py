#!/usr/bin/env python3
"""train.py - makes the demo model: a small GPT-2 that writes simple stories, copies, and answers a few kinds of question.

    train.py TEXTS [--out FOLDER] [--begin FOLDER --done N]

TEXTS is a folder with the files that TEXT_SHARES names (README.md says what they are).  The result
is a Hugging Face folder: config.json, model.safetensors in F16, tokenizer.json.

Three kinds of rows are mixed.  Text teaches English.  Repeating rows (random tokens, lists of names, pairs,
a passage of text) can only be predicted by looking back.  Rows of tasks are the sentences of tasks.py: who
gives to whom, which year comes later, the verb that agrees with a noun further back, capitals.

Large models find previous-token heads and induction heads by themselves, after more tokens than one
core reads in half an hour.  Here the first is helped: in the first stage a term of the loss draws head
0.0 to the previous token.  The induction heads that read what it writes are nobody's doing but the
training's.  Positions begin as waves, and the first stage is short rows at random positions.

One core is enough: about an hour.  The seeds are fixed; the last digits depend on the machine.
"""
import argparse
import json
import math
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import GPT2Config, GPT2LMHeadModel

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "reference"))
import head_scores  # noqa: E402
import tasks  # noqa: E402

BOS = "<|endoftext|>"
VOCAB, CONTEXT, WIDTH, LAYERS, HEADS = 2560, 256, 160, 4, 5
WARMUP, COOLDOWN = 50, 1250  # steps up; the steps on which the rate goes to zero
RATE_MATRICES, RATE_REST, RATE_POSITIONS = 0.02, 2e-3, 3e-4
SEED = 7
IGNORE = -100  # a label that costs nothing: what nobody can predict

TEXT_SHARES = {  # share of the text rows
    "tinystories_1000.json": 0.60,
    "tinyshakespeare.txt": 0.12,
    "state_union.txt": 0.18,
    "inaugural.txt": 0.10,
}
STAGES = [  # steps, tokens of a row, rows, shares of text and task rows, weight of the guide
    (800, 64, 64, 0.25, 0.35, 0.2),
    (1450, CONTEXT, 16, 0.66, 0.17, 0.0),
    (1250, CONTEXT, 16, 0.42, 0.42, 0.0),  # the rate goes down to zero meanwhile
]


# ---- texts ----------------------------------------------------------------------------------

def read_texts(folder):
    """{file: (documents to train on, documents held out)}; each 20th is held out."""
    texts = {}
    for name in TEXT_SHARES:
        raw = (folder / name).read_text(encoding="utf-8", errors="replace")
        if name.endswith(".json"):
            documents = json.loads(raw)
        else:  # blocks of about 2,000 characters that end at a line's end
            documents, block = [], ""
            for line in raw.replace("\r\n", "\n").splitlines(keepends=True):
                block += line
                if len(block) >= 2000:
                    documents, block = documents + [block], ""
            documents.append(block)
        documents = [d.strip() for d in documents if d.strip()]
        held = documents[::20]
        texts[name] = ([d for i, d in enumerate(documents) if i % 20], held)
    return texts


def add_forced_tokens(tokenizer, words):
    """Appends merges, in the least urgent place, until each of the words is one token; returns the tokenizer."""
    state = json.loads(tokenizer.to_str())
    vocab, merges = state["model"]["vocab"], state["model"]["merges"]
    for word in words:
        while len(pieces := tokenizer.encode(word, add_special_tokens=False).tokens) > 1:
            merges.append(pieces[:2])
            vocab["".join(pieces[:2])] = len(vocab)
            tokenizer = Tokenizer.from_str(json.dumps(state))
    return tokenizer


def train_bpe(texts, size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([  # two digits a token: 1732 is 17 and 32
        pre_tokenizers.Split(Regex(r" ?\p{N}{1,2}"), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[BOS], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))

    def lines():
        rng = random.Random(SEED)
        for name, (train, _) in texts.items():
            for _ in range(4 if "stories" in name else 1):  # a story's words become one token each
                yield from train
        yield from (tasks.task(rng)[0] for _ in range(20000))

    tokenizer.train_from_iterator(lines(), trainer)
    return tokenizer


def train_tokenizer(texts):
    """As many merges learned as leave room for the words that must be one token."""
    words, learned = tasks.forced_tokens(), VOCAB
    while (tokenizer := add_forced_tokens(train_bpe(texts, learned), words)).get_vocab_size() > VOCAB:
        learned -= tokenizer.get_vocab_size() - VOCAB
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B",
        special_tokens=[(BOS, tokenizer.token_to_id(BOS))])
    return tokenizer


# ---- rows of tokens --------------------------------------------------------------------------

class Rows:
    """Makes rows: (ids, labels), each `length` long.  labels are the ids, or IGNORE."""

    def __init__(self, texts, tokenizer):
        self.rng = random.Random(SEED)
        self.encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
        self.bos = tokenizer.token_to_id(BOS)
        self.tokenizer = tokenizer
        self.vocab = tokenizer.get_vocab_size()
        self.length = CONTEXT
        self.documents = {n: [self.encode(d) for d in train] for n, (train, _) in texts.items()}
        self.held = {n: held for n, (_, held) in texts.items()}
        self.makers = [(self.random_repeat, 0.46), (self.random_pairs, 0.10), (self.lists, 0.18),
                       (self.passage, 0.13), (self.facts, 0.13)]

    def text(self):
        """Documents of one file, from a random place of the first one on."""
        name = self.rng.choices(list(TEXT_SHARES), TEXT_SHARES.values())[0]
        ids = []
        while len(ids) < self.length:
            document = self.rng.choice(self.documents[name])
            start = 0 if ids or self.rng.random() < 0.5 else self.rng.randrange(len(document))
            ids += [self.bos] + document[start:]
        return ids, ids

    def random_tokens(self, n):
        return [i + (i >= self.bos) for i in (self.rng.randrange(self.vocab - 1) for _ in range(n))]

    def random_repeat(self):
        """BOS r r …: uniform random tokens; only from the second r on is there something to learn."""
        r = self.random_tokens(self.rng.randint(4, self.length // 2 - 8))
        times = self.rng.randint(2, 4)
        return [self.bos] + r * times, [IGNORE] * (len(r) + 1) + r * (times - 1)

    def random_pairs(self):
        """A B … A B: pairs in an order that changes, so that only the last time tells what follows."""
        n = self.rng.randint(4, self.length // 8)
        tokens = self.random_tokens(2 * n)
        pairs = list(zip(tokens[:n], tokens[n:]))
        ids, labels = [self.bos], [IGNORE]
        for turn in range(3):
            self.rng.shuffle(pairs)
            for a, b in pairs:
                ids += [a, b]
                labels += [IGNORE, b if turn else IGNORE]
        return ids, labels

    def lists(self):
        """Names, or words of a story, said two or more times."""
        n = self.rng.randint(4, self.length // 10)
        if self.rng.random() < 0.6:
            words = self.rng.sample(tasks.NAMES, n)
        else:
            stories = self.documents["tinystories_1000.json"]
            words = [f"#{w}" for w in self.rng.sample(self.rng.choice(stories), n)]
            ids = [int(w[1:]) for w in words] * self.rng.randint(2, 5)
            return [self.bos] + ids, [IGNORE] * (n + 1) + ids[n:]
        between = self.rng.choice([" ", ", ", "\n", " and "])
        ids = self.encode(between.join(words * self.rng.randint(2, 4)))
        return [self.bos] + ids, [self.bos] + ids

    def passage(self):
        """A piece of text twice, so that induction helps with words as well."""
        document = self.rng.choice(self.documents[self.rng.choice(list(TEXT_SHARES))])
        start = self.rng.randrange(max(1, len(document) - 40))
        piece = document[start:start + self.rng.randint(10, self.length // 2 - 18)]
        return [self.bos] + piece * 2, [self.bos] + piece * 2

    def facts(self):
        """Emma has a red ball. Noah has a green hat. Emma has a red → ball."""
        who = self.rng.sample(tasks.NAMES, self.rng.randint(2, 6))
        verb = self.rng.choice(["has", "likes", "found", "wants", "saw"])
        said = [f"{n} {verb} a {self.rng.choice(tasks.COLOURS)} {self.rng.choice(tasks.THINGS)}." for n in who]
        again = self.rng.sample(said, len(said)) + self.rng.sample(said, len(said))
        ids = self.encode(" ".join(said + again))
        return [self.bos] + ids, [self.bos] + ids

    def task(self):
        text, times = tasks.task(self.rng)
        ids = self.encode(text)
        weights = [1.0] * (len(ids) + 1)
        weights[-2] = times
        return [self.bos] + ids, [self.bos] + ids, weights

    def row(self, text_share, task_share):
        """(ids, labels, weights), each `length` long; a label's weight is 1, or more where it is the answer of a task."""
        kind = self.rng.random()
        make = self.text if kind < text_share else self.task if kind < text_share + task_share else None
        make = make or self.rng.choices(*zip(*self.makers))[0]
        ids, labels, weights = [], [], []
        while len(ids) < self.length:
            more = make()
            ids, labels = ids + more[0], labels + more[1]
            weights += more[2] if len(more) > 2 else [1.0] * len(more[0])
        return ids[:self.length], labels[:self.length], weights[:self.length]

    def batch(self, length, count, text_share, task_share):
        self.length = length
        return [torch.tensor(part) for part in zip(*(self.row(text_share, task_share) for _ in range(count)))]


# ---- training --------------------------------------------------------------------------------

def new_model(bos, vocab):
    torch.manual_seed(SEED)
    config = GPT2Config(vocab_size=vocab, n_positions=CONTEXT, n_embd=WIDTH, n_layer=LAYERS,
                        n_head=HEADS, bos_token_id=bos, eos_token_id=bos, resid_pdrop=0.1,
                        embd_pdrop=0.1, attn_pdrop=0.0, attn_implementation="sdpa")
    model = GPT2LMHeadModel(config)
    for block in model.transformer.h:
        block.mlp.act = torch.nn.GELU(approximate="tanh")  # gelu_new in one pass: a fifth of a step's time less
    angle = torch.outer(torch.arange(CONTEXT), 2 * math.pi / torch.logspace(
        math.log10(2.5), math.log10(300), WIDTH // 2))
    model.transformer.wpe.weight.data = 0.05 * torch.cat([angle.sin(), angle.cos()], 1)
    model.transformer.wte.weight.data *= 2.5
    return model


def optimizers(model):
    """Muon for the matrices inside the layers, which learns faster; AdamW for everything else."""
    named = dict(model.named_parameters())
    positions = named.pop("transformer.wpe.weight")
    matrices = [p for n, p in named.items() if p.ndim == 2 and ".h." in n]
    rest = [p for n, p in named.items() if p.ndim != 2 or ".h." not in n]
    return [(torch.optim.Muon(matrices, momentum=0.95, weight_decay=0.02), RATE_MATRICES),
            (torch.optim.AdamW(rest, betas=(0.9, 0.95), weight_decay=0.01), RATE_REST),
            (torch.optim.AdamW([positions], betas=(0.9, 0.95), weight_decay=0), RATE_POSITIONS)]


def guide(model, ids, at):
    """Cross-entropy of the attention of head 0.0 with "all of it to the previous token"."""
    block, width = model.transformer.h[0], WIDTH // HEADS
    x = block.ln_1(model.transformer.wte(ids) + model.transformer.wpe(at))  # [B, T, D]
    q, k = ((x @ block.attn.c_attn.weight[:, i:i + width] + block.attn.c_attn.bias[i:i + width])
            for i in (0, WIDTH))
    n = ids.shape[1]
    scores = (q @ k.transpose(1, 2) / width ** 0.5).masked_fill(
        torch.ones(n, n, dtype=torch.bool).triu(1), -1e9)
    return torch.nn.functional.cross_entropy(scores[:, 1:].flatten(0, 1),
                                             torch.arange(n - 1).repeat(len(ids)))


def rate(step, steps):
    """Warm up, hold, then go down to zero."""
    return min(1, (step + 1) / WARMUP, (steps - step) / COOLDOWN)


@torch.no_grad()
def bits_a_byte(model, encode, bos, documents):
    """Bits needed for a byte of the documents, each cut into rows of CONTEXT tokens that begin with BOS."""
    bits, size = 0.0, 0
    for text in documents:
        ids = encode(text)
        size += len(text.encode())
        for i in range(0, len(ids), CONTEXT - 1):
            row = torch.tensor([[bos] + ids[i:i + CONTEXT - 1]])
            bits += model(row, labels=row).loss.item() * (row.shape[1] - 1) / math.log(2)
    return bits / size


def report(model, rows, step, questions=100, documents=10):
    """One line: bits a byte of held-out texts, the strongest head of each kind, the share of held-out questions answered rightly."""
    model.eval()
    model.set_attn_implementation("eager")
    ids = head_scores.repeated(rows.vocab, rows.bos, 50, 1, rows=8)
    scores = head_scores.measure(model, ids, 50)
    model.set_attn_implementation("sdpa")
    best = {k: max((s, f"{l}.{h}") for l, row in enumerate(v) for h, s in enumerate(row))
            for k, v in scores.items()}
    last = lambda row: model(torch.tensor([row])).logits[0, -1]  # noqa: E731
    with torch.no_grad():
        right = {k: v for k, (v, _) in tasks.accuracy(last, rows.tokenizer, questions).items()}
        missed = tasks.all_capitals(last, rows.tokenizer)
    print(f"{step:6d} bits a byte " + " ".join(
        f"{n[:12]} {bits_a_byte(model, rows.encode, rows.bos, held[:documents]):.3f}" for n, held in rows.held.items())
        + " | " + " ".join(f"{k} {h} {s:.2f}" for k, (s, h) in best.items())
        + " | " + " ".join(f"{k} {v:.3f}" for k, v in right.items()) + f" capitals missed {len(missed)}", flush=True)
    model.train()


def loss_of(model, ids, labels, weights, at):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(ids, position_ids=at).logits
        losses = torch.nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORE, reduction="none")
        weights = (weights * (labels != IGNORE))[:, 1:].flatten()
        return (losses * weights).sum() / weights.sum()


def train(rows, out, begin, done):
    """From new weights, or from those of the folder `begin`, made by the first `done` steps."""
    model = new_model(rows.bos, rows.vocab)
    if begin:
        model.load_state_dict(GPT2LMHeadModel.from_pretrained(begin, dtype=torch.float32).state_dict())
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    opts, start, step, steps = optimizers(model), time.time(), 0, sum(stage[0] for stage in STAGES)
    model.train()
    for stage, length, count, text_share, task_share, guidance in STAGES:
        mean = None
        for _ in range(stage):
            if step < done:
                step += 1
                continue
            for opt, top in opts:
                opt.param_groups[0]["lr"] = top * rate(step, steps)
            ids, labels, weights = rows.batch(length, count, text_share, task_share)
            at = torch.arange(length) + torch.randint(0, CONTEXT - length + 1, (count, 1))
            loss = loss_of(model, ids, labels, weights, at)
            (loss + guidance * guide(model, ids, at) if guidance else loss).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for opt, _ in opts:
                opt.step()
                opt.zero_grad(set_to_none=True)
            mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
            step += 1
            if step % 50 == 0:
                print(f"{step:6d} loss {mean:.3f}  {time.time() - start:.0f} s", flush=True)
            if step % 250 == 0:
                report(model, rows, step)
                save(model, out)
    return model.eval()


def save(model, out):
    """config.json, and the weights in F16."""
    half = GPT2LMHeadModel(model.config)
    half.load_state_dict(model.state_dict())
    half.half().save_pretrained(out)
    (out / "generation_config.json").unlink(missing_ok=True)


def save_tokenizer(tokenizer, out):
    tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": BOS, "eos_token": BOS,
              "unk_token": BOS, "add_bos_token": True, "model_max_length": CONTEXT,
              "clean_up_tokenization_spaces": False}
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def main():
    p = argparse.ArgumentParser(description="Trains the demo model.")
    p.add_argument("texts", type=Path)
    p.add_argument("--out", type=Path, default=Path(__file__).resolve().parent)
    p.add_argument("--begin", type=Path, help="go on from this folder's weights …")
    p.add_argument("--done", type=int, default=0, help="… which so many steps have made")
    args = p.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)

    texts = read_texts(args.texts)
    tokenizer = Tokenizer.from_file(str(args.begin / "tokenizer.json")) if args.begin else train_tokenizer(texts)
    save_tokenizer(tokenizer, args.out)
    rows = Rows(texts, tokenizer)
    print(f"{rows.vocab} tokens", flush=True)
    print({n: sum(map(len, d)) for n, d in rows.documents.items()}, flush=True)
    save(train(rows, args.out, args.begin, args.done), args.out)

    written = GPT2LMHeadModel.from_pretrained(args.out, dtype=torch.float32).eval()
    print("the F16 file, weights read back into F32:")
    report(written, rows, sum(stage[0] for stage in STAGES), questions=400, documents=1000)


if __name__ == "__main__":
    main()
