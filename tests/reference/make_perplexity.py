"""make_perplexity.py - perplexities of a text with windows and strides, as Hugging Face's guide to models of fixed length counts them.

    python tests/reference/make_perplexity.py      writes tests/fixtures/perplexity/expected.txt: model, window, stride, perplexity, tokens scored

Each token is scored once, by the first window that holds it; nothing stands before the first token of a window.
"""
import math
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

FIXTURES = Path(__file__).parent.parent / "fixtures"
TEXT = FIXTURES / "perplexity" / "text.txt"
CASES = [("tiny/gpt2-tied", 24, 7), ("tiny/gpt2-tied", 20, 20), ("tiny/llama-grouped", 32, 16), ("tiny/llama-grouped", 17, 5),
         ("families/gemma2", 30, 11), ("families/gpt_neox", 16, 16)]


def perplexity(model, ids, window, stride):
    total, count, before = 0.0, 0, 0
    for begin in range(0, len(ids), stride):
        end = min(begin + window, len(ids))
        here = ids[begin:end]
        log_p = model(torch.tensor([here])).logits[0].log_softmax(-1)
        for i in range(max(1, len(here) - (end - before)), len(here)):
            total -= log_p[i - 1, here[i]].item()
            count += 1
        before = end
        if end == len(ids):
            break
    return math.exp(total / count), count


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    rows = []
    for name, window, stride in CASES:
        model = AutoModelForCausalLM.from_pretrained(FIXTURES / name, attn_implementation="eager", dtype=torch.float32).double()
        ids = AutoTokenizer.from_pretrained(FIXTURES / name)(TEXT.read_text()).input_ids
        value, count = perplexity(model.eval(), ids, window, stride)
        rows.append(f"{name} {window} {stride} {value:.9g} {count}")
        print(rows[-1], flush=True)
    (TEXT.parent / "expected.txt").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
