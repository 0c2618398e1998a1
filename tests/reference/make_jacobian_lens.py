#!/usr/bin/env python3
"""make_jacobian_lens.py - matrices of Jacobian lenses of tiny models, what a token's row of them reads, and a published file.

    make_jacobian_lens.py [NAME…]      writes tests/fixtures/jacobian_lens/NAME.json, and gpt2-tied.pt

By autograd through Transformers' own code in double precision: blocks' outputs keep their gradients.  Where TransformerLens knows the
model, its own fit (JacobianLens.fit) must give the same matrices, or nothing is written; gpt2-tied.pt is that fit, saved by it in half
precision, and its readout is what is expected of the file.
"""
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch                                                                     # noqa: E402
from transformer_lens.model_bridge import TransformerBridge                      # noqa: E402
from transformer_lens.tools.analysis.jacobian_lens import JacobianLens           # noqa: E402

from fixture_files import FIXTURES, ids_of, load, write_each                      # noqa: E402
from make_tables import Parts                                                    # noqa: E402
from probe import FAMILIES, PLAIN, Probe, numbers                                # noqa: E402

FOLDER = FIXTURES / "jacobian_lens"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/olmo2", "families/mixtral"]
FIRST = 2
OWN = {"tiny/gpt2-tied", "tiny/llama-grouped"}      # that TransformerLens fits, too


def matrices(streams, count):
    """J_l of each layer but the last: [D, D]."""
    width = streams[-1].shape[-1]
    last = streams[-1].reshape(-1, width)
    rows = [[] for _ in streams[:-1]]
    for k in range(width):
        grads = torch.autograd.grad(last[FIRST:FIRST + count, k].sum(), streams[:-1], retain_graph=True)
        for row, g in zip(rows, grads):
            row.append(g.reshape(-1, width)[FIRST:FIRST + count].mean(0))
    return [torch.stack(r) for r in rows]


def fitted(name, ids):
    os.chdir(FIXTURES)                              # the name goes into the file
    bridge = TransformerBridge.boot_transformers(name, device="cpu", dtype=torch.float32)
    bridge.eval()
    bridge.to_tokens = lambda *args, **kwargs: torch.tensor([ids])
    lens = JacobianLens.fit(bridge, ["any"], corpus="one prompt", skip_first_positions=FIRST, show_progress=False)
    return lens


def make(name):
    ids = ids_of(name)
    with torch.no_grad():
        parts = Parts(Probe(load(name)))
    model = load(name)
    model.config._experts_implementation = "eager"
    paths = FAMILIES.get(model.config.model_type, PLAIN)
    streams = []

    def keep(module, args, out):
        streams.append(out[0] if isinstance(out, tuple) else out)

    for layer in model.get_submodule(paths["layers"]):
        layer.register_forward_hook(keep)
    x = model.get_input_embeddings()(torch.tensor(ids)).detach().requires_grad_()
    logits = model(inputs_embeds=x[None], use_cache=False).logits[0, -1]
    J = matrices(streams, len(ids) - 1 - FIRST)
    streams = [s.detach().reshape(len(ids), -1) for s in streams]
    with torch.no_grad():
        best, second = logits.topk(2).indices.tolist()
        W_U = model.get_output_embeddings().weight
        answer = {"matrices": [numbers(j.reshape(-1)) for j in J]}
        for kind, w in (("logit", W_U[best]), ("logit_diff", W_U[best] - W_U[second])):
            answer[kind] = [numbers(s @ (w @ j)) for s, j in zip(streams, J + [torch.eye(len(w), dtype=w.dtype)])]
    if name in OWN:
        lens = fitted(name, ids)
        for layer, j in enumerate(J):
            theirs = lens.jacobians[layer].double()
            assert (theirs - j).abs().max() < 1e-4 * j.abs().max(), (name, layer, (theirs - j).abs().max())
        if name == "tiny/gpt2-tied":
            lens.save(str(FOLDER / "gpt2-tied.pt"))
            with torch.no_grad():
                p = torch.stack([parts.unembed(s @ j.half().double().T) for s, j in zip(streams, J)] +
                                [parts.unembed(streams[-1])]).softmax(-1)
            answer["file"], answer["file ids"] = [numbers(r) for r in p.max(-1).values], p.argmax(-1).tolist()
    return {"about": "made by tests/reference/make_jacobian_lens.py", "model": name, "ids": ids,
            "metric": {"spec": f"logit #{best}"}, "diff": f"logit_diff #{best} #{second}", "first": FIRST, "jacobian-lens": answer}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, make, grad=True, breaks=["], ["])
