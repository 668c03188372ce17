# SPDX-License-Identifier: Apache-2.0
"""Writes fixture.bin: inputs and results of row operators and attention, computed in float64 by PyTorch and
Transformers, so that the operators' meaning is checked by code that is not ours.

Needs torch 2.13 and transformers 5.23. Run: python tests/ops_oracle/make_fixture.py

The file is a list of lines, each followed by the bytes it announces:
  case OPERATOR name=value ...        (attributes, lists as 1,2,3; no bytes)
  tensor NAME f32|f16|i32|i8|u8 DIM ...     (little-endian numbers, row-major)
Tensors belong to the case before them; `expected` is the result, the others are inputs by port name.
"""
import pathlib
import types

import numpy as np
import torch
import torch.nn.functional as F
from transformers.models.gemma2.modeling_gemma2 import eager_attention_forward as gemma2_attention
from transformers.models.gpt_oss.modeling_gpt_oss import eager_attention_forward as gpt_oss_attention
from transformers.models.gptj.modeling_gptj import apply_rotary_pos_emb as gptj_rope
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb as llama_rope

torch.manual_seed(20)
out = open(pathlib.Path(__file__).with_name("fixture.bin"), "wb")


def case(op, **attributes):
    out.write(" ".join(["case", op] + [f"{k}={v}" for k, v in attributes.items()]).encode() + b"\n")


def tensor(name, values, dtype="f32"):
    kind = {"f32": "<f4", "f16": "<f2", "i32": "<i4", "i8": "i1", "u8": "u1"}[dtype]
    array = np.ascontiguousarray(np.asarray(values), dtype=kind)
    out.write(" ".join(["tensor", name, dtype] + [str(d) for d in array.shape]).encode() + b"\n" + array.tobytes())


def normal(*dims, dtype=torch.float32):
    return torch.randn(*dims).to(dtype).double()


def rows():
    x, w, b = normal(7, 100), normal(100), normal(100)
    case("rms_norm", eps=1e-5)
    tensor("x", x), tensor("weight", w), tensor("expected", F.rms_norm(x, (100,), w, 1e-5))
    case("layer_norm", eps=1e-5)
    tensor("x", x), tensor("weight", w), tensor("bias", b), tensor("expected", F.layer_norm(x, (100,), w, b, 1e-5))
    x = normal(3, 37, 5) * 4
    for op, function in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        case(op, axis=1)
        tensor("x", x), tensor("expected", function(x, dim=1))
    gate, up = normal(6, 50) * 3, normal(6, 50)
    for op, function in (("swiglu", F.silu), ("geglu", F.gelu), ("geglu_tanh", lambda x: F.gelu(x, approximate="tanh")),
                         ("reglu", F.relu), ("glu", torch.sigmoid)):
        case(op)
        tensor("gate", gate), tensor("up", up), tensor("expected", function(gate) * up)


def rope():
    positions = torch.tensor([0, 1, 17, 511, 4095, 100000])
    for pairs, d in ((32, 64), (8, 40)):
        inv_freq = 1.0 / (10000.0 ** (torch.arange(0, pairs) / pairs))
        x = normal(len(positions), 3, d)
        # Angles are F32 products in Transformers too; the rest is float64.
        angles = (positions.float()[:, None] * inv_freq.float()[None, :]).double()
        both = torch.cat([angles, angles], dim=-1)
        neox, _ = llama_rope(x[None, :, :, :2 * pairs], x[None, :, :, :2 * pairs], both.cos()[None], both.sin()[None],
                             unsqueeze_dim=2)
        interleaved = gptj_rope(x[None, :, :, :2 * pairs], angles.sin()[None], angles.cos()[None])
        for style, rotated in (("neox", neox), ("interleaved", interleaved)):
            case("rope", style=style)
            tensor("x", x), tensor("positions", positions, "i32"), tensor("inv_freq", inv_freq)
            tensor("expected", torch.cat([rotated[0], x[:, :, 2 * pairs:]], dim=-1))


def attention(heads, kv_heads, d, dtype, sequences, window=0, soft_cap=0.0, causal=1, with_sinks=False):
    """sequences: (length, tokens): the last `tokens` of each sequence's positions are queries."""
    case("attention", window=window, soft_cap=soft_cap, causal=causal, scale=d**-0.5)
    sinks = normal(heads)
    keys, values, queries, expected = [], [], [], []
    for length, tokens in sequences:
        k, v = (normal(length, kv_heads, d, dtype=dtype) for _ in range(2))
        q = normal(tokens, heads, d)
        row, column = torch.arange(length - tokens, length)[:, None], torch.arange(length)[None, :]
        sees = torch.ones(tokens, length, dtype=torch.bool)
        if causal:
            sees &= column <= row
        if window:
            sees &= column > row - window
        batch = [t.transpose(0, 1)[None] for t in (q, k, v)]  # [1, heads, positions, d]
        if with_sinks or soft_cap:
            module = types.SimpleNamespace(num_key_value_groups=heads // kv_heads, sinks=sinks, training=False)
            mask = torch.zeros(1, 1, tokens, length, dtype=torch.float64).masked_fill(~sees, -torch.inf)
            if with_sinks:
                y, _ = gpt_oss_attention(module, *batch, mask, scaling=d**-0.5)
            else:
                # Its softmax is computed in F32: hence the case's own tolerance in the test.
                y, _ = gemma2_attention(module, *batch, mask, scaling=d**-0.5, softcap=soft_cap)
            y = y[0]
        else:
            y = F.scaled_dot_product_attention(*batch, attn_mask=sees, enable_gqa=True)[0].transpose(0, 1)
        keys.append(k), values.append(v), queries.append(q), expected.append(y)
    numpy_dtype = {torch.float16: "f16", torch.float32: "f32"}[dtype]
    tensor("q", torch.cat(queries)), tensor("k", torch.cat(keys), numpy_dtype), tensor("v", torch.cat(values), numpy_dtype)
    tensor("lengths", [length for length, _ in sequences], "i32")
    tensor("tokens", [tokens for _, tokens in sequences], "i32")
    if with_sinks:
        tensor("sinks", sinks)
    tensor("expected", torch.cat(expected))


def convolutions():
    x, w, b = normal(2, 6, 9, 12), normal(8, 3, 3, 4), normal(8)
    case("convolution", strides="2,1", pads="1,2,1,2", dilations="1,2", groups=2)
    tensor("x", x), tensor("weight", w), tensor("bias", b)
    tensor("expected", F.conv2d(x, w, b, (2, 1), (1, 2), (1, 2), 2))
    x, w = normal(1, 2, 4, 5, 6), normal(3, 2, 2, 3, 2)
    case("convolution", pads="1,0,1,1,0,1")
    tensor("x", x), tensor("weight", w), tensor("expected", F.conv3d(x, w, padding=(1, 0, 1)))
    x, w, b = normal(2, 4, 5, 6), normal(4, 3, 3, 4), normal(6)
    case("transposed_convolution", strides="2,3", pads="1,2,1,2", dilations="2,1", groups=2, output_padding="1,2")
    tensor("x", x), tensor("weight", w), tensor("bias", b)
    tensor("expected", F.conv_transpose2d(x, w, b, (2, 3), (1, 2), (1, 2), 2, (2, 1)))
    x, w = normal(1, 3, 10), normal(3, 2, 5)
    case("transposed_convolution", strides="4")
    tensor("x", x), tensor("weight", w), tensor("expected", F.conv_transpose1d(x, w, stride=4))


def pools():
    x = normal(2, 3, 11, 14)
    windows = {"sizes": "3,4", "strides": "2,3", "pads": "1,2,1,2"}
    for counted in (0, 1):
        case("average_pool", **windows, ceil_mode=1, count_include_pad=counted)
        tensor("x", x)
        tensor("expected", F.avg_pool2d(x, (3, 4), (2, 3), (1, 2), ceil_mode=True, count_include_pad=bool(counted)))
    case("max_pool", **windows, dilations="2,1", ceil_mode=1)
    tensor("x", x), tensor("expected", F.max_pool2d(x, (3, 4), (2, 3), (1, 2), (2, 1), ceil_mode=True))
    x = normal(1, 2, 6, 7, 8)
    case("average_pool", sizes="2,3,2", strides="2,2,2", divisor=5)
    tensor("x", x), tensor("expected", F.avg_pool3d(x, (2, 3, 2), 2, divisor_override=5))


def resizes():
    x = normal(2, 3, 9, 14).float()
    sizes = {"sizes": "13,6"}
    for mode, coordinates, nearest, how in (
            ("nearest", "asymmetric", "floor", {"mode": "nearest"}),
            ("nearest", "half_pixel", "round_prefer_ceil", {"mode": "nearest-exact"}),
            ("linear", "half_pixel", "floor", {"mode": "bilinear", "align_corners": False}),
            ("linear", "align_corners", "floor", {"mode": "bilinear", "align_corners": True}),
            ("cubic", "half_pixel", "floor", {"mode": "bicubic", "align_corners": False}),
            ("cubic", "align_corners", "floor", {"mode": "bicubic", "align_corners": True})):
        case("resize", **sizes, mode=mode, coordinates=coordinates, nearest=nearest)
        tensor("x", x), tensor("expected", F.interpolate(x.double(), (13, 6), **how))
    x = normal(1, 2, 4, 5, 6).float()
    case("resize", sizes="7,3,9", mode="linear", scales="1.8,0.7,1.6")
    tensor("x", x)
    tensor("expected", F.interpolate(x.double(), scale_factor=(1.8, 0.7, 1.6), mode="trilinear"))
    x = normal(2, 3, 8, 9)
    case("im2col", sizes="3,2", strides="2,1", pads="1,2,1,2", dilations="1,3")
    tensor("x", x), tensor("expected", F.unfold(x, (3, 2), (1, 3), (1, 2), (2, 1)))


def solves():
    a, b = normal(2, 12, 12) + 5 * torch.eye(12), normal(2, 12, 5)
    for upper, transposed, unit in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 1)):
        case("triangular_solve", upper=upper, transposed=transposed, unit=unit)
        small = a / 20 if unit else a  # or the solution grows beyond all measure
        tensor("a", small), tensor("b", b)
        # Over there the triangle is named after the transposition.
        matrix = small.float().double().mT if transposed else small.float().double()
        tensor("expected", torch.linalg.solve_triangular(matrix, b, upper=bool(upper) != bool(transposed), unitriangular=bool(unit)))


def rotations():
    x, angles = normal(2, 5, 3, 32), normal(5, 1, 16) * 3
    for style in ("neox", "interleaved"):
        both = torch.cat([angles, angles], dim=-1) if style == "neox" else angles.repeat_interleave(2, dim=-1)
        case("rotate_pairs", style=style)
        tensor("x", x), tensor("cos", both.cos()), tensor("sin", both.sin())
        if style == "neox":
            y, _ = llama_rope(x, x, both.cos(), both.sin(), unsqueeze_dim=0)
        else:
            y = gptj_rope(x, angles.sin()[None, :, 0], angles.cos()[None, :, 0])
        tensor("expected", y)


def dense_attention(q, k, v, sees, mask=None, **attributes):
    case("dense_attention", **attributes)
    tensor("q", q), tensor("k", k), tensor("v", v)
    if mask is not None:
        tensor("mask", mask)
        sees = mask if sees is None else mask.masked_fill(~sees, -torch.inf)
    tensor("expected", F.scaled_dot_product_attention(q, k, v, attn_mask=sees, enable_gqa=True))


def dense_attentions():
    row, column = torch.arange(9)[:, None], torch.arange(80)[None, :]
    q, k, v = normal(2, 4, 9, 8), normal(2, 2, 80, 8), normal(2, 2, 80, 6)
    dense_attention(q, k, v, column <= row + 71, after=0)
    dense_attention(q, k, v, column <= row, after=0, align="start")
    dense_attention(q, k, v, None, normal(2, 1, 9, 80))
    dense_attention(q, k, v, (column <= row + 73) & (column >= row + 31), normal(9, 80), after=2, before=40)


def dequantized():
    x, scale, offset, bias = normal(3, 64), normal(10, 2), normal(10, 2), normal(10)
    q = torch.randint(-128, 128, (10, 64))
    weight = ((q + offset.repeat_interleave(32, 1)) * scale.repeat_interleave(32, 1)).double()
    case("linear_dequantized")
    tensor("x", x), tensor("weight", q, "i8"), tensor("scale", scale), tensor("offset", offset), tensor("bias", bias)
    tensor("expected", F.linear(x, weight, bias))
    q = torch.randint(-8, 8, (10, 64))
    case("linear_dequantized")
    tensor("x", x), tensor("weight", (q[:, ::2] & 15) | (q[:, 1::2] & 15) << 4, "u8"), tensor("scale", scale[:, :1])
    tensor("expected", F.linear(x, q * scale[:, :1]))


rows()
rope()
attention(6, 2, 32, torch.float16, [(70, 5), (130, 1), (9, 9)])
attention(4, 4, 16, torch.float32, [(100, 20), (65, 1)], window=30)
attention(4, 1, 24, torch.float16, [(90, 4), (64, 2)], with_sinks=True)
attention(4, 2, 16, torch.float32, [(80, 6)], soft_cap=3.0)
attention(4, 2, 16, torch.float32, [(40, 40), (70, 3)], causal=0)
convolutions()
dense_attentions()
dequantized()
pools()
resizes()
solves()
rotations()
out.close()
