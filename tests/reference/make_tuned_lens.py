#!/usr/bin/env python3
"""make_tuned_lens.py - lenses for two tiny models as the tuned-lens project saves them, and what its formula gives, by plain torch.

    tests/fixtures/tuned_lens/NAME/config.json, params.pt    as tuned_lens 0.2.0 writes them (Lens.save): "L.weight", "L.bias"
    tests/fixtures/tuned_lens/NAME.json                      for each layer and position the likeliest token, its probability, and the entropy

logits = lm_head(final_norm(h + h Wᵀ + b)), h the input of block L; in double precision.
"""
import collections
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
FOLDER = FIXTURES / "tuned_lens"
NORMS = {"llama-tied": lambda m: m.model.norm, "gpt2-odd": lambda m: m.transformer.ln_f}


def main():
    for seed, (name, norm) in enumerate(NORMS.items()):
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        about = json.loads((FIXTURES / "tiny" / name / "expected.json").read_text())
        model = AutoModelForCausalLM.from_pretrained(FIXTURES / "tiny" / name, dtype=torch.float64).eval()
        d, layers = model.config.hidden_size, model.config.num_hidden_layers
        generator = torch.Generator().manual_seed(seed)
        params = collections.OrderedDict()
        for layer in range(layers):
            params[f"{layer}.weight"] = torch.randn(d, d, generator=generator) * 0.1
            params[f"{layer}.bias"] = torch.randn(d, generator=generator) * 0.2
        torch.save(params, folder / "params.pt")
        (folder / "config.json").write_text(json.dumps({
            "base_model_name_or_path": name, "d_model": d, "num_hidden_layers": layers, "bias": True, "base_model_revision": None,
            "unembed_hash": None, "lens_type": "linear_tuned_lens"}) + "\n")
        rows = []
        with torch.no_grad():
            out = model(torch.tensor([about["ids"]]), output_hidden_states=True)
            for layer in range(layers + 1):
                if layer < layers:
                    h = out.hidden_states[layer][0]
                    w, b = params[f"{layer}.weight"].double(), params[f"{layer}.bias"].double()
                    logits = model.lm_head(norm(model)(h + h @ w.T + b))
                else:
                    logits = out.logits[0]
                logp = torch.log_softmax(logits, -1)
                best, word = logp.max(-1)
                rows.append({"token": word.tolist(), "probability": best.exp().tolist(), "entropy": (-(logp.exp() * logp).sum(-1)).tolist()})
        (FOLDER / f"{name}.json").write_text(json.dumps({"ids": about["ids"], "text": about["text"], "rows": rows}) + "\n")


if __name__ == "__main__":
    main()
