#!/usr/bin/env python3
"""make_defaults.py - what transformers takes for the longest prompt where config.json does not say, for each family's fixture.

    python tests/reference/make_defaults.py      writes tests/fixtures/defaults/contexts.txt: folder below families/, context
"""
import json
from pathlib import Path

from transformers import CONFIG_MAPPING

FIXTURES = Path(__file__).parent.parent / "fixtures"
KEYS = ["max_position_embeddings", "n_positions", "max_seq_len"]


def default_context(kind):
    config = CONFIG_MAPPING[kind]().get_text_config()
    return next((getattr(config, key) for key in KEYS if getattr(config, key, None)), None)


def main():
    lines = []
    for folder in sorted((FIXTURES / "families").iterdir()):
        settings = json.loads((folder / "config.json").read_text())
        kind = settings.get("text_config", settings).get("model_type") or settings["model_type"]
        if kind in CONFIG_MAPPING and any(key in settings for key in KEYS) and default_context(kind):
            lines.append(f"{folder.name} {default_context(kind)}")
    (FIXTURES / "defaults" / "contexts.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
