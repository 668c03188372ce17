# SPDX-License-Identifier: Apache-2.0
"""Cases of aclnn_torch, as in aclnn_torch_cases: attention with its gradient, and lists of tensors as optimizers have them."""
import torch

from aclnn_torch_cases import BF16, F16, F32, I32, numbers, truths, whole


def layouts(x, layout):
    """[batch, heads, rows, numbers] in a layout."""
    if layout == 'BNSD':
        return x
    x = x.transpose(1, 2)
    if layout == 'BSND':
        return x.contiguous()
    x = x.flatten(2)
    return x.contiguous() if layout == 'BSH' else x.transpose(0, 1).contiguous()


def flash_attention():
    """(query, key, value, dy), mask or None, sparse mode, before, after, dropped, layout"""
    far = 2147483647
    triangle = torch.ones(2048, 2048, dtype=torch.bool).triu(1)
    for dtype, heads, shared, rows, keys, mask, mode, before, after, keep, layout in (
            (F32, 4, 4, 7, 9, None, 0, far, far, 1.0, 'BNSD'),
            (F32, 4, 2, 7, 9, truths(7, 9), 0, far, far, 1.0, 'BSND'),
            (F32, 4, 2, 9, 9, triangle, 2, far, 0, 1.0, 'BSH'),
            (F32, 4, 4, 5, 9, triangle, 3, far, 0, 1.0, 'SBH'),
            (F32, 2, 1, 9, 9, triangle, 4, 3, 1, 1.0, 'BNSD'),
            (F16, 4, 4, 8, 8, triangle, 2, far, 0, 1.0, 'BNSD'),
            (BF16, 4, 4, 8, 8, truths(2, 1, 8, 8), 0, far, far, 1.0, 'BNSD'),
            (F32, 4, 2, 8, 8, None, 0, far, far, 0.75, 'BNSD')):
        batch, size, scale = 2, 8, 8**-0.5
        q, dy, k, v = (numbers(batch, n, m, size, dtype=dtype, low=-1, high=1, seed=seed)
                       for seed, (n, m) in enumerate(((heads, rows), (heads, rows), (shared, keys), (shared, keys))))
        i, j = torch.arange(rows)[:, None], torch.arange(keys)
        at = i + (keys - rows if mode > 2 else 0)
        hidden = {2: j > at, 3: j > at, 4: (j > at + after) | (j < at - before)}.get(mode, mask)
        if mode == 0 and mask is not None:
            hidden = mask & ~torch.eye(rows, keys, dtype=torch.bool)  # every row sees something
            mask = hidden
        bits = whole(batch * heads * rows * keys // 8 + 32, low=0, high=256, dtype=torch.uint8) if keep < 1 else None

        def attention(q, k, v, hidden=hidden, bits=bits, keep=keep, scale=scale):
            group = q.shape[1] // k.shape[1]
            scores = q.float() @ k.float().repeat_interleave(group, 1).mT * scale
            if hidden is not None:
                scores = scores.masked_fill(hidden, float('-inf'))
            largest = scores.amax(-1, keepdim=True)
            sums = (scores - largest).exp().sum(-1, keepdim=True)
            p = scores.softmax(-1)
            if bits is not None:
                stays = (bits[:, None] >> torch.arange(8, dtype=torch.uint8) & 1).flatten()[:p.numel()].view(p.shape)
                p = p * stays / keep
            return largest.expand(*largest.shape[:-1], 8), sums.expand(*sums.shape[:-1], 8), \
                p @ v.float().repeat_interleave(group, 1)

        parameters = [None, scale, keep, before, after, heads, layout, 0, mode]
        given = [layouts(t, layout) for t in (q, k, v)]
        largest, sums, y = attention(q, k, v)
        y = layouts(y.to(dtype), layout)
        nothing = torch.zeros(0, dtype=dtype)
        yield 'FlashAttentionScore', [*given, None, bits, None, mask, *parameters], \
            lambda *rest, a=largest, s=sums, y=y, e=nothing: (a.contiguous(), s.contiguous(), e, y)
        leaves = [t.float().requires_grad_() for t in (q, k, v)]
        attention(*leaves)[2].backward(dy.float())
        gradients = [layouts(t.grad.to(dtype), layout) for t in leaves]
        yield 'FlashAttentionScoreGrad', [*given, layouts(dy, layout), None, bits, None, mask, largest.contiguous(),
                                          sums.contiguous(), None, y, *parameters], \
            lambda *rest, g=gradients, e=nothing: (*g, e)


def lists():
    x = [numbers(3, 5, low=0.1, high=0.9), numbers(7, low=0.1, high=0.9), numbers(2, 1, 3, low=0.1, high=0.9, seed=1)]
    y, z = ([numbers(*t.shape, low=0.2, high=2.0, seed=s) for t in x] for s in (2, 3))
    half = [t.to(F16) for t in x]
    functions = {'Abs': torch.abs, 'Acos': torch.acos, 'Asin': torch.asin, 'Atan': torch.atan, 'Cos': torch.cos,
                 'Cosh': torch.cosh, 'Erf': torch.erf, 'Erfc': torch.erfc, 'Exp': torch.exp, 'Expm1': torch.expm1,
                 'Log': torch.log, 'Log10': torch.log10, 'Log1p': torch.log1p, 'Log2': torch.log2, 'Neg': torch.neg,
                 'Reciprocal': torch.reciprocal, 'Sigmoid': torch.sigmoid, 'Sign': torch.sign, 'Sin': torch.sin,
                 'Sinh': torch.sinh, 'Sqrt': torch.sqrt, 'Tan': torch.tan, 'Tanh': torch.tanh, 'Copy': torch.clone}
    for name, f in functions.items():
        yield f'Foreach{name}', [x], lambda x, f=f: [[f(t) for t in x]]
        yield f'Foreach{name}', [half], lambda x, f=f: [[f(t.float()).to(F16) for t in x]]
    pairs = {'Add': torch.add, 'Sub': torch.sub, 'Mul': torch.mul, 'Div': torch.div, 'Pow': torch.pow,
             'Maximum': lambda a, b: torch.maximum(a, torch.as_tensor(b)), 'Minimum': lambda a, b: torch.minimum(a, torch.as_tensor(b))}
    for name, f in pairs.items():
        yield f'Foreach{name}Scalar', [x, torch.tensor([0.7])], lambda x, s, f=f: [[f(t, s) for t in x]]
        yield f'Foreach{name}ScalarV2', [x, 0.7], lambda x, s, f=f: [[f(t, s) for t in x]]
        if name in ('Add', 'Sub'):
            yield f'Foreach{name}List', [x, y, torch.tensor([0.7])], lambda x, y, s, f=f: [[f(t, u * s) for t, u in zip(x, y)]]
            yield f'Foreach{name}ListV2', [x, y, 0.7], lambda x, y, s, f=f: [[f(t, u * s) for t, u in zip(x, y)]]
        else:
            yield f'Foreach{name}List', [x, y], lambda x, y, f=f: [[f(t, u) for t, u in zip(x, y)]]
    for name, f in (('Addcdiv', torch.addcdiv), ('Addcmul', torch.addcmul)):
        yield f'Foreach{name}Scalar', [x, y, z, torch.tensor([0.3])], \
            lambda x, y, z, s, f=f: [[f(a, b, c, value=s.item()) for a, b, c in zip(x, y, z)]]
        yield f'Foreach{name}ScalarV2', [x, y, z, 0.3], lambda x, y, z, s, f=f: [[f(a, b, c, value=s) for a, b, c in zip(x, y, z)]]
        yield f'Foreach{name}ScalarList', [x, y, z, torch.tensor([0.3, 0.5, -2.0])], \
            lambda x, y, z, s, f=f: [[f(a, b, c, value=v.item()) for a, b, c, v in zip(x, y, z, s)]]
    for weight in (0.3, 0.8):
        yield 'ForeachLerpScalar', [x, y, weight], lambda x, y, w: [[torch.lerp(a, b, w) for a, b in zip(x, y)]]
    yield 'ForeachLerpList', [x, y, z], lambda x, y, z: [[torch.lerp(a, b, c) for a, b, c in zip(x, y, z)]]
    yield 'ForeachPowScalarAndTensor', [1.5, x], lambda s, x: [[torch.pow(s, t) for t in x]]
    for power in (1.0, 2.0, float('inf')):
        yield 'ForeachNorm', [y, power], lambda x, p: [[torch.linalg.vector_norm(t, p) for t in x]]
    for mode, f in ((1, torch.round), (2, torch.floor), (3, torch.ceil), (5, torch.trunc), (7, torch.frac)):
        yield 'ForeachRoundOffNumberV2', [y, mode], lambda x, m, f=f: [[f(t) for t in x]]
    yield 'ForeachZeroInplace', [y], lambda x: [[torch.zeros_like(t) for t in x]]
    yield 'ForeachAddScalarV2', [[whole(5), whole(2, 3)], 3], lambda x, s: [[t + s for t in x]]
    for bad in (0.0, float('inf'), float('nan')):
        yield 'ForeachNonFiniteCheckAndUnscale', [[*x, torch.tensor([1.0, bad])], torch.zeros(1), torch.tensor([0.25])], \
            lambda x, found, s: ([t * s for t in x], torch.ones(1) if not x[-1].isfinite().all() else torch.zeros(1))
    yield 'ForeachCopy', [[whole(5, dtype=I32)]], lambda x: [[t.clone() for t in x]]


def pools():
    x, window = numbers(2, 3, 9, 8), [[3, 2], [2, 2], [1, 0], [1, 1], False]
    mask = torch.zeros(2, 3, 6, 96, dtype=torch.int8)
    yield 'MaxPool2dWithMask', [x, *window], lambda x, *rest: (torch.max_pool2d(x, *window), mask)
    leaf = x.clone().requires_grad_()
    dy = numbers(*torch.max_pool2d(x, *window).shape)
    torch.max_pool2d(leaf, *window).backward(dy)
    yield 'MaxPool2dWithMaskBackward', [dy, x, mask, *window], lambda *rest: leaf.grad


def cases():
    for group in (flash_attention, lists, pools):
        yield from group()
