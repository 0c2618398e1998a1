#!/usr/bin/env python3
"""make_backward_lens.py - the words of gradients at MLPs' writes, and of what MLPs read, in tiny models.

    make_backward_lens.py [NAME…]      writes tests/fixtures/backward_lens/NAME.json

By autograd through Transformers' own code: the output of the module that writes to the stream keeps its gradient.
"""
import torch

from fixture_files import FIXTURES, ids_of, load, write_each
from make_tables import Parts
from probe import FAMILIES, PLAIN, Probe, numbers

FOLDER = FIXTURES / "backward_lens"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/cohere", "families/olmo2",
         "families/mixtral"]


def make(name):
    ids = ids_of(name)
    with torch.no_grad():
        parts = Parts(Probe(load(name)))        # whose hooks act on another copy of the model
    model = load(name)
    model.config._experts_implementation = "eager"
    paths = FAMILIES.get(model.config.model_type, PLAIN)
    layers = model.get_submodule(paths["layers"])
    read, written = [], []

    def keep(module, args, out):
        out = out[0] if isinstance(out, tuple) else out
        out.retain_grad()
        written.append(out)

    for layer in layers:
        layer.get_submodule(paths["mlp_out"]).register_forward_hook(keep)
        layer.mlp.register_forward_pre_hook(lambda module, args: read.append(args[0].detach().reshape(-1, args[0].shape[-1])))
    x = model.get_input_embeddings()(torch.tensor(ids)).detach().requires_grad_()
    logits = model(inputs_embeds=x[None], use_cache=False).logits[0]
    target, answer = int(logits[-1].argmax()), {}
    for kind, value in (("logit", logits[-1, target]),
                        ("loss", -logits[:-1].log_softmax(-1)[range(len(ids) - 1), ids[1:]].mean())):
        for w in written:
            w.grad = None
        value.backward(retain_graph=True)
        rows, words = [], []
        for w in written:
            d = w.grad.reshape(-1, w.shape[-1]) * (-1 if kind == "loss" else 1)
            p = parts.unembed(d / d.norm(dim=-1, keepdim=True).clamp_min(1e-300) * d.shape[-1] ** 0.5).softmax(-1)
            seen = d.norm(dim=-1) > 0
            rows.append([float(f"{v:.9g}") if s else None for v, s in zip(p.max(-1).values.tolist(), seen)])
            words.append([i if s else -1 for i, s in zip(p.argmax(-1).tolist(), seen)])
        answer[kind], answer[f"{kind} ids"] = rows, words
    p = torch.stack([parts.unembed(r) for r in read]).softmax(-1)
    answer["input"], answer["input ids"] = [numbers(r) for r in p.max(-1).values.detach()], p.argmax(-1).tolist()
    return {"about": "made by tests/reference/make_backward_lens.py", "model": name, "ids": ids,
            "metric": {"spec": f"logit #{target}"}, "backward-lens": answer}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, make, grad=True, breaks=["]], ", "], ["])
