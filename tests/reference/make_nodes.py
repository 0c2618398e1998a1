#!/usr/bin/env python3
"""make_nodes.py - what each head, MLP, neuron and expert of tiny models is worth to a logit difference, by several measures.

    make_nodes.py [NAME…]      writes tests/fixtures/nodes/NAME.json

direct: make_tree.py's sums, forwards.  effect: the metric minus the metric of a run with the node at 0 (probe.py's hooks).  gradient times
activation: the slope of the metric as the node is scaled, by runs with it a little larger and a little smaller, extrapolated, in double
precision.
activation: of a neuron its own, of others the length of what they write, at the last position.
"""
from fixture_files import FIXTURES, ids_of, load, write_each
from make_tree import Tree
from probe import Probe, number

FOLDER = FIXTURES / "nodes"
NAMES = ["tiny/gpt2-tied", "tiny/llama-grouped", "families/gpt_neox", "families/gemma2", "families/granite-bias", "families/bloom",
         "families/cohere", "families/olmo2", "families/mixtral", "families/qwen2_moe-dense"]
EDITS = [[], ["head 1.1 scale 0.5", "neuron 0.3 scale 2", "attn_out 1 scale 0.25"]]
STEP = 0.02     # some norms round to single precision


class Nodes(Tree):
    def value(self, ids, edits, base):
        z = self.probe.run(ids, edits, base=base)["logits"][-1]
        return (z[self.top[0]] - z[self.top[1]]).item()

    def slope(self, ids, edits, base, place):
        def over(step):
            longer, shorter = (self.value(ids, edits + [f"{place} scale {1 + s}"], base) for s in (step, -step))
            return (longer - shorter) / (2 * step)
        coarse, fine = over(STEP), over(STEP / 2)
        return fine + (fine - coarse) / 3

    def activation(self, run, place):
        kind, _, at = place.partition(" ")
        layer, _, unit = at.partition(".")
        if kind == "neuron":
            return run[f"blocks.{layer}.mlp_post"][-1, int(unit)]
        if kind == "expert":
            return run[f"blocks.{layer}.expert.{unit}"][-1].norm()
        if kind == "mlp_out":
            return run[f"blocks.{layer}.mlp_out"][-1].norm()
        W_O = self.W_O[int(layer)].reshape(self.heads, -1, self.W_O[int(layer)].shape[1])
        made = [run[f"blocks.{layer}.z"][-1, h] @ W_O[h] for h in range(self.heads)]
        return self.to_stream("attn", int(layer), made[int(unit)], sum(made)).norm()

    def case(self, ids, edits, plain):
        run = self.probe.run(ids, edits, base=plain)
        now = self.value(ids, edits, plain)
        direct = self.rows(run, edits, len(ids) - 1, self.W_U[self.top[0]] - self.W_U[self.top[1]])
        nodes = {}
        for key, share in direct.items():
            place = key.split(" @")[0]
            if place.startswith(("pattern", "attn_out")) or "/" in key:
                continue
            found = [share, self.slope(ids, edits, plain, place), now - self.value(ids, edits + [f"{place} zero"], plain),
                     self.activation(run, place)]
            nodes[place] = [number(x) for x in found]
        return {"edits": edits, "nodes": nodes}


def make(name):
    ids = ids_of(name)
    nodes = Nodes(Probe(load(name)))
    plain = nodes.probe.run(ids)
    mixes = nodes.W_out[0] is None
    nodes.top = plain["logits"][-1].argsort(descending=True)[:2].tolist()
    return {"about": "made by tests/reference/make_nodes.py", "model": name, "ids": ids, "foil_ids": ids,
            "metric": "logit_diff #{} #{}".format(*nodes.top), "prompt": 0, "foil": 0,
            "cases": [nodes.case(ids, [e.replace("neuron", "expert") if mixes else e for e in edits], plain) for edits in EDITS]}


if __name__ == "__main__":
    write_each(__doc__, FOLDER, NAMES, make, breaks=["], "])
