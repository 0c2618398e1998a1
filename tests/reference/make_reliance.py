"""make_reliance.py - how much generated tokens rely on context, computed a second time with transformers: two runs of whole models.

    python tests/reference/make_reliance.py [NAME…]     writes tests/fixtures/reliance/NAME.json

Greedy continuation; the same continuation after the prompt without tokens 1 to 3; KL and log-probabilities of the two; and the
derivative of the second token's logit, less that of what would come without the context, by autograd at the input embeddings.
Written from Sarti et al. 2024 in double precision.
"""
import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from probe import numbers

RELIANCE = FIXTURES / "reliance"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/bloom", "families/granite-bias",
         "families/qwen2-window", "families/falcon-40b"]
N = 3


def log_p(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids]), use_cache=False).logits[0].double().log_softmax(-1)


def answers(name):
    ids = ids_of(name)
    model = load(name)
    long = list(ids)
    for _ in range(N):
        long.append(int(log_p(model, long)[-1].argmax()))
    bare = long[:1] + long[4:]
    a, b = log_p(model, long)[len(ids) - 1:-1], log_p(model, bare)[len(ids) - 4:-1]
    y = torch.tensor(long[len(ids):])
    rows = model.get_input_embeddings()(torch.tensor([long[:len(ids) + 1]])).detach().requires_grad_()
    logits = model(inputs_embeds=rows, use_cache=False).logits[0, -1]
    other = int(b[1].argmax())
    (logits[y[1]] - (logits[other] if other != y[1] else 0)).backward()
    # at the input as the family scales it: gemma's embedding does so by itself, granite's model does it after
    at = rows.grad[0].norm(dim=-1) / getattr(model.config, "embedding_multiplier", 1.0)
    return {"model": name, "ids": ids, "foil_ids": ids, "metric": "entropy", "prompt": 0, "foil": 0, "tokens": y.tolist(),
            "kl": numbers((a.exp() * (a - b)).sum(-1)), "with": numbers(a.gather(1, y[:, None])[:, 0]),
            "without": numbers(b.gather(1, y[:, None])[:, 0]), "gradient": numbers(at[1:4])}


if __name__ == "__main__":
    write_each(__doc__, RELIANCE, NAMES, answers, grad=True, separators=(",", ":"))
