# SPDX-License-Identifier: Apache-2.0
"""Cases of aclnn_torch, as in aclnn_torch_cases: reading and writing at coordinates, and results whose size depends on data."""
import dataclasses

import torch

from aclnn_torch_cases import F16, F32, I, I32, I64, X, numbers, truths, whole


@dataclasses.dataclass
class Sized:
    """A result whose size depends on data, and the dims of the place for it."""
    result: torch.Tensor
    greatest: tuple


def selecting():
    def both(x, unique):
        found, inverse, counts = unique(x, return_inverse=True, return_counts=True)
        return Sized(found, (x.numel(),)), inverse, Sized(counts, (x.numel(),))

    def slices(x, dim, unique):
        found, inverse, counts = unique(x, return_inverse=True, return_counts=True, dim=dim)
        return Sized(found, tuple(x.shape)), inverse, Sized(counts, (x.shape[dim],))

    for x in (X, X.t(), I, whole(4, 19, dtype=F16), truths(3, 5, 7), torch.tensor([3.0]), torch.zeros(5)):
        yield 'Nonzero', [x], lambda x: Sized(torch.nonzero(x), (x.numel(), x.dim()))
        yield 'NonzeroV2', [x], lambda x: Sized(torch.nonzero(x).t().contiguous(), (x.dim(), x.numel()))
        yield 'MaskedSelect', [x, x > 0], lambda x, m: Sized(torch.masked_select(x, m), (x.numel(),))
    yield 'MaskedSelect', [X, truths(37)], lambda x, m: Sized(torch.masked_select(x, m), (x.numel(),))
    for x in (I, whole(3000, low=0, high=40, dtype=I64), whole(7, 9, dtype=F32), truths(9), whole(4, 19, dtype=F16).t()):
        yield 'Unique', [x, True, True], lambda x, *rest: both(x, torch.unique)[:2]
        yield 'Unique', [x, True, False], lambda x, *rest: (Sized(torch.unique(x), (x.numel(),)), torch.zeros(0, dtype=I64))
        yield 'Unique2', [x, True, True, True], lambda x, *rest: both(x, torch.unique)
        yield 'UniqueConsecutive', [x, True, True, 1000], lambda x, *rest: both(x, torch.unique_consecutive)
    for x in (whole(40, 2, low=0, high=3), whole(2, 50, 2, low=0, high=2, dtype=F32), whole(3, 4, 5, dtype=I64)):
        for dim in range(x.dim()):
            yield 'UniqueDim', [x, True, True, dim], lambda x, s, i, d: slices(x, d, torch.unique)
            yield 'UniqueConsecutive', [x, True, True, dim], lambda x, i, c, d: slices(x, d, torch.unique_consecutive)


def coordinates():
    x, none = numbers(5, 7, 4), torch.zeros(0)
    i, j = torch.tensor([3, 1, 0, -1]), torch.tensor([[2], [0], [-3]])
    column = torch.tensor([[0], [1], [3], [2]])
    picks = ([i], [none, i], [none, none, i], [i, column], [none, i, column], [i, none, column], [i, column, i],
             [i.to(I32), none, none], [j, i])
    for pick in picks:
        where = tuple(slice(None) if t is none else t for t in pick)
        where += (slice(None),) * (3 - len(where))
        yield 'Index', [x, pick], lambda x, p, w=where: x[w].contiguous()
        yield 'Index', [x.to(F16).transpose(0, 2).contiguous().transpose(0, 2), pick], lambda x, p, w=where: x[w].contiguous()
        values = numbers(*x[where].shape, seed=3)

        def put(x, p, v, a, u, w=where):
            return torch.ops.aten.index_put(x, [t if isinstance(t, torch.Tensor) else None for t in w], v, a)
        yield 'IndexPutImpl', [x, pick, values, True, False], put
        yield 'IndexPutImpl', [x, pick, torch.tensor(2.0), False, False], put
    yield 'IndexPutImpl', [x, [i, i], numbers(4), False, False], lambda x, p, v, a, u: x.index_put(tuple(p), v.expand(4, 4), a)
    yield 'IndexPutImpl', [whole(5, 4), [i], whole(4, 4), True, False], lambda x, p, v, a, u: x.index_put(tuple(p), v, a)


def cases():
    for group in (selecting, coordinates):
        yield from group()
