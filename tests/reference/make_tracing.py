#!/usr/bin/env python3
"""make_tracing.py - what causal tracing and attention knockout must show for some tiny models: one run of PyTorch for each cell.

    make_tracing.py [NAME…]      writes tests/fixtures/tracing/NAME.json

Windows of layers are those of the papers' own code (Meng et al. 2022, Geva et al. 2023): width // 2 layers below the row's, and as many
above as make up the width, cut off at both ends.  Nothing is shared between cells; double precision; maps hold the raw metric.
"""
import numpy as np

from fixture_files import FIXTURES, write_each
from make_patching import Maps
from probe import number, numbers

TRACING = FIXTURES / "tracing"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2"]
FORMS = {"mask": "scores {{}} @{}<{}..{} mask", "zero": "pattern {{}} @{}<{}..{} zero"}


class Tracing(Maps):
    def value(self, lines, foil=None):
        return self.metric(self.probe.run(self.ids, lines, base=self.run, foil=foil))

    def window(self, form, layer, width):
        return [form.format(l) for l in range(max(0, layer - width // 2), min(self.layers, layer - (-width // 2)))]

    # -- attention knockout

    def cut(self, mode, query, spans, layer, width):
        """The metric when query may not look at those spans of keys (first, last); None where there are none."""
        lines = [line for first, last in spans for line in self.window(FORMS[mode].format(query, first, last), layer, width)]
        return number(self.value(lines)) if lines else None

    def layers_map(self, mode, query, width):
        return {"words": f"mode={mode} query={query} window={width}",
                "map": [[self.cut(mode, query, [(j, j)] if j <= query else [], l, width) for j in range(len(self.ids))]
                        for l in range(self.layers)]}

    def positions_map(self, mode, layer, width):
        n = len(self.ids)
        return {"words": f"mode={mode} map=positions layer={layer} window={width}",
                "map": [[self.cut(mode, i, [(j, j)] if j <= i else [], layer, width) for j in range(n)] for i in range(n)]}

    def spans_map(self, mode, query, first, last, width):
        """The span, the other earlier keys, the query itself: each as the single keys that make it up."""
        span = [(j, j) for j in range(first, last + 1) if j < query]
        others = [(j, j) for j in range(query) if not first <= j <= last]
        return {"words": f"mode={mode} map=spans query={query} from={first} to={last} window={width}",
                "map": [[self.cut(mode, query, keys, l, width) for keys in (span, others, [(query, query)])]
                        for l in range(self.layers)]}

    # -- causal tracing

    def trace(self, site, first, last, sigma, seeds, width):
        """The clean run's values put back under noise: mean over seeds and standard errors, raw and normalised."""
        noise = [f"embed 0 @{first}..{last} noise {sigma} {seed}" for seed in range(seeds)]
        clean, noised = self.metric(self.run), np.array([self.value([n]) for n in noise])
        values = np.array([[[self.value([n] + self.window(f"{site} {{}} @{t} patch", l, width), self.run) for n in noise]
                            for t in range(len(self.ids))] for l in range(self.layers)])  # [L, T, seeds]
        mended, span = values - noised, clean - noised
        ratio = mended.mean(-1) / span.mean()
        answer = {"words": f"site={site} from={first} to={last} sigma={sigma} seeds={seeds} window={width}",
                  "raw": numbers(values.mean(-1)), "normalised": numbers(ratio)}
        if seeds > 1:
            residual = mended - ratio[..., None] * span
            answer["raw_errors"] = numbers(values.std(-1, ddof=1) / seeds**0.5)
            answer["normalised_errors"] = numbers(np.sqrt((residual**2).sum(-1) / (seeds * (seeds - 1))) / abs(span.mean()))
        return answer

    def answer(self):
        last, middle = len(self.ids) - 1, self.layers // 2
        sites = ["resid_pre", "attn_out", "mlp_out", "resid_post"] + ["resid_mid"] * (not self.probe.parallel)
        tracing = [self.trace(site, 1, 2, 3, 3, 1) for site in sites] + [self.trace(site, 3, 3, 1, 1, w) for w, site in enumerate(sites, 2)]
        knockout = [self.layers_map("mask", last, 1), self.layers_map("zero", 4, 2), self.layers_map("mask", 3, 3),
                    self.positions_map("mask", middle, 2), self.positions_map("zero", 0, 1),
                    self.spans_map("mask", last, 1, 3, 2), self.spans_map("zero", last, 0, 2, 1), self.spans_map("mask", 3, 2, 5, 3)]
        return {
            "about": "made by tests/reference/make_tracing.py",
            "model": self.name, "ids": self.ids, "foil_ids": self.foil_ids,
            "metric": "logit_diff #{} #{}".format(*self.targets),
            "prompt": number(self.metric(self.run)), "foil": number(self.metric(self.foil)),
            "tracing": tracing, "knockout": knockout,
        }


if __name__ == "__main__":
    write_each(__doc__, TRACING, NAMES, lambda name: Tracing(name).answer(), breaks=["]], ", "]]}, "])
