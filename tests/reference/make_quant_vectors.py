#!/usr/bin/env python3
"""Makes tests/fixtures/quant_vectors/NAME.bin (24 random blocks) and NAME.f32 (what they expand to).

    pip install gguf numpy torch
    python tests/reference/make_quant_vectors.py [NAME ...]

The oracle is the gguf package of llama.cpp (gguf.quants.dequantize) and, for halves, numpy, for bytes torch. Blocks are random bytes
with finite scales; the values are stored as the float32 that the reference gives, to be matched bit for bit.
Without names: the formats that tests/fixtures/quant_vectors did not come with.
"""
import pathlib
import sys
import zlib

import numpy as np
import gguf
import torch
from gguf import quants

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "quant_vectors"
BLOCKS = 24
F8 = {"F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2}
# Where a block has its halves: byte offsets.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": [],
}


def quantised(name):
    kind = gguf.GGMLQuantizationType[name]
    block, size = gguf.GGML_QUANT_SIZES[kind]
    random = np.random.default_rng(zlib.crc32(name.encode()))
    blocks = random.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
    for offset in HALVES[name]:
        scales = random.normal(0, 0.02, BLOCKS).astype(np.float16)
        scales[0], scales[1] = np.float16(6e-8), np.float16(-65504)     # the smallest subnormal, the largest
        blocks[:, offset : offset + 2] = scales.view(np.uint8).reshape(BLOCKS, 2)
    if name == "MXFP4":  # powers from the least, which is subnormal, to those whose values are not infinite
        blocks[:, 0] = np.r_[0, 1, 2, 251, random.integers(0, 252, BLOCKS - 4)]
    return blocks.tobytes(), quants.dequantize(blocks, kind).astype("<f4").tobytes()


def halves(name):
    every = np.arange(0, 65536, 13, dtype="<u2")
    if name.startswith("F8"):
        every = np.arange(256, dtype=np.uint8)
        values = torch.from_numpy(every).view(F8[name]).float().numpy()
        finite = np.isfinite(values)
        return every[finite].tobytes(), values[finite].astype("<f4").tobytes()
    if name == "F16":
        every = every[(every & 0x7C00) != 0x7C00]       # finite ones
        return every.tobytes(), every.view("<f2").astype("<f4").tobytes()
    every = every[(every & 0x7F80) != 0x7F80]
    return every.tobytes(), (every.astype("<u4") << 16).tobytes()


def main(names):
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or ["Q3_K", "Q5_1", "IQ4_XS", "F16", "BF16", "F8_E4M3", "F8_E5M2"]:
        raw, floats = halves(name) if name in ("F16", "BF16", *F8) else quantised(name)
        (FOLDER / f"{name}.bin").write_bytes(raw)
        (FOLDER / f"{name}.f32").write_bytes(floats)
        print(f"{name}: {len(raw)} bytes, {len(floats) // 4} values")


if __name__ == "__main__":
    main(sys.argv[1:])
