# SPDX-License-Identifier: Apache-2.0
"""Cases of aclnn_torch, as in aclnn_torch_cases: experts and groups, quantising on the way, caches."""
import torch
import torch.nn.functional as F
from aclnn_torch_cases import BF16, BOOL, F16, F32, I32, I64, half_turn, numbers, slope, whole


def experts():
    """Rows brought to experts and back. What a place holds is worked out one by one."""
    x, chosen, n, k, count = numbers(6, 8), whole(6, 2, low=0, high=4, dtype=I32), 6, 2, 4
    flat = chosen.flatten().long()
    order = torch.argsort(flat, stable=True)
    places = torch.argsort(order)
    tally = torch.bincount(flat, minlength=count)
    by_column = torch.arange(12, dtype=I32).view(2, 6).t().contiguous()
    column_order = by_column.flatten()[order].long()
    yield 'MoeInitRouting', [x, by_column, chosen, 4], \
        lambda x, r, e, a: (x[column_order[:8] % 6], torch.argsort(column_order).to(I32), flat[order].to(I32))
    yield 'MoeInitRoutingV2', [x, chosen, 10, 0, count, 0, 2, False], \
        lambda x, e, *rest: (x[order[:10] // 2], places.to(I32), tally.to(I32), None)
    yield 'MoeInitRoutingV2', [x.to(F16), chosen, 0, 0, count, 0, 1, False], \
        lambda x, e, *rest: (x[order // 2], places.to(I32), tally.cumsum(0).to(I32), None)

    def seated(room, begin=0, end=count):
        """(row, choice) in each seat, -1 for none; the seat of each (row, choice)."""
        seats, where = [-1] * ((end - begin) * room), [-1] * 12
        taken = [0] * (end - begin)
        for at in order.tolist():
            expert = int(flat[at]) - begin
            if taken[expert] < room:
                where[at] = expert * room + taken[expert]
                seats[where[at]] = at
                taken[expert] += 1
        return seats, torch.tensor(where, dtype=I32)

    def rows_of_seats(x, seats):
        return torch.stack([x[at // 2] if at >= 0 else torch.zeros_like(x[0]) for at in seats])

    seats, where = seated(2)
    yield 'MoeInitRoutingV2', [x, chosen, 0, 2, count, 1, 0, True], \
        lambda x, e, *rest: (rows_of_seats(x, seats).view(count, 2, 8), where, None, tally.to(I32))
    yield 'MoeInitRoutingV3', [x, chosen, numbers(6, low=1), None, 0, 2, count, 1, 1, True, -1, [0, count], 0], \
        lambda x, e, s, *rest: (rows_of_seats(x, seats).view(count, 2, 8), where, tally, rows_of_seats(s, seats))
    outside = (flat < 1) | (flat > 2)
    key = torch.where(outside, 2, flat - 1)
    ranged = torch.argsort(key, stable=True)
    inside = int((~outside).sum())
    rank = torch.where(outside, -1, torch.argsort(ranged)).to(I32)

    def in_range(x):
        return torch.cat([x[ranged[:inside] // 2], torch.zeros(12 - inside, 8, dtype=x.dtype)])

    yield 'MoeInitRoutingV3', [x, chosen, None, None, 0, 0, count, 0, 1, True, -1, [1, 3], 0], \
        lambda x, e, *rest: (in_range(x), rank, tally[1:3], None)
    yield 'MoeInitRoutingV3', [x, chosen, None, None, 0, 0, count, 0, 0, True, -1, [1, 3], 1], \
        lambda x, e, *rest: (in_range(x), ranged.to(I32), tally[1:3].cumsum(0), None)
    sparse = torch.tensor([[3, 1]] * 6, dtype=I32)
    yield 'MoeInitRoutingV3', [x, sparse, None, None, 0, 0, 5, 0, 2, True, -1, [0, 5], 0], \
        lambda x, e, *rest: (x.repeat(2, 1), (torch.arange(6)[:, None] + torch.tensor([6, 0])).flatten().to(I32),
                             torch.tensor([[1, 6], [3, 6], [0, 0], [0, 0], [0, 0]]), None)

    def by_row(x):
        scale = x.abs().amax(-1) / 127
        return torch.round(x / torch.where(scale == 0, 1, scale)[:, None]).to(torch.int8), scale

    smooth = numbers(count, 8, low=0.5)
    for name, more in (('MoeInitRoutingV3', [0, 1, True, 1, [0, count], 0]), ('MoeInitRoutingQuantV2', [0, 2, False, 1])):
        counts = (lambda: (tally,)) if name == 'MoeInitRoutingV3' else (lambda: (tally.to(I32), None))
        yield name, [x, chosen, smooth, None, 0, 0, count, *more], \
            lambda x, e, s, *rest, c=counts: (*(y := by_row(x[order // 2] * s[flat[order]]))[:1], places.to(I32), *c(), y[1])
        more = more[:-3] + [0] + more[-2:] if name == 'MoeInitRoutingV3' else more[:-1] + [0]
        counts = (lambda: (tally,)) if name == 'MoeInitRoutingV3' else (lambda: (tally.to(I32), None))
        yield name, [x, chosen, torch.tensor([20.0]), torch.tensor([1.0]), 0, 0, count, *more], \
            lambda x, e, s, o, *rest, c=counts: (torch.round(x[order // 2] * s + o).to(torch.int8), places.to(I32), *c(), None)

    results, skip, other, bias, scales = numbers(12, 8), numbers(6, 8, seed=1), numbers(6, 8, seed=2), numbers(count, 8), numbers(6, 2)

    def finalize(rows, index, bias, scales, experts):
        rows = torch.cat([rows.reshape(-1, 8), torch.zeros(1, 8)])
        added = rows[index] + (bias[experts.long()] if bias is not None else 0)
        return (added * (scales[..., None] if scales is not None else 1)).sum(1)

    yield 'MoeFinalizeRouting', [results, skip, other, bias, scales, places.to(I32), chosen], \
        lambda y, a, c, b, s, p, e: a + c + finalize(y, p.long().view(2, 6).t(), b, s, e)
    yield 'MoeFinalizeRoutingV2', [results, places.to(I32), None, None, None, scales, None, 2], \
        lambda y, p, a, c, b, s, e, m: finalize(y, p.long().view(6, 2), b, s, e)
    yield 'MoeFinalizeRoutingV2', [numbers(4, 2, 8), where, skip, None, bias, scales, chosen, 3], \
        lambda y, p, a, c, b, s, e, m: a + finalize(y, p.long().view(6, 2), b, s, e)

    spread = torch.tensor([[2, 0, 1], [1, 3, 2]])

    def re_route(tokens, scales):
        blocks = torch.arange(9).split(spread.flatten().tolist())
        index = torch.cat([blocks[0], blocks[3], blocks[1], blocks[4], blocks[2], blocks[5]])
        return tokens[index], scales[index], index.to(I32), spread.sum(0)

    yield 'MoeReRouting', [numbers(9, 4), spread, numbers(9), 1, 0], lambda t, c, s, *rest: re_route(t, s)

    gradient = numbers(12, 8, seed=7)
    yield 'MoeTokenPermuteGrad', [gradient, places.to(I32), 2, False], lambda g, s, k, m: g[s].view(6, 2, 8).sum(1)
    yield 'MoeTokenPermuteGrad', [gradient[:9].contiguous(), places.to(I32), 2, False], \
        lambda g, s, k, m: torch.cat([g, torch.zeros(3, 8)])[s].view(6, 2, 8).sum(1)

    def unpermute_slopes(rows, g, places, probs, *rest):
        return slope(lambda r, p: (r[places].view(6, 2, 8) * p[..., None]).sum(1), rows, probs, gradient=g)

    yield 'MoeTokenUnpermuteGrad', [results, skip, places.to(I32), scales, False, None], unpermute_slopes

    routing_map = torch.zeros(6, 5, dtype=BOOL)
    for row in range(6):
        routing_map[row, [row % 5, (3 * row + 1) % 5 if (3 * row + 1) % 5 != row % 5 else (row + 2) % 5]] = True
    weights = numbers(6, 5, low=0)
    token = torch.arange(6).expand(5, 6)[routing_map.t()]
    expert = torch.arange(5)[:, None].expand(5, 6)[routing_map.t()]
    back = torch.argsort(token, stable=True)
    first = torch.sort(routing_map.t().to(I32), dim=-1, descending=True, stable=True)[1][:, :3].flatten()
    its = torch.arange(5).repeat_interleave(3)
    for kind in (BOOL, torch.int8):
        yield 'MoeTokenPermuteWithRoutingMap', [x, routing_map.to(kind), weights, 12, False], \
            lambda x, m, w, *rest: (x[token], w[token, expert], back.to(I32))
    yield 'MoeTokenPermuteWithRoutingMap', [x, routing_map, weights, 15, True], \
        lambda x, m, w, *rest: (x[first], w[first, its], first.to(I32))
    yield 'MoeTokenPermuteWithRoutingMapGrad', [gradient, numbers(12), back.to(I32), routing_map, 5, 6, False], \
        lambda g, w, *rest: (torch.zeros(6, 8).index_add(0, token, g), torch.zeros(6, 5).index_put((token, expert), w))
    yield 'MoeTokenPermuteWithRoutingMapGrad', [numbers(15, 8), numbers(15), first.to(I32), routing_map, 5, 6, True], \
        lambda g, w, *rest: (torch.zeros(6, 8).index_add(0, first, g), torch.zeros(6, 5).index_put((first, its), w))
    unused = torch.zeros(12, dtype=I32)
    yield 'MoeTokenUnpermuteWithRoutingMap', [results, back.to(I32), routing_map, weights, False, [6, 8]], \
        lambda y, s, m, w, *rest: ((y[s].view(6, 2, 8) * w[m].view(6, 2, 1)).sum(1), unused, unused, w[m])
    yield 'MoeTokenUnpermuteWithRoutingMap', [numbers(15, 8), first.to(I32), routing_map, weights, True, [6, 8]], \
        lambda y, s, m, w, *rest: (torch.zeros(6, 8).index_add(0, first, y * w[first, its][:, None]),
                                   torch.argsort(first, stable=True).to(I32), first.sort()[0].to(I32), w[first, its])

    best = torch.sigmoid(weights).topk(3)[1]
    for kind, renorm in ((0, 0), (0, 1), (1, 0)):
        def gate(logits, kind=kind, renorm=renorm):
            score = torch.sigmoid(logits) if kind else torch.softmax(logits, -1)
            y = score.gather(1, best)
            return 2.5 * (y / (y.sum(-1, keepdim=True) + 1e-20) if kind or renorm else y)
        score = torch.sigmoid(weights) if kind else torch.softmax(weights, -1)
        yield 'MoeGatingTopKBackward', [score, numbers(6, 3), best.to(I32), renorm, kind, 2.5, 1e-20], \
            lambda s, g, *rest, f=gate: slope(f, weights, gradient=g)


def quantized():
    """What is quantised on the way, and scaled back."""
    def narrow(x):
        return torch.clamp(torch.round(x), -128, 127).to(torch.int8)

    def by_row(x):
        scale = x.abs().amax(-1) / 127
        return torch.round(x / torch.where(scale == 0, 1, scale)[..., None]).to(torch.int8), scale

    i8 = torch.int8
    a, w = whole(5, 2100, dtype=i8, low=-128, high=128), whole(2100, 7, dtype=i8, low=-128, high=128)
    exact = (a.long() @ w.long()).to(I32)
    scales, rows, bias = numbers(7, low=0.001, high=0.01), numbers(5, low=0.5, high=2), numbers(7)
    nothing = torch.zeros(0, dtype=i8)
    bits = (scales.view(I32) & -8192).view(F32)
    packed = (bits.view(I32).to(I64) & 0xFFFFFFFF) | (1 << 46)
    yield 'TransQuantParamV2', [scales, None], lambda s, o: packed
    yield 'TransQuantParamV2', [scales[:1].clone(), numbers(4)], lambda s, o: packed[:1].expand(4).contiguous()
    yield 'QuantMatmulV5', [a, w, None, torch.ones(1), None, nothing, None, nothing, whole(7), False, False, 0], \
        lambda *given: exact + given[8]
    yield 'QuantMatmulV5', [a, w, rows, scales, None, nothing, None, nothing, bias, False, False, 0], \
        lambda *given: (exact.float() * scales * rows[:, None] + bias).to(BF16)
    yield 'QuantMatmulV5', [a.t().contiguous(), w.t().contiguous(), None, packed, None, nothing, None, nothing, whole(7), True, True, 0], \
        lambda *given: ((exact + given[8]).float() * bits)
    yield 'QuantMatmulWeightNz', [a, w, None, scales / 100, None, nothing, torch.tensor([3.0]), nothing, None, False, False, 0], \
        lambda *given: narrow(exact.float() * (scales / 100) + 3)
    yield 'QuantMatmulV5', [a.view(5, 1, 2100), w.expand(2, 2100, 7)[:1], rows[:1].clone(), scales, None, nothing, None, nothing,
                            None, False, False, 0], lambda *given: exact.float().view(5, 1, 7) * scales * rows[0]
    x = numbers(5, 37)
    yield 'QuantMatmulDequant', [x, whole(7, 37, dtype=i8), scales, None, None, None, None, 'pertoken', True], \
        lambda x, w, s, *rest: (by_row(x)[0].long() @ w.long().t()).float() * s * by_row(x)[1][:, None]
    yield 'DequantBias', [exact, scales, rows, bias, 1], lambda x, s, r, b, d: (x * s * r[:, None] + b).to(BF16)
    yield 'DequantBias', [exact, scales, None, whole(7), 1], lambda x, s, r, b, d: ((x + b) * s).to(BF16)

    def rms(x, gamma):
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * gamma

    y, gamma, beta = numbers(5, 37, seed=4), numbers(37, low=0.5), numbers(37, seed=6)
    s1, s2 = numbers(37, low=0.02, high=0.1), torch.tensor([0.05])
    z1, z2 = whole(37), whole(1)
    yield 'AddRmsNormQuant', [x, y, gamma, s1, None, z1, None, -1, 1e-6, True], \
        lambda x, y, g, *rest: (narrow(rms(x + y, g) / s1 + z1), torch.zeros(5, 37, dtype=i8), x + y)
    yield 'AddRmsNormQuant', [x, y, gamma, 1 / s1, 1 / s2, z1, z2, -1, 1e-6, False], \
        lambda x, y, g, a, b, *rest: (narrow(rms(x + y, g) * a + z1), narrow(rms(x + y, g) * b + z2), x + y)
    yield 'AddRmsNormQuantV2', [x, y, gamma, s1, None, None, None, beta, -1, 1e-6, True], \
        lambda x, y, g, *rest: (narrow((rms(x + y, g) + beta) / s1), torch.zeros(5, 37, dtype=i8), x + y, rms(x + y, g) + beta)
    yield 'RmsNormQuant', [x, gamma.view(1, 37), beta, s2, torch.tensor([4], dtype=i8), 1e-6], \
        lambda x, g, b, s, o, e: narrow((rms(x, g) + b) / s + 4)
    yield 'AddRmsNormDynamicQuantV2', [x, y, gamma, s1, gamma, beta, 1e-6, None], \
        lambda x, y, g, a, b, *rest: ((q := by_row((rms(x + y, g) + beta) * a))[0], (p := by_row((rms(x + y, g) + beta) * b))[0],
                                      x + y, q[1], p[1])
    yield 'AddRmsNormDynamicQuantV2', [x, y, gamma, None, None, None, 1e-6, [True, False]], \
        lambda x, y, g, *rest: ((q := by_row(rms(x + y, g)))[0], torch.zeros(1, dtype=i8), x + y, q[1], torch.zeros(1))

    sums, group = whole(6, 16, low=-900, high=900), torch.tensor([2, 0, 3])
    weight, token, own = numbers(3, 16, low=0.001, high=0.003), numbers(6, low=0.5, high=2), numbers(3, 8, low=0.5, high=2)
    which = torch.tensor([0, 0, 2, 2, 2, 2])
    inside = torch.tensor([1, 1, 1, 1, 1, 0])[:, None]

    def dequantised(x, weight):
        return x.float() * weight * token[:, None]

    def gated(z, left):
        first, second = z.chunk(2, -1)
        return F.silu(first) * second if left else F.silu(second) * first

    yield 'DequantSwigluQuant', [sums, weight, token, None, own, None, group, True, 'dynamic'], \
        lambda *given: ((q := by_row(gated(dequantised(sums, weight[which]), True) * own[which]))[0] * inside.to(i8),
                        q[1] * inside[:, 0])
    yield 'DequantSwigluQuant', [sums, weight[0].clone(), token, numbers(16), torch.tensor([0.02]), torch.tensor([2.0]), None, False, 'static'], \
        lambda x, w, t, b, *rest: (narrow(gated(dequantised(x, w) + b, False) / 0.02 + 2), torch.zeros(6))
    yield 'DequantSwigluQuant', [numbers(6, 16), None, None, None, numbers(3, low=0.01, high=0.03), None, group, True, 'static'], \
        lambda x, w, t, b, s, *rest: (narrow(gated(x, True) / s[which][:, None]) * inside.to(i8), torch.zeros(6))

    def clipped(gate, up, alpha, limit, bias):
        gate, up = gate.clamp(max=limit), up.clamp(-limit, limit)
        return gate * torch.sigmoid(alpha * gate) * (up + bias)

    yield 'DequantSwigluQuantV2', [sums, weight, token, None, None, None, group, True, 'dynamic', 2, 'rint', -1, 1, 0.9, 1.702, 1.0], \
        lambda *given: ((q := by_row(clipped((z := dequantised(sums, weight[which]))[:, ::2], z[:, 1::2], 1.702, 0.9, 1.0)))[0]
                        * inside.to(i8), q[1] * inside[:, 0])
    wide = numbers(4, 6, 8)
    yield 'ClippedSwiglu', [wide, None, -1, 1.702, 1.5, 1.0, True], lambda x, *rest: clipped(x[..., ::2], x[..., 1::2], 1.702, 1.5, 1.0)
    yield 'ClippedSwiglu', [wide, torch.tensor([1, 2]), 1, 0.7, 2.0, 0.0, False], \
        lambda x, *rest: clipped(x[:, :3], x[:, 3:], 0.7, 2.0, 0.0) * torch.tensor([1, 1, 1, 0])[:, None, None]
    yield 'GeluQuant', [x, 10 * gamma, beta, 'none', 'static', 'rint', i8], \
        lambda x, s, o, *rest: (narrow(F.gelu(x) * s + o), None)
    yield 'GeluQuant', [x.to(F16), gamma, None, 'tanh', 'dynamic', 'rint', i8], \
        lambda x, s, *rest: by_row(F.gelu(x.float(), approximate='tanh') * s)
    yield 'GroupQuant', [x, numbers(3, 37, low=5, high=20), torch.tensor([2, 2, 5], dtype=I32), torch.tensor([3.0]), 2], \
        lambda x, s, g, o, d: narrow(x * s[torch.tensor([0, 0, 2, 2, 2])] + o)
    cache, updates = whole(3, 2, 9, 8, dtype=i8), numbers(2, 2, 3, 8)

    def written(cache, places, updates, scales, *rest):
        for i, place in enumerate(places.tolist()):
            cache[i, :, place:place + 3] = narrow(updates[i] / scales)
        return cache

    yield 'InplaceQuantScatter', [cache, torch.tensor([4, 0], dtype=I32), updates, numbers(8, low=0.02, high=0.1), None, -2, -1, 1], written


def groups():
    """Products of groups."""
    x, w, bias = numbers(9, 6), numbers(3, 6, 5), numbers(3, 5)
    parts, ends = x.split([4, 0, 5]), torch.tensor([4, 4, 9])
    which = torch.tensor([0] * 4 + [2] * 5)

    def each(x, w):
        return torch.einsum('mk,mkn->mn', x.float(), w[which[:len(x)]].float())

    def arguments(x, w, bias, *, scale=None, token=None, groups=ends, split=3, kind=0, lengths=0, more=()):
        return [x, w, bias, scale, None, None, None, token, groups, None, None, None, split, kind, lengths, 0, *more]

    yield 'GroupedMatmul', [[x], list(w), list(bias), None, None, None, None, [4, 4, 9], 3], \
        lambda x, w, b, *rest: [[each(x[0], torch.stack(w)) + torch.stack(b)[which]]]
    yield 'GroupedMatmul', [list(parts), list(w), None, None, None, None, None, None, 0], \
        lambda x, w, *rest: [[a @ c for a, c in zip(x, w)]]
    yield 'GroupedMatmul', [list(parts), list(w), None, None, None, None, None, None, 2], \
        lambda x, w, *rest: [[each(torch.cat(x), torch.stack(w))]]
    for name, more in (('GroupedMatmulV4', ()), ('GroupedMatmulV5', (None,))):
        yield name, arguments([x], [w], None, more=more), lambda x, w, *rest: [[each(x[0], w[0])], None, None]
        yield name, arguments([x], [w], [bias], groups=torch.tensor([4, 0, 5]), lengths=1, more=more), \
            lambda x, w, b, *rest: [[each(x[0], w[0]) + b[0][which]], None, None]
        yield name, arguments([x.to(BF16)], list(w.to(BF16)), None, more=more), \
            lambda x, w, *rest: [[each(x[0], torch.stack(w)).to(BF16)], None, None]
        yield name, arguments([x.to(F16)], [w.mT.contiguous().mT.to(F16)], None, split=1, more=more), \
            lambda x, w, *rest: [list(each(x[0], w[0]).to(F16).split([4, 0, 5])), None, None]
    yield 'GroupedMatmulV4', arguments(list(parts), list(w), list(bias), groups=None, split=0, kind=-1), \
        lambda x, w, b, *rest: [[a @ c + d for a, c, d in zip(x, w, b)], None, None]
    a, c = whole(9, 1500, dtype=torch.int8, low=-128, high=128), whole(3, 1500, 5, dtype=torch.int8, low=-128, high=128)
    scale, token = numbers(3, 5, low=0.001, high=0.002), numbers(9, low=0.5, high=2)
    exact = torch.einsum('mk,mkn->mn', a.double(), c[which].double())
    yield 'GroupedMatmulV4', arguments([a], [c], [whole(3, 5)], scale=[scale], token=[token]), \
        lambda x, w, b, *rest: [[((exact + b[0][which]).float() * scale[which] * token[:, None]).to(BF16)], None, None]
    yield 'GroupedMatmulV4', arguments([a], list(c), None, scale=list(scale)), \
        lambda x, w, b, *rest: [[(exact.float() * scale[which]).to(F16)], None, None]

    def sums(rows, w):
        return torch.stack([r.t() @ v for r, v in zip(rows.split([4, 0, 5]), w.split([4, 0, 5]))])

    v = numbers(9, 7)
    yield 'GroupedMatmulV4', arguments([x.t()], [v], None, kind=2), lambda x, w, *rest: [[sums(x[0].t(), w[0])], None, None]
    yield 'GroupedMatmulAdd', [x, v, ends, numbers(18, 7), True, False, 2], lambda x, w, e, y, *rest: y + sums(x, w).view(18, 7)


def caches():
    """Rotary embedding by tables, caches in blocks, and products with something behind."""
    table, tokens = numbers(20, 8), 5

    def rope(positions, x, head, neox, sections=None, in_turn=False):
        cos, sin = table[positions].chunk(2, -1)
        if positions.dim() == 2 and not in_turn:
            cos, sin = (torch.cat([y[i] for i, y in enumerate(z.split(sections, -1))], -1) for z in (cos, sin))
        elif positions.dim() == 2:
            axis = torch.arange(4) % 3
            cos, sin = (z.gather(0, axis.expand(1, tokens, 4))[0] for z in (cos, sin))
        x = x.view(tokens, -1, head)
        turn, rest = x[..., :8], x[..., 8:]
        a, b = turn.chunk(2, -1) if neox else (turn[..., ::2], turn[..., 1::2])
        cos, sin = cos[:, None], sin[:, None]
        a, b = a * cos - b * sin, b * cos + a * sin
        turn = torch.cat([a, b], -1) if neox else torch.stack([a, b], -1).flatten(-2)
        return torch.cat([turn, rest], -1)

    q, k = numbers(tokens, 36), numbers(tokens, 24)
    places = torch.tensor([3, 0, 19, 7, 3])
    for neox in (True, False):
        yield 'RopeWithSinCosCache', [places, q, k, table, [0, 0, 0], 12, neox], \
            lambda p, q, k, t, s, h, n: (rope(p, q, h, n).view(q.shape), rope(p, k, h, n).view(k.shape))
    several = torch.stack([places, places.flip(0), (places + 1) % 20])
    yield 'RopeWithSinCosCache', [several, q, k, table, [2, 1, 1], 12, True], \
        lambda p, q, k, t, s, h, n: (rope(p, q, h, n, s).view(q.shape), rope(p, k, h, n, s).view(k.shape))
    yield 'RopeWithSinCosCacheV2', [several, q, k, table, [2, 1, 1], 12, True, 1], \
        lambda p, q, k, t, s, h, n, m: (rope(p, q, h, n, s, True).view(q.shape), rope(p, k, h, n, s, True).view(k.shape))

    x, angle = numbers(2, 5, 3, 8), numbers(2, 5, 1, 8, low=0)

    def pairs(x, c, s):
        return x * c + torch.stack([-x[..., 1::2], x[..., ::2]], -1).flatten(-2) * s

    for mode, turn in enumerate((half_turn, pairs)):
        yield 'RotaryPositionEmbeddingGrad', [numbers(2, 5, 3, 8, seed=8), torch.cos(angle), torch.sin(angle), x, mode], \
            lambda g, c, s, x, m, f=turn: slope(f, x, c, s, gradient=g)

    kv, gamma, cos, sin = numbers(2, 1, 5, 12), numbers(8), numbers(2, 1, 5, 4), numbers(2, 1, 5, 4, seed=9)

    def latent(kv):
        y = kv[..., :8] / torch.sqrt((kv[..., :8] ** 2).mean(-1, keepdim=True) + 1e-5) * gamma
        k = kv[..., 8:].unflatten(-1, (2, 2)).transpose(-1, -2).reshape(2, 1, 5, 4)
        return half_turn(k, cos, sin), y

    def stored(cache, x, slots):
        flat = cache.reshape(-1, x.shape[-1])
        for row, slot in zip(x.reshape(-1, x.shape[-1]), slots):
            if slot >= 0:
                flat[slot] = row.to(cache.dtype)
        return flat.view(cache.shape)

    slots = torch.tensor([4, 9, -1, 0, 7, 11, 2, 3, 10, 1])
    keys, values = numbers(3, 4, 1, 4), numbers(3, 4, 1, 8)

    def update(places):
        return lambda kv, g, c, s, i, kc, vc, *rest: (stored(kc, latent(kv)[0], places), stored(vc, latent(kv)[1], places), *latent(kv))

    nothing = [None] * 4
    yield 'KvRmsNormRopeCache', [kv, gamma, cos, sin, slots, keys, values, *nothing, 1e-5, 'PA_BNSD', True], update(slots.tolist())
    blocks = torch.tensor([8, 4, 0, -4])
    by_block = [s + i for s in (8, 4) for i in range(4)][:5] + [i if i < 4 else -1 for i in range(5)]
    yield 'KvRmsNormRopeCache', [kv, gamma, cos, sin, blocks, keys, values, *nothing, 1e-5, 'PA_BLK_BNSD', True], update(by_block)
    yield 'KvRmsNormRopeCache', [kv, gamma, cos, sin, torch.tensor([[5, 0, 1, 2, 6], [6, 3, -1, 4, 0]]), numbers(2, 1, 7, 4),
                                 numbers(2, 1, 7, 8), *nothing, 1e-5, 'Norm', True], update([5, 0, 1, 2, 6, 13, 10, -1, 11, 7])
    whole_keys, whole_values = whole(3, 4, 1, 4, dtype=torch.int8), whole(3, 4, 1, 8, dtype=torch.int8)
    scales = numbers(4, low=5, high=20), numbers(8, low=5, high=20)

    def narrowed(kv, g, c, s, i, kc, vc, ks, vs, *rest):
        both = [torch.clamp(torch.round(z * f), -128, 127) for z, f in zip(latent(kv), (ks, vs))]
        return stored(kc, both[0], slots.tolist()), stored(vc, both[1], slots.tolist()), torch.zeros(kv[..., 8:].shape), torch.zeros(kv[..., :8].shape)

    yield 'KvRmsNormRopeCache', [kv, gamma, cos, sin, slots, whole_keys, whole_values, *scales, None, None, 1e-5, 'PA', False], narrowed

    new_keys, new_values = numbers(5, 2, 8, dtype=F16), numbers(5, 2, 4, dtype=F16)
    key_cache, value_cache = numbers(3, 4, 2, 8, dtype=F16), numbers(3, 4, 2, 4, dtype=F16)
    at = torch.tensor([7, 0, -1, 11, 3], dtype=I32)

    def in_slots(cache, x):
        flat = cache.reshape(12, -1)
        for row, slot in zip(x.reshape(5, -1), at.tolist()):
            if slot >= 0:
                flat[slot] = row
        return flat.view(cache.shape)

    yield 'ScatterPaKvCache', [new_keys, key_cache, at, new_values, value_cache, None, None, None, 'Norm', 'None', [1, 1], [0, 0]], \
        lambda k, kc, i, v, vc, *rest: (in_slots(kc, k), in_slots(vc, v))
    yield 'ScatterPaKvCache', [new_keys, key_cache, at, new_values, value_cache, None, None, None, None, None, None, None], \
        lambda k, kc, i, v, vc, *rest: (in_slots(kc, k), in_slots(vc, v))
    yield 'ScatterPaCache', [new_keys, key_cache, at, None, None, None, 'Norm'], lambda k, kc, *rest: in_slots(kc, k)
    # Pieces of 4 numbers: [blocks, pieces, block, piece].
    pieces = key_cache.view(3, 4, 4, 4).transpose(1, 2).contiguous(), value_cache.view(3, 4, 2, 4).transpose(1, 2).contiguous()
    yield 'ScatterPaKvCache', [new_keys, pieces[0], at, new_values, pieces[1], None, None, None, 'PA_NZ', 'None', [1, 1], [0, 0]], \
        lambda k, kc, i, v, vc, *rest: (in_slots(key_cache.clone(), k).view(3, 4, 4, 4).transpose(1, 2).contiguous(),
                                        in_slots(value_cache.clone(), v).view(3, 4, 2, 4).transpose(1, 2).contiguous())

    tables = torch.tensor([[2, 0, 1], [1, 5, 0]], dtype=I32)

    def gathered(cache, kept, lengths, begin):
        kept, row = kept.clone(), 0
        for sequence, length in enumerate(lengths):
            for token in range(length):
                block = begin[sequence] // 4 + token // 4
                block = int(tables[sequence, block]) if block < 3 else -1
                kept[row] = cache[block, token % 4] if 0 <= block < 3 else 0
                row += 1
        return kept

    old_keys, old_values = numbers(14, 2, 8, dtype=F16), numbers(14, 2, 4, dtype=F16)
    yield 'GatherPaKvCache', [key_cache, value_cache, tables, torch.tensor([5, 7], dtype=I32), old_keys, old_values, None, 'Norm', False], \
        lambda kc, vc, t, n, k, v, *rest: (gathered(kc, k, [5, 7], [0, 0]), gathered(vc, v, [5, 7], [0, 0]))
    yield 'GatherPaKvCache', [*pieces, tables, torch.tensor([0, 6, 14]), old_keys, old_values, torch.tensor([8, 4]), 'PA_NZ', True], \
        lambda kc, vc, t, n, k, v, *rest: (gathered(key_cache, k, [6, 8], [8, 4]), gathered(value_cache, v, [6, 8], [8, 4]))

    a, b, bias, other = numbers(3, 5, 6), numbers(3, 6, 4), numbers(4), numbers(3, 5, 4)
    for kind, after in (('', lambda y: y), ('add', lambda y: y + other), ('mul', lambda y: y * other), ('relu', torch.relu),
                        ('gelu_erf', F.gelu), ('gelu_tanh', lambda y: F.gelu(y, approximate='tanh')), ('16cast32', lambda y: y)):
        yield 'FusedMatmul', [a, b, bias, other if kind in ('add', 'mul') else None, kind, 0], \
            lambda x, y, c, z, k, m, f=after: f(x @ y + c)
    m = numbers(5, 3, 6)
    yield 'TransposeBatchMatMul', [m, b, None, None, [1, 0, 2], [0, 1, 2], [1, 0, 2], 0, 1], \
        lambda x, w, *rest: (x.transpose(0, 1) @ w).transpose(0, 1).contiguous()
    yield 'TransposeBatchMatMul', [a.to(F16), b.to(F16), None, None, [0, 1, 2], [0, 1, 2], [1, 0, 2], 0, 2], \
        lambda x, w, *rest: (x.float() @ w.float()).transpose(0, 1).reshape(5, 2, 6).transpose(0, 1).to(F16).contiguous()


def fused_experts():
    """Groups of experts, grouped products with what stands around them, residual streams, parts of attention."""
    def by_row(x):
        scale = x.abs().amax(-1) / 127
        return torch.round(x / torch.where(scale == 0, 1, scale)[..., None]).to(torch.int8), scale

    gates, bias = numbers(6, 12), numbers(12)
    for mode, norm in ((0, 1), (1, 1), (1, 0)):
        def gate(x, bias, k, best, count, mode, renorm, norm, *rest):
            score = torch.sigmoid(x) if norm else torch.softmax(x, -1)
            ranked = (score + bias).view(6, count, -1)
            of_group = ranked.topk(2, -1)[0].sum(-1) if mode else ranked.amax(-1)
            kept = torch.zeros(6, count, dtype=BOOL).scatter(1, of_group.topk(best)[1], True)
            experts = ranked.masked_fill(~kept[..., None], float('-inf')).view(6, 12).topk(k)[1]
            y = score.gather(1, experts)
            return 1.5 * (y / (y.sum(-1, keepdim=True) + 1e-20) if norm else y), experts.to(I32), score
        yield 'MoeGatingTopK', [gates, bias, 3, 2, 4, mode, 0, norm, True, 1.5, 1e-20], gate

    x, smooth = numbers(2, 4, 10), numbers(3, 10, low=0.5)
    which = torch.tensor([0, 0, 0, 2, 2, 2, 2, 2]).view(2, 4)
    yield 'DynamicQuantV2', [x, smooth, torch.tensor([3, 3, 8], dtype=I32), 2], lambda x, s, g, d: (*by_row(x * s[which]), None)

    def whole_range(x, s, *rest):
        x = x * s
        top, low = x.amax(-1, keepdim=True), x.amin(-1, keepdim=True)
        scale = (top - low) / 255
        offset = 127 - top / scale
        return torch.round(x / scale + offset).to(torch.int8), scale[..., 0], offset[..., 0]

    yield 'DynamicQuantV2', [x, smooth[0].clone(), None, 2], whole_range

    rows, w = whole(9, 1100, dtype=torch.int8, low=-128, high=128), whole(3, 1100, 6, dtype=torch.int8, low=-128, high=128)
    scale, token = numbers(3, 6, low=0.0001, high=0.0003), numbers(9, low=0.5, high=2)
    group = torch.tensor([0] * 4 + [2] * 5)
    exact = torch.einsum('mk,mkn->mn', rows.double(), w[group].double()).float()

    def swiglu(*rest):
        y = exact * scale[group] * token[:, None]
        return by_row(F.silu(y[:, :3]) * y[:, 3:])

    yield 'GroupedMatmulSwigluQuantV2', [rows, [w], [scale], None, None, token, None, torch.tensor([4, 4, 9]), 0, 0, 0, 0, None], swiglu
    yield 'GroupedMatmulSwigluQuantV2', [rows, list(w), list(scale), None, None, token, None, torch.tensor([4, 0, 5]), 0, 0, 0, 1, None], swiglu
    logit, to, shared = numbers(9, low=0), torch.tensor([2, 0, 1, 4, 0, 3, 3, 2, 1]), numbers(2, 6)

    def finalized(*rest):
        y = torch.zeros(5, 6).index_add(0, to, exact * scale[group] * token[:, None] * logit[:, None])
        y[1:3] += 0.5 * shared
        return y

    nothing = [None] * 4
    for name, more in (('GroupedMatmulFinalizeRoutingV2', []), ('GroupedMatmulFinalizeRoutingV3', [None])):
        yield name, [rows, w, scale, *nothing, token, torch.tensor([4, 0, 5]), shared, logit, to, 0, 0.5, 1, False, False, 1, *more], finalized
    x, turned = numbers(9, 40), whole(3, 6, 40, dtype=torch.int8)

    def dequantised(x, *rest):
        q, own = by_row(x)
        return torch.einsum('mk,mnk->mn', q.double(), turned[group].double()).float() * scale[group] * own[:, None]

    yield 'QuantGroupedMatmulDequant', [x, turned, scale, torch.tensor([4, 4, 9]), None, None, None, None, 'pertoken', True], dequantised

    for n, d, count in ((4, 16, 3), (4, 16, 2)):
        k = 2 * n + (n * n if count == 3 else 0)
        streams, phi, alpha, shift, gamma = numbers(2, 3, n, d), numbers(k, n * d), numbers(count), numbers(k), numbers(n, d)

        def pre(x, phi, alpha, shift, gamma, *rest, n=n, d=d, count=count):
            flat = x.reshape(2, 3, n * d)
            inverse = torch.rsqrt((flat * flat).mean(-1, keepdim=True) + 1e-6)
            mix = (flat * (gamma.flatten() if gamma is not None else 1)) @ phi.t()
            y = mix * inverse
            first = torch.sigmoid(y[..., :n] * alpha[0] + shift[:n]) + 1e-3
            second = 2 * torch.sigmoid(y[..., n:2 * n] * alpha[1] + shift[n:2 * n])
            third = (y[..., 2 * n:] * alpha[2] + shift[2 * n:]).view(2, 3, n, n) if count == 3 else None
            return (first[..., None] * x).sum(-2), second, third, inverse[..., 0], mix, first

        yield 'MhcPre', [streams, phi, alpha, shift, gamma, 1e-6, 1e-3], pre
        yield 'MhcPreV2', [streams, phi, alpha, shift, None, 1e-6, 1e-3, 0], pre
    mixing, out, post = numbers(2, 3, 4, 4), numbers(2, 3, 16), numbers(2, 3, 4)
    streams = numbers(2, 3, 4, 16)
    yield 'MhcPost', [streams, mixing, out, post], lambda x, m, o, p: p[..., None] * o[..., None, :] + m.mT @ x
    yield 'MhcPost', [streams, None, out, post], lambda x, m, o, p: p[..., None] * o[..., None, :] + x

    def sinkhorn(x, eps, rounds):
        y = torch.softmax(x, -1) + eps
        y = y / (y.sum(-2, keepdim=True) + eps)
        for _ in range(rounds - 1):
            y = y / (y.sum(-1, keepdim=True) + eps)
            y = y / (y.sum(-2, keepdim=True) + eps)
        return y, None, None

    yield 'MhcSinkhorn', [mixing, 1e-6, 5], sinkhorn

    def ring(pairs, layout):
        (a, m, s), (b, n, t) = [(o, x[..., 0], y[..., 0]) for o, x, y in pairs]
        top = torch.maximum(m, n)
        p, q = s * torch.exp(m - top), t * torch.exp(n - top)
        total = p + q
        if layout == 'SBH':
            u, v = ((z / total).permute(2, 0, 1)[..., None] for z in (p, q))
            y = (a.view(4, 2, 3, -1) * u + b.view(4, 2, 3, -1) * v).view(a.shape)
        else:
            y = a * (p / total)[..., None] + b * (q / total)[..., None]
        return y, top[..., None].expand(*top.shape, 8).contiguous(), total[..., None].expand(*top.shape, 8).contiguous()

    for layout, shape, of_softmax in (('SBH', (4, 2, 15), (2, 3, 4)), ('TND', (6, 3, 5), (6, 3))):
        parts = [(numbers(*shape, seed=i), numbers(*of_softmax, seed=i)[..., None].expand(*of_softmax, 8).contiguous(),
                  numbers(*of_softmax, low=0.5, seed=i)[..., None].expand(*of_softmax, 8).contiguous()) for i in (1, 2)]
        yield 'RingAttentionUpdateV2', [*parts[0], *parts[1], None, layout, layout], \
            lambda *given, p=parts, layout=layout: ring(p, layout)
    qkv, offset = numbers(2, 5, 24), numbers(24)
    yield 'TransformBiasRescaleQkv', [qkv, offset, 2], \
        lambda x, b, h: tuple(torch.ops.aten._transform_bias_rescale_qkv(x, b, h))


def cases():
    for group in (experts, quantized, groups, caches, fused_experts):
        yield from group()
