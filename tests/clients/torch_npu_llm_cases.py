# SPDX-License-Identifier: Apache-2.0
"""Cases of torch_npu: its own functions for language models: experts, groups, quantising, rotary embedding, caches."""
import torch
import torch.nn.functional as F
import torch_npu as npu

from torch_npu_cases import case, difference, random

I8, I32, F16, BF16 = torch.int8, torch.int32, torch.float16, torch.bfloat16


def whole(*shape, low=-9, high=10, dtype=I32):
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(0)).to(dtype)


def between(low, high, *shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * (high - low) + low


def agree(got, expected, tolerance=1e-4):
    """As difference, without results that nothing is expected of."""
    got, expected = ([x] if isinstance(x, torch.Tensor) else list(x) for x in (got, expected))
    pairs = [(g, e) for g, e in zip(got, expected) if e is not None]
    assert len(got) >= len(expected) and pairs
    return max(difference(g, e, 1 if e.dtype == I8 else tolerance) for g, e in pairs)


def by_row(x):
    scale = x.abs().amax(-1) / 127
    return torch.round(x / scale[..., None]).to(I8), scale


def narrow(x):
    return torch.clamp(torch.round(x), -128, 127).to(I8)


# Small: a parent process that has used PyTorch's threads could not fork.
TOKENS, EXPERTS = random(6, 8), whole(6, 2, low=0, high=4)
ORDER = torch.argsort(EXPERTS.flatten(), stable=True)
PLACES = torch.argsort(ORDER)
COUNTS = torch.bincount(EXPERTS.flatten(), minlength=4)
ENDS, GROUP = torch.tensor([4, 4, 9]), torch.tensor([0] * 4 + [2] * 5)
ROWS8, WEIGHTS8 = whole(9, 1100, low=-128, high=128, dtype=I8), whole(3, 1100, 6, low=-128, high=128, dtype=I8)
SCALES, TOKEN_SCALES = between(1e-4, 3e-4, 3, 6), between(0.5, 2, 9)


def grouped8():
    """Rows times the matrix of their group, scaled back."""
    exact = torch.einsum('mk,mkn->mn', ROWS8.double(), WEIGHTS8[GROUP].double()).float()
    return exact * SCALES[GROUP] * TOKEN_SCALES[:, None]


@case
def experts_routed():
    columns = torch.arange(12, dtype=I32).view(2, 6).t().contiguous()
    number = columns.flatten()[ORDER].long()
    got = npu.npu_moe_init_routing(TOKENS.npu(), columns.npu(), EXPERTS.npu(), 4)
    largest = agree(got, (TOKENS[number[:8] % 6], torch.argsort(number).int(), EXPERTS.flatten()[ORDER]))
    common = dict(expert_capacity=0, expert_num=4, drop_pad_mode=0)
    for mode, rows, scale in ((-1, TOKENS[ORDER // 2], None), (1, *by_row(TOKENS[ORDER // 2]))):
        got = npu.npu_moe_init_routing_v2(TOKENS.npu(), EXPERTS.npu(), active_num=12, **common, expert_tokens_num_type=1,
                                          expert_tokens_num_flag=True, quant_mode=mode, active_expert_range=[0, 4], row_idx_type=0)
        largest = max(largest, agree(got, (rows, PLACES.int(), COUNTS, scale)))
    got = torch.ops.npu.npu_moe_init_routing_quant(TOKENS.npu(), EXPERTS.npu(), active_num=0, **common,
                                                   expert_tokens_num_mode=2, quant_mode=1)
    rows, scale = by_row(TOKENS[ORDER // 2])
    return max(largest, agree(got, (rows, PLACES.int(), COUNTS.int(), None, scale)))


@case
def experts_finalized():
    rows, skip, other, bias, weights = random(12, 8), random(6, 8), random(6, 8) + 1, random(4, 8), random(6, 2)
    largest = 0
    for mode, places in ((0, PLACES.view(2, 6).t()), (2, PLACES.view(6, 2))):
        got = npu.npu_moe_finalize_routing(*[x.npu() for x in (rows, skip, other, bias, weights, PLACES.int(), EXPERTS)],
                                           drop_pad_mode=mode)
        expected = skip + other + ((rows[places] + bias[EXPERTS.long()]) * weights[..., None]).sum(1)
        largest = max(largest, agree(got, expected))
    return largest


@case
def experts_by_rank():
    counts, tokens, scales = torch.tensor([[2, 0, 1], [1, 3, 2]]), random(9, 4).half(), random(9)
    blocks = torch.arange(9).split(counts.flatten().tolist())
    index = torch.cat([blocks[i] for i in (0, 3, 1, 4, 2, 5)])
    return agree(npu.npu_moe_re_routing(tokens.npu(), counts.npu(), per_token_scales=scales.npu()),
                 (tokens[index], scales[index], index.int(), counts.sum(0)))


@case
def experts_permuted():
    gradient, weights = random(6, 8), random(6, 2)

    def results(x, w, permuted):
        y = permuted(x, w)
        y.backward(gradient.to(y.device))
        return y.detach(), x.grad, w.grad

    def on_npu(x, w):
        rows, places = npu.npu_moe_token_permute(x, EXPERTS.npu())
        return npu.npu_moe_token_unpermute(2 * rows, places, w)

    got = results(TOKENS.npu().requires_grad_(), weights.npu().requires_grad_(), on_npu)
    return agree(got, results(TOKENS.clone().requires_grad_(), weights.clone().requires_grad_(),
                              lambda x, w: ((2 * x[ORDER // 2])[PLACES].view(6, 2, 8) * w[..., None]).sum(1)))


@case
def experts_permuted_by_map():
    routing, weights = torch.zeros(6, 5, dtype=torch.bool), between(0, 1, 6, 5)
    for row in range(6):
        routing[row, [row % 5, (row + 2) % 5]] = True
    token = torch.arange(6).expand(5, 6)[routing.t()]
    expert = torch.arange(5)[:, None].expand(5, 6)[routing.t()]
    x, w = TOKENS.npu().requires_grad_(), weights.npu().requires_grad_()
    rows, shares, places = npu.npu_moe_token_permute_with_routing_map(x, routing.npu(), probs=w, num_out_tokens=12)
    (rows * shares[:, None]).sum().backward()
    y, v = TOKENS.clone().requires_grad_(), weights.clone().requires_grad_()
    (y[token] * v[token, expert][:, None]).sum().backward()
    back = torch.argsort(token, stable=True)
    largest = agree((rows.detach(), shares.detach(), places, x.grad, w.grad),
                    (TOKENS[token], weights[token, expert], back.int(), y.grad, v.grad))
    got = npu.npu_moe_token_unpermute_with_routing_map(rows.detach(), places, [6, 8], probs=w.detach(), routing_map=routing.npu())
    return max(largest, agree(got, (TOKENS[token][back].view(6, 2, 8) * weights[routing].view(6, 2, 1)).sum(1)))


@case
def experts_of_groups():
    x, bias = random(6, 12), between(-1, 1, 12)
    score = torch.sigmoid(x)
    ranked = (score + bias).view(6, 4, 3)
    groups = torch.zeros(6, 4, dtype=torch.bool).scatter(1, ranked.topk(2, -1)[0].sum(-1).topk(2)[1], True)
    experts = ranked.masked_fill(~groups[..., None], float('-inf')).view(6, 12).topk(3)[1]
    y = score.gather(1, experts)
    got = npu.npu_moe_gating_top_k(x.npu(), 3, bias=bias.npu(), k_group=2, group_count=4, group_select_mode=1, norm_type=1)
    largest = agree(got, (y / y.sum(-1, keepdim=True), experts.int()))
    leaf, gradient = x.clone().requires_grad_(), random(6, 3)
    chosen = torch.sigmoid(leaf).gather(1, experts)
    (chosen / chosen.sum(-1, keepdim=True)).backward(gradient)
    got = torch.ops.npu.npu_moe_gating_top_k_backward(score.npu(), gradient.npu(), experts.int().npu(), norm_type=1)
    return max(largest, agree(got, leaf.grad))


@case
def grouped_matmul():
    x, w, v = random(9, 6), random(3, 6, 5), random(9, 7)
    expected = torch.einsum('mk,mkn->mn', x, w[GROUP])
    each = [part.contiguous().npu() for part in w]
    common = dict(split_item=3, group_type=0, group_list_type=0)
    sums = torch.stack([a.t() @ b for a, b in zip(x.split([4, 0, 5]), v.split([4, 0, 5]))])
    half = [t.half() for t in (x, v)]
    added = torch.stack([a.t() @ b for a, b in zip(*[t.float().split([4, 0, 5]) for t in half])])
    return max(
        agree(npu.npu_grouped_matmul([x.npu()], [w.npu()], group_list=ENDS.npu(), **common), [expected]),
        agree(npu.npu_grouped_matmul([x.npu()], each, group_list=[4, 4, 9], split_item=3), [expected]),
        agree(npu.npu_grouped_matmul([t.npu() for t in x.split(3)], each, split_item=0, group_type=-1),
              [a @ b for a, b in zip(x.split(3), w)]),
        agree(npu.npu_grouped_matmul([x.npu().t()], [v.npu()], group_list=ENDS.npu(), split_item=3, group_type=2), [sums]),
        agree(npu.npu_grouped_matmul_add_(torch.ones(3, 6, 7).npu(), *[t.npu() for t in half], ENDS.npu(), transpose_x=True,
                                          transpose_weight=False, group_type=2), 1 + added))


@case
def grouped_matmul_quantised():
    on = [x.npu() for x in (ROWS8, WEIGHTS8, SCALES, TOKEN_SCALES)]
    scale = SCALES.bfloat16()
    expected = grouped8()
    exact = expected / SCALES[GROUP] * scale.float()[GROUP]
    got = npu.npu_grouped_matmul([on[0]], [on[1]], scale=[scale.npu()], per_token_scale=[on[3]], group_list=ENDS.npu(),
                                 split_item=3, group_type=0, group_list_type=0, output_dtype=BF16)
    agree(got, [exact.bfloat16()], 0.125)
    gate, up = expected.chunk(2, -1)
    agree(npu.npu_grouped_matmul_swiglu_quant_v2(on[0], [on[1]], [on[2]], on[3], ENDS.npu()), by_row(F.silu(gate) * up), 1e-2)
    to, logit = torch.tensor([2, 0, 1, 4, 0, 3, 3, 2, 1]), between(0, 1, 9)
    agree(npu.npu_grouped_matmul_finalize_routing(on[0], on[1], torch.tensor([4, 0, 5]).npu(), scale=on[2], pertoken_scale=on[3],
                                                  logit=logit.npu(), row_index=to.npu(), output_bs=5, group_list_type=1),
          torch.zeros(5, 6).index_add(0, to, expected * logit[:, None]), 1e-2)
    x, w = random(9, 40).half(), whole(3, 6, 40, dtype=I8)
    rows, own = by_row(x.float())
    expected = torch.einsum('mk,mnk->mn', rows.float(), w[GROUP].float()) * SCALES[GROUP] * own[:, None]
    got = torch.ops.npu.npu_quant_grouped_matmul_dequant(x.npu(), w.npu(), on[2], ENDS.npu())
    return agree(got, expected.half(), 1e-3)


@case
def quantised_matmul():
    x, w, scale, bias = ROWS8, WEIGHTS8[0], SCALES[0] / 10, whole(6)
    exact = x.double() @ w.double()
    on = [t.npu() for t in (x, w, scale)]
    agree(npu.npu_trans_quant_param(on[2]), ((scale.view(I32) & -8192).long() & 0xffffffff) | 1 << 46)
    agree(npu.npu_quant_matmul(*on[:2], on[2][:1], output_dtype=I32), exact.int())
    agree(npu.npu_quant_matmul(*on, offset=torch.tensor([3.0]).npu()), narrow((exact * scale).float() + 3))
    agree(npu.npu_quant_matmul(*on, pertoken_scale=TOKEN_SCALES.npu(), bias=bias.npu(), output_dtype=BF16),
          ((exact + bias) * scale * TOKEN_SCALES[:, None]).bfloat16(), 0.25)
    agree(npu.npu_quant_matmul(*on, output_dtype=F16), (exact * scale).half(), 0.25)
    sums = whole(5, 6)
    agree(torch.ops.npu.npu_dequant_bias(sums.npu(), on[2], random(5).npu(), bias.npu(), output_dtype=F16),
          ((sums + bias) * scale * random(5)[:, None]).half(), 1e-3)
    y, v = random(6, 32).half(), whole(7, 32, dtype=I8)
    rows, own = by_row(y.float())
    return agree(torch.ops.npu.npu_quant_matmul_dequant(y.npu(), v.npu(), between(0.01, 0.02, 7).npu()),
                 ((rows.float() @ v.float().t()) * own[:, None] * between(0.01, 0.02, 7)).half(), 0.125)


@case
def quantised_norms():
    x, y, gamma, beta = random(6, 32), between(-2, 2, 6, 32), between(0.5, 2, 32), random(32)
    scale, zero = between(0.02, 0.1, 32), whole(32)

    def norm(x, gamma):
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * gamma

    largest = agree(npu.npu_add_rms_norm_quant(x.npu(), y.npu(), gamma.npu(), scale.npu(), zero.npu(), axis=-1, epsilon=1e-6),
                    (narrow(norm(x + y, gamma) / scale + zero), None, x + y))
    half = [t.half() for t in (x, y, gamma, scale)]
    wide = [t.float() for t in half]
    rows, own = by_row(norm(wide[0] + wide[1], wide[2]) * wide[3])
    agree(torch.ops.npu.npu_add_rms_norm_dynamic_quant(half[0].npu(), half[1].npu(), half[2].npu(), smooth_scale1=half[3].npu(),
                                                       epsilon=1e-6, output_mask=[True, False]), (rows, None, None, own))
    agree(npu.npu_rms_norm_quant(half[0].npu(), half[2].npu(), beta.half().npu(), torch.tensor([0.05]).half().npu(),
                                 torch.tensor([4], dtype=I8).npu(), 1e-6),
          narrow((norm(wide[0], wide[2]) + beta.half().float()) / torch.tensor([0.05]).half().float() + 4))
    return largest


@case
def quantised_activations():
    x, sums = random(6, 32), whole(6, 16, low=-900, high=900)
    lengths, group = torch.tensor([2, 0, 4]), torch.tensor([0, 0, 2, 2, 2, 2])
    scale, own = between(1e-3, 3e-3, 3, 16), between(0.5, 2, 6)
    y = sums * scale[group] * own[:, None]
    agree(npu.npu_dequant_swiglu_quant(sums.npu(), weight_scale=scale.npu(), activation_scale=own.npu(), group_index=lengths.npu(),
                                       activate_left=True, quant_mode=1), by_row(F.silu(y[:, :8]) * y[:, 8:]))
    agree(torch.ops.npu.npu_gelu_quant(x.npu(), approximate='tanh', quant_mode='dynamic'), by_row(F.gelu(x, approximate='tanh')))
    gate, up = x[:, ::2].clamp(max=1.5), x[:, 1::2].clamp(-1.5, 1.5)
    largest = agree(torch.ops.npu.npu_clipped_swiglu(x.npu(), limit=1.5), gate * torch.sigmoid(1.702 * gate) * (up + 1))
    factors, ends = between(5, 20, 3, 32), torch.tensor([2, 2, 6], dtype=I32)
    agree(torch.ops.npu.npu_group_quant(x.npu(), factors.npu(), ends.npu(), offset=torch.tensor([3.0]).npu(), dst_dtype=torch.qint8),
          narrow(x * factors[group] + 3))
    half, smooth = x.half(), between(0.5, 2, 3, 32).half()
    agree(npu.npu_dynamic_quant(half.npu(), smooth_scales=smooth.npu(), group_index=ends.npu()),
          by_row(half.float() * smooth.float()[group]))
    wide = half.float()
    scale = (wide.amax(-1) - wide.amin(-1)) / 255
    offset = 127 - wide.amax(-1) / scale
    agree(npu.npu_dynamic_quant_asymmetric(half.npu()),
          (torch.round(wide / scale[:, None] + offset[:, None]).to(I8), scale, offset), 1e-3)
    cache, updates, scales = whole(2, 2, 9, 32, dtype=I8), random(2, 2, 3, 32), between(0.02, 0.1, 1, 1, 1, 32)
    expected = cache.clone()
    for i, place in enumerate((4, 0)):
        expected[i, :, place:place + 3] = narrow(updates[i] / scales[0])
    agree(npu.npu_quant_scatter_(cache.npu(), torch.tensor([4, 0], dtype=I32).npu(), updates.npu(), scales.npu(), None, -2, -1,
                                 'update'), expected)
    return largest


def half_turn(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


@case
def rotary_embedding():
    table, places = random(20, 8), torch.tensor([3, 0, 19, 7, 3])

    def turned(x):
        cos, sin = (half[:, None] for half in table[places].chunk(2, -1))
        heads = x.view(5, -1, 12)
        both = half_turn(heads[..., :8], torch.cat([cos, cos], -1), torch.cat([sin, sin], -1))
        return torch.cat([both, heads[..., 8:]], -1).view(x.shape)

    query, key = random(5, 36), random(5, 24)
    largest = agree(npu.npu_mrope(places.npu(), query.npu(), key.npu(), table.npu(), 12, mrope_section=[0, 0, 0],
                                  rotary_mode='half'), (turned(query), turned(key)))
    x, angle, gradient = random(2, 5, 3, 8), random(2, 5, 1, 8), between(-1, 1, 2, 5, 3, 8)
    leaves = x.npu().requires_grad_(), x.clone().requires_grad_()
    npu.npu_rotary_mul(leaves[0], torch.cos(angle).npu(), torch.sin(angle).npu()).backward(gradient.npu())
    half_turn(leaves[1], torch.cos(angle), torch.sin(angle)).backward(gradient)
    return max(largest, agree(leaves[0].grad, leaves[1].grad))


@case
def caches_in_blocks():
    keys, values = random(5, 2, 16).half(), random(5, 2, 16).half() + 1
    caches = [random(3, 4, 2, 16).half(), random(3, 4, 2, 16).half() - 1]
    slots = torch.tensor([7, 0, 2, 11, 3], dtype=I32)
    on, expected = [cache.npu() for cache in caches], []
    npu.npu_scatter_pa_kv_cache(keys.npu(), values.npu(), *on, slots.npu(), cache_mode='Norm')
    for cache, rows in zip(caches, (keys, values)):
        cache = cache.clone().view(12, 32)
        cache[slots.long()] = rows.view(5, 32)
        expected.append(cache.view(3, 4, 2, 16))
    agree(on, expected)
    read = [torch.zeros(5, 2, 16).half().npu() for _ in on]
    npu.npu_gather_pa_kv_cache(*on, torch.tensor([[2, 0, 1]], dtype=I32).npu(), torch.tensor([5], dtype=I32).npu(), *read)
    return agree(read, [cache.view(12, 2, 16)[[8, 9, 10, 11, 0]] for cache in expected])


@case
def latent_cache():
    kv, gamma, cos, sin = random(2, 1, 5, 12).half(), random(8).half(), random(2, 1, 5, 4).half(), between(-1, 1, 2, 1, 5, 4).half()
    caches, slots = [torch.zeros(3, 4, 1, 4).half(), torch.zeros(3, 4, 1, 8).half()], torch.tensor([4, 9, 5, 0, 7, 11, 2, 3, 10, 1])
    wide = kv.float()
    y = wide[..., :8] / torch.sqrt((wide[..., :8] ** 2).mean(-1, keepdim=True) + 1e-5) * gamma.float()
    k = half_turn(wide[..., 8:].unflatten(-1, (2, 2)).transpose(-1, -2).reshape(2, 1, 5, 4), cos.float(), sin.float())
    expected = []
    for cache, rows in zip(caches, (k, y)):
        flat = cache.clone().view(12, -1)
        flat[slots] = rows.reshape(10, -1).half()
        expected.append(flat.view(cache.shape))
    got = npu.npu_kv_rmsnorm_rope_cache(*[x.npu() for x in (kv, gamma, cos, sin, slots, *caches)], epsilon=1e-5, cache_mode='PA',
                                        is_output_kv=True)
    return agree(got, (*expected, k.half(), y.half()), 1e-2)


@case
def fused_products():
    x, w = random(3, 5, 16).half(), random(3, 16, 4).half()
    y = x.float() @ w.float()
    return max(agree(npu.npu_fused_matmul(x.npu(), w.npu(), fused_op_type='gelu_erf'), F.gelu(y).half(), 1e-2),
               agree(npu.npu_transpose_batchmatmul(x.transpose(0, 1).contiguous().npu(), w.npu(), perm_x1=[1, 0, 2],
                                                   perm_x2=[0, 1, 2], perm_y=[1, 0, 2]), y.transpose(0, 1).half(), 1e-2))


@case
def residual_streams():
    streams, mixing, out, post = random(2, 3, 4, 16).half(), random(2, 3, 4, 4), random(2, 3, 16).half(), between(0, 2, 2, 3, 4)
    y = post[..., None] * out.float()[..., None, :] + mixing.mT @ streams.float()
    largest = agree(npu.npu_mhc_post(streams.npu(), mixing.npu(), out.npu(), post.npu()), y.half(), 1e-2)
    z = torch.softmax(mixing, -1) + 1e-6
    for i in range(9):
        z = z / (z.sum(-2 + i % 2, keepdim=True) + 1e-6)
    return max(largest, agree(npu.npu_mhc_sinkhorn(mixing.npu(), num_iters=5)[0], z))
