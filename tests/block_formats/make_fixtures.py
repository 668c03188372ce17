#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the files beside it with the PyPI package gguf (0.19.0): pip install gguf; python3 make_fixtures.py

NAME.blocks     random blocks of the format, every bit of the quants and most scales in use
NAME.values     what gguf.quants.dequantize makes of them, F32
input.values    F32 numbers to quantise
NAME.quantized  what gguf.quants.quantize makes of input.values, for the formats it can quantise
"""
import pathlib

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGML_QUANT_SIZES, quants

FORMATS = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "MXFP4"]
# Byte offsets of the F16 fields in a block, so that they can be given sane and awkward values.
F16_FIELDS = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82],
              "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "MXFP4": []}

folder = pathlib.Path(__file__).parent
random = np.random.default_rng(7)
AWKWARD = np.array([0.0, -0.0, 6e-8, -3e-5, 65504.0, -65504.0], np.float16)  # zero, subnormal, largest

for name in FORMATS:
    elements, size = GGML_QUANT_SIZES[Type[name]]
    count = 20 if elements == 32 else 10
    blocks = random.integers(0, 256, (count, size), np.uint8)
    for field in F16_FIELDS[name]:
        scales = random.normal(0, 0.02, count).astype(np.float16)
        scales[:len(AWKWARD)] = np.roll(AWKWARD, field)
        blocks[:, field:field + 2] = scales.view(np.uint8).reshape(count, 2)
    if name == "MXFP4":
        blocks[:, 0] = np.linspace(0, 255, count).astype(np.uint8)
    with np.errstate(over="ignore", under="ignore"):
        values = quants.dequantize(blocks, Type[name])
    (folder / f"{name}.blocks").write_bytes(blocks.tobytes())
    (folder / f"{name}.values").write_bytes(values.astype("<f4").tobytes())

values = random.normal(0, 0.05, 512).astype(np.float32)
values[:32] = 0
values[32:64] *= 1e-6
values[64:96] *= 1000
values[96:128] = np.abs(values[96:128])
values[128:160] = -values[96:128]
(folder / "input.values").write_bytes(values.tobytes())
for name in ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4", "BF16"]:
    with np.errstate(all="ignore"):
        (folder / f"{name}.quantized").write_bytes(quants.quantize(values, Type[name]).tobytes())
