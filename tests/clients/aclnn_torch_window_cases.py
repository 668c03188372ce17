# SPDX-License-Identifier: Apache-2.0
"""More cases of aclnn_torch: windows, places in images, and gradients of both."""
import torch
import torch.nn.functional as F

from aclnn_torch_cases import F16, F32, I, I32, UNIT, X, Y, numbers, slope, truths, whole


def upsampled(name, mode, axes, align=None, exact=False, antialias=False):
    """Cases of the gradient of resizing up and down, by sizes and by scales."""
    for out, scale in (((9, 11, 7)[:axes], None), ((3, 4, 5)[:axes], None), ((10, 12, 8)[:axes], 1.75)):
        size = (5, 6, 4)[:axes] if scale is None else tuple(int(n / scale) for n in out)
        x, g = numbers(2, 3, *size), numbers(2, 3, *(out if scale is None else [int(n * scale) for n in size]))
        scales = [scale or 0.0] * axes
        flag = [] if align is None else [align]

        def resize(x, how=dict(scale_factor=scale) if scale else dict(size=list(g.shape[2:]))):
            return F.interpolate(x, mode=mode, align_corners=align, antialias=antialias, **how)

        if scale and antialias:
            continue
        yield name, [g, list(g.shape[2:]), list(x.shape), *flag, *scales], lambda g, *rest, x=x, f=resize: slope(f, x, gradient=g)


def pool_gradients():
    for axes, form in ((2, (2, 3, 7, 9)), (3, (2, 2, 5, 6, 7))):
        x, tail = numbers(*form), [0] if axes == 2 else []
        for size, step, pad, ceil, with_pad, divisor in ((3, 2, 1, False, True, 0), (3, 2, 1, True, False, 0), (2, 2, 0, True, True, 5)):
            pool = (F.avg_pool2d, F.avg_pool3d)[axes - 2]

            def average(x, f=pool, c=(size, step, pad, ceil, with_pad, divisor or None)):
                return f(x, *c)

            g = numbers(*average(x).shape, seed=5)
            yield f'AvgPool{axes}dBackward', [g, x, [size] * axes, [step] * axes, [pad] * axes, ceil, with_pad, divisor, *tail], \
                lambda g, x, *rest, f=average: slope(f, x, gradient=g)
        out = [3, 4, 3][:axes]
        mean, most = ((F.adaptive_avg_pool2d, F.adaptive_max_pool2d), (F.adaptive_avg_pool3d, F.adaptive_max_pool3d))[axes - 2]
        g = numbers(2, form[1], *out, seed=6)
        yield f'AdaptiveAvgPool{axes}d', [x, out], mean
        yield f'AdaptiveAvgPool{axes}d', [x[0].to(F16), out], lambda x, o, f=mean: f(x.float(), o).to(F16)
        yield f'AdaptiveAvgPool{axes}dBackward', [g, x], lambda g, x, f=mean, o=out: slope(lambda x: f(x, o), x, gradient=g)
        for target in (out, [1] * axes, [form[2]] * axes):
            yield f'AdaptiveMaxPool{axes}d', [x, target], lambda x, o, f=most: f(x, o, return_indices=True)
        yield f'AdaptiveMaxPool{axes}d', [whole(*form[1:]).float(), out], lambda x, o, f=most: f(x, o, return_indices=True)
        places = most(x, out, return_indices=True)[1]
        yield f'AdaptiveMaxPool{axes}dBackward', [g, x, places], lambda g, x, i, f=most, o=out: slope(lambda x: f(x, o), x, gradient=g)
        pool = (F.max_pool2d, F.max_pool3d)[axes - 2]
        y, places = pool(x, 3, 2, 1, return_indices=True)
        yield f'{("MaxPool2dWithIndices", "MaxPool3dWithArgmax")[axes - 2]}Backward', \
            [y * y, x, places, [3] * axes, [2] * axes, [1] * axes, [1] * axes, False], \
            lambda g, x, *rest, f=pool: slope(lambda x: f(x, 3, 2, 1), x, gradient=g)
        y, places = pool(x, 2, 2, return_indices=True)
        whole_size = list(form[2:])
        unpool = (F.max_unpool2d, F.max_unpool3d)[axes - 2]
        yield f'MaxUnpool{axes}d', [y, places, whole_size, *([[2] * 3, [0] * 3] if axes == 3 else [])], \
            lambda y, i, s, *rest, f=unpool: f(y, i, 2, 2, 0, s)
    for size, dilation, pad, step in (([2, 3], [1, 1], [0, 0], [1, 1]), ([3, 2], [2, 1], [1, 2], [2, 3])):
        columns = F.unfold(numbers(2, 3, 8, 9), size, dilation, pad, step)
        yield 'Im2colBackward', [columns, [8, 9], size, dilation, pad, step], F.fold
        yield 'Im2colBackward', [columns[0], [8, 9], size, dilation, pad, step], F.fold
    for axis in (0, 1, -1):
        for size, step in ((3, 1), (2, 3)):
            yield 'UnfoldGrad', [numbers(5, 6, 7).unfold(axis, size, step).contiguous(), [5, 6, 7], axis, size, step], \
                torch.ops.aten.unfold_backward
    for axes, pads in ((1, [2, 3]), (2, [1, 2, 3, 0]), (3, [1, 2, 0, 1, 2, 2])):
        x = numbers(2, 3, *(5, 6, 4)[:axes])
        for name, mode in (('Reflection', 'reflect'), ('Replication', 'replicate')):
            g = numbers(*F.pad(x, pads, mode).shape)
            yield f'{name}Pad{axes}dBackward', [g, x, pads], lambda g, x, p, m=mode: slope(lambda x: F.pad(x, p, m), x, gradient=g)
    for axes in (1, 2, 3):
        yield from upsampled(f'UpsampleNearest{axes}dBackward', 'nearest', axes)
        yield from upsampled(f'UpsampleNearestExact{axes}dBackward', 'nearest-exact', axes)
    for align in (False, True):
        yield from upsampled('UpsampleLinear1dBackward', 'linear', 1, align)
        yield from upsampled('UpsampleBilinear2dBackward', 'bilinear', 2, align)
        yield from upsampled('UpsampleBilinear2dBackwardV2', 'bilinear', 2, align)
        yield from upsampled('UpsampleTrilinear3dBackward', 'trilinear', 3, align)
        yield from upsampled('UpsampleBicubic2dBackward', 'bicubic', 2, align)
        yield from upsampled('UpsampleBilinear2dAABackward', 'bilinear', 2, align, antialias=True)
        yield from upsampled('UpsampleBicubic2dAAGrad', 'bicubic', 2, align, antialias=True)
        for name, mode in (('Bilinear', 'bilinear'), ('Bicubic', 'bicubic')):
            for size in ((3, 4), (13, 17), (9, 5)):
                yield f'Upsample{name}2dAA', [numbers(2, 3, 9, 11), list(size), align, 0.0, 0.0], \
                    lambda x, s, a, *rest, m=mode: F.interpolate(x, s, mode=m, align_corners=a, antialias=True)


def convolution_gradients():
    for axes, form, outputs, groups, kernel, stride, pad, dilation, transposed in (
            (1, (2, 4, 11), 6, 2, [3], [2], [1], [1], False), (2, (2, 3, 8, 9), 5, 1, [3, 2], [2, 3], [1, 0], [1, 2], False),
            (2, (2, 6, 7, 7), 6, 6, [3, 3], [1, 1], [1, 1], [1, 1], False), (3, (1, 2, 4, 5, 5), 3, 1, [2, 2, 3], [1, 2, 2], [0, 1, 1], [1, 1, 1], False),
            (2, (2, 4, 5, 6), 6, 2, [3, 2], [2, 3], [1, 0], [1, 2], True)):
        x = numbers(*form)
        weight = numbers(*((form[1], outputs // groups) if transposed else (outputs, form[1] // groups)), *kernel)
        extra = [1] * axes if transposed else [0] * axes
        y = torch.ops.aten.convolution(x, weight, None, stride, pad, dilation, transposed, extra, groups)
        yield 'ConvolutionBackward', [numbers(*y.shape, seed=3), x, weight, [outputs], stride, pad, dilation, transposed, extra, groups,
                                      [True] * 3, 0], lambda *given: torch.ops.aten.convolution_backward(*given[:-1])
    x, weight = numbers(9, 2, 4), numbers(3, 4, 5)
    for pad in (0, 2):
        g = numbers(*torch.conv_tbc(x, weight, torch.zeros(5), pad).shape)
        yield 'ConvTbcBackward', [g, x, weight, torch.zeros(5), pad, 0], \
            lambda g, x, w, b, p, c: slope(lambda x, w, b: torch.conv_tbc(x, w, b, p), x, w, b, gradient=g)


def norm_gradients():
    x, g, weight = numbers(4, 6, 3, 5), numbers(4, 6, 3, 5, seed=4), numbers(6)
    mean, invstd = x.mean((0, 2, 3)), torch.rsqrt(x.var((0, 2, 3), correction=0) + 1e-5)
    for training in (True, False):
        for w in (weight, None):
            yield 'BatchNormBackward', [g, x, w, numbers(6), numbers(6, low=0.5), mean, invstd, training, 1e-5, [True] * 3], \
                torch.ops.aten.native_batch_norm_backward
    tall = (6, 1, 1)
    sums = g.sum((0, 2, 3)), (g * (x - mean.view(tall))).sum((0, 2, 3))
    yield 'BatchNormReduceBackward', [g, x, mean, invstd, weight, True, True, True], \
        lambda *rest: (*sums, sums[1] * invstd, sums[0])
    yield 'BatchNormElemtBackward', [g, x, mean, invstd, weight, *sums, torch.tensor([25, 35], dtype=torch.int32)], \
        lambda g, x, m, s, w, *rest: slope(lambda x: F.batch_norm(x, None, None, w, None, True, 0.1, 1e-5), x, gradient=g)
    parts = x[:1], x[1:]
    counts = torch.tensor([15, 45], dtype=torch.int32)

    def joined(old_mean, old_var, momentum, eps):
        old_mean, old_var = old_mean.clone(), old_var.clone()
        F.batch_norm(x, old_mean, old_var, None, None, True, momentum, eps)
        return old_mean, old_var, x.mean((0, 2, 3)), torch.rsqrt(x.var((0, 2, 3), correction=0) + eps)

    means = torch.stack([part.mean((0, 2, 3)) for part in parts])
    invstds = torch.stack([torch.rsqrt(part.var((0, 2, 3), correction=0) + 1e-5) for part in parts])
    yield 'BatchNormGatherStatsWithCounts', [x, means, invstds, numbers(6), numbers(6, low=0.5), 0.1, 1e-5, counts], \
        lambda x, m, s, old_mean, old_var, momentum, eps, n: joined(old_mean, old_var, momentum, eps)
    yield 'SyncBatchNormGatherStats', [torch.stack([part.sum((0, 2, 3)) for part in parts]),
                                       torch.stack([part.square().sum((0, 2, 3)) for part in parts]), counts,
                                       numbers(6), numbers(6, low=0.5), 0.1, 1e-5], \
        lambda s, q, n, old_mean, old_var, momentum, eps: joined(old_mean, old_var, momentum, eps)

    for groups in (2, 6):
        rows = x.reshape(4, groups, -1)
        middle, rstd = rows.mean(-1), torch.rsqrt(rows.var(-1, correction=0) + 1e-5)
        yield 'GroupNormBackward', [g, x, middle, rstd, weight, 4, 6, 15, groups, [True] * 3], torch.ops.aten.native_group_norm_backward
        yield 'GroupNormSwishGrad', [g, middle, rstd, x, weight, numbers(6, seed=2), groups, 'NCHW', 1.3, True, True], \
            lambda g, m, r, x, w, v, n, f, s, *rest: slope(
                lambda x, w, v: F.group_norm(x, n, w, v) * torch.sigmoid(s * F.group_norm(x, n, w, v)), x, w, v, gradient=g)
    x, y, g, weight, more = numbers(5, 37), numbers(5, 37, seed=1), numbers(5, 37, seed=2), numbers(37), numbers(5, 37, seed=3)

    def moments(x):
        return x.mean(-1, keepdim=True), torch.rsqrt(x.var(-1, correction=0, keepdim=True) + 1e-5)

    def normed(x, w, v):
        return F.layer_norm(x, [37], w, v)

    yield 'AddLayerNormGrad', [g, x, y, *reversed(moments(x + y)), weight, more], \
        lambda g, x, y, r, m, w, d: tuple(a + b for a, b in zip(slope(normed, x + y, w, torch.zeros(37), gradient=g), (d, 0, 0)))

    def deep_norm(g, x, gx, w, m, r, alpha):
        dx, dgx, dw, dv = slope(lambda x, gx, w, v: normed(alpha * x + gx, w, v), x, gx, w, torch.zeros(37), gradient=g)
        return dx, dgx, dv, dw

    yield 'DeepNormGrad', [g, x, y, weight, *moments(0.7 * x + y), 0.7], deep_norm


def places():
    table, index = numbers(5, 6), whole(4, 7, low=0, high=5, dtype=torch.int64)
    source = numbers(4, 8, seed=2)
    for dtype in (F32, I32, torch.int64):
        for code, word in ((1, 'sum'), (2, 'prod'), (3, 'amax'), (4, 'amin'), (5, 'mean')):
            for with_self in (True, False):
                x, y = (table, source) if dtype == F32 else ((3 * table).to(dtype), (3 * source).to(dtype))
                yield 'ScatterReduce', [x, 1, index, y, code, with_self], \
                    lambda x, d, i, y, r, s, w=word: x.scatter_reduce(d, i[:, :7], y, w, include_self=s)
    yield 'InplaceScatterReduce', [table, 0, index[:, :6].contiguous(), source, 1, True], \
        lambda x, d, i, y, r, s: x.scatter_reduce(d, i, y[:, :6], 'sum', include_self=s)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(1))[:8]
    yield 'InplacePut', [table, order, numbers(8), False], lambda x, *rest: x.put_(*rest)
    yield 'InplacePut', [table, whole(3, 9, low=0, high=30, dtype=torch.int64), numbers(3, 9), True], lambda x, *rest: x.put_(*rest)
    for mask in (truths(5, 6), truths(6)):
        yield 'InplaceMaskedScatter', [table, mask, numbers(40, seed=1)], torch.masked_scatter
        yield 'InplaceMaskedScatter', [I[:, :6][:4].expand(4, 6).contiguous(), mask[:4] if mask.dim() == 2 else mask, I.flatten()], torch.masked_scatter
    repeats = torch.tensor([2, 0, 3, 1, 4])
    yield 'RepeatInterleave', [numbers(5), repeats, 10], lambda x, r, n: x.repeat_interleave(r)
    yield 'RepeatInterleaveWithDim', [table, repeats, 0, 10], lambda x, r, d, n: x.repeat_interleave(r, d)
    yield 'RepeatInterleaveWithDim', [numbers(2, 5, 3), repeats, 1, 10], lambda x, r, d, n: x.repeat_interleave(r, d)
    yield 'RepeatInterleaveTensor', [repeats, 10], lambda r, n: torch.repeat_interleave(r)
    for axis, form in ((0, (10, 6)), (1, (2, 10, 3)), (-1, (4, 10))):
        x = numbers(*[5 if n == 10 else n for n in form])
        yield 'RepeatInterleaveGrad', [numbers(*form), repeats, axis], \
            lambda g, r, d, x=x: slope(lambda x: x.repeat_interleave(r, d), x, gradient=g)
    spoilt = torch.cat([numbers(9), torch.full((3,), float('nan'))])[torch.randperm(12, generator=torch.Generator().manual_seed(3))].view(3, 4)
    nothing = torch.full((2, 3), float('nan'))
    for x in (spoilt, nothing, table):
        yield 'NanMedian', [x], torch.nanmedian
        for axis, keep in ((0, False), (1, True)):
            yield 'NanMedianDim', [x, axis, keep], torch.nanmedian
    for low, high in ((-2.0, 2.0), (0.0, 0.0)):
        for bins in (1, 7, 100):
            yield 'Histc', [torch.cat([X.flatten(), torch.tensor([2.0, -2.0])]), bins, low, high], torch.histc
    yield 'Histc', [torch.full((5,), 1.5), 4, 0.0, 0.0], torch.histc
    counted = whole(50, low=0, high=9)
    counted[0] = 8
    yield 'Bincount', [counted, None, 0], torch.bincount
    yield 'Bincount', [counted.to(torch.int64), numbers(50), 20], torch.bincount
    rows = numbers(6, 5)
    for p in (0.0, 1.0, 2.0, 3.0, float('inf')):
        yield 'Pdist', [rows, p], torch.pdist
        x, y = numbers(2, 4, 5), numbers(2, 3, 5, seed=7)
        g, far = numbers(2, 4, 3), torch.cdist(x, y, p)
        yield 'CdistBackward', [g, x, y, far, -1.0 if p == float('inf') else p], \
            lambda g, x, y, d, p: torch.ops.aten._cdist_backward(g, x, y, float('inf') if p < 0 else p, d)
    yield 'EmbeddingRenorm', [table.clone(), torch.tensor([0, 3, 3]), 2.0, 2.0], torch.embedding_renorm_
    yield 'EmbeddingRenorm', [table.clone(), torch.tensor([[4, 1]], dtype=I32), 1.0, 1.0], torch.embedding_renorm_
    words, begins = torch.tensor([1, 4, 0, 2, 2, 3, 1]), torch.tensor([0, 2, 2, 6])
    owner, sizes = torch.tensor([0, 0, 2, 2, 2, 2, 3]), torch.tensor([2, 0, 4, 1])
    for mode, word in ((0, 'sum'), (1, 'mean')):
        yield 'EmbeddingBag', [table, words, begins, False, mode, False, None, False, -1], \
            lambda t, i, o, f, m, *rest, w=word: (F.embedding_bag(i, t, o, mode=w), owner, sizes, torch.zeros(0, dtype=torch.int64))
        yield 'EmbeddingBag', [table, words, torch.tensor([0, 2, 2, 6, 7]), False, mode, False, None, True, 2], \
            lambda t, i, o, f, m, *rest, w=word: (F.embedding_bag(i, t, o, mode=w, include_last_offset=True, padding_idx=2), owner,
                                                  torch.tensor([2, 0, 2, 1]), torch.zeros(0, dtype=torch.int64))
    yield 'EmbeddingBag', [table, words, begins, False, 0, False, numbers(7), False, -1], \
        lambda t, i, o, f, m, s, v, *rest: (F.embedding_bag(i, t, o, mode='sum', per_sample_weights=v), owner, sizes,
                                            torch.zeros(0, dtype=torch.int64))
    for training, low, high in ((True, 0.25, 0.25), (False, 0.1, 0.3)):
        for name in ('RReluWithNoise', 'InplaceRReluWithNoise'):
            out = F.leaky_relu(X, (low + high) / 2)
            noise = torch.where(X > 0, 1.0, low) if training else Y
            yield name, [X, Y, low, high, training, 7, 0], \
                lambda *rest, r=(noise, out) if name[0] == 'R' else (out, noise): r


def pictures():
    for axes, form, target in ((2, (2, 3, 5, 6), (4, 7)), (3, (2, 2, 4, 3, 5), (2, 3, 4))):
        x, grid = numbers(*form), numbers(form[0], *target, axes, low=-1.7, high=1.7)
        g = numbers(*form[:2], *target, seed=8)
        grid[0, 0, 0] = torch.tensor([float('nan')] + [0.0] * (axes - 1)) if axes == 2 else grid[0, 0, 0]
        clean = grid.nan_to_num(0.3)
        for mode, word in enumerate(('bilinear', 'nearest', 'bicubic')[:4 - (axes - 1)]):
            for padding, edge in enumerate(('zeros', 'border', 'reflection')):
                for corners in (True, False):
                    places = grid if word != 'bicubic' and edge == 'border' else clean
                    yield f'GridSampler{axes}D', [x, places, mode, padding, corners], \
                        lambda x, p, m, e, c, w=word, v=edge: F.grid_sample(x, p, w, v, c)
                    yield f'GridSampler{axes}DBackward', [g, x, clean, mode, padding, corners, [True, True]], \
                        lambda g, x, p, m, e, c, o, w=word, v=edge: slope(lambda x, p: F.grid_sample(x, p, w, v, c), x, p, gradient=g)
        for corners in (True, False):
            yield 'AffineGrid', [numbers(2, axes, axes + 1), list(form), corners], F.affine_grid
    first = torch.tensor([[0, 0, 10, 10], [10, 10, 20, 20], [32, 32, 38, 42]]).float()
    second = torch.tensor([[0, 0, 10, 20], [0, 0, 10, 10]]).float()

    def overlap(a, b, mode, eps, aligned):
        a, b = (a, b) if aligned else (a[:, None], b[None])
        low, high = torch.maximum(a, b)[..., :2], torch.minimum(a, b)[..., 2:]
        shared = (high - low + eps).clamp(0).prod(-1)
        area_a, area_b = ((x[..., 2:] - x[..., :2] + eps).prod(-1) for x in (a, b))
        return shared / (area_b if mode == 'iof' else area_a + area_b - shared)

    for mode in ('iou', 'iof'):
        yield 'Iou', [first, second, mode, 0.01, False], overlap
    yield 'Iou', [first[:2], second, 'iou', 0.01, True], lambda *given: overlap(*given)[:, None]
    first, second = numbers(4, 6, low=0.1, high=20), numbers(4, 6, low=0.1, high=20, seed=4)

    def complete(a, b, *rest):
        eps = 1e-9
        (ax, ay, aw, ah), (bx, by, bw, bh) = a, b
        ah, bh = ah + eps, bh + eps
        low_x, high_x = torch.minimum(ax + aw / 2, bx + bw / 2), torch.maximum(ax - aw / 2, bx - bw / 2)
        low_y, high_y = torch.minimum(ay + ah / 2, by + bh / 2), torch.maximum(ay - ah / 2, by - bh / 2)
        shared = (low_x - high_x).clamp(0) * (low_y - high_y).clamp(0)
        part = shared / (aw * ah + bw * bh - shared)
        wide = torch.maximum(ax + aw / 2, bx + bw / 2) - torch.minimum(ax - aw / 2, bx - bw / 2)
        tall = torch.maximum(ay + ah / 2, by + bh / 2) - torch.minimum(ay - ah / 2, by - bh / 2)
        turned = torch.atan(bw / bh) - torch.atan(aw / ah)
        v = 4 / torch.pi ** 2 * turned ** 2
        return (part - ((ax - bx) ** 2 + (ay - by) ** 2) / (wide ** 2 + tall ** 2) - v * v / (1 - part + v))[None], turned[None]

    yield 'CIoU', [first, second, True, False, 'iou'], complete
    ramp = torch.arange(1.0, 37).view(1, 1, 6, 6)
    yield 'ROIAlign', [ramp, torch.tensor([[0, -2.0, -2.0, 22.0, 22.0]]), 0.25, 3, 3, 2, 0], \
        lambda *rest: torch.tensor([[[[4.5, 6.5, 8.5], [16.5, 18.5, 20.5], [28.5, 30.5, 32.5]]]])

    def aligned(x, rois, scale, height, width, samples, end):
        out = []
        for roi in rois:
            picture, (x1, y1, x2, y2) = x[int(roi[0])], (roi[1:] * scale).tolist()
            steps = [(low + max(high - low, 1) * (torch.arange(n * samples) + 0.5) / (n * samples))
                     for low, high, n in ((y1, y2, height), (x1, x2, width))]
            far = [(at < -1) | (at > size) for at, size in zip(steps, picture.shape[1:])]
            unit = [2 * at / (size - 1) - 1 for at, size in zip(steps, picture.shape[1:])]
            grid = torch.stack(torch.meshgrid(unit[1], unit[0], indexing='xy'), -1)
            read = F.grid_sample(picture[None], grid[None], padding_mode='border', align_corners=True)[0]
            read = read.masked_fill(far[0][:, None] | far[1][None], 0)
            out.append(F.avg_pool2d(read, samples))
        return torch.stack(out)

    yield 'ROIAlign', [numbers(2, 3, 7, 8), torch.tensor([[1, 2.0, 1, 20, 24], [0, -9, -5, 8, 3], [1, 4, 4, 4.5, 4.5], [0, 40, 40, 50, 60]]),
                       0.3, 2, 3, 2, 0], aligned


def formulas():
    yield 'Atan2', [X, Y], torch.atan2
    yield 'Atan2', [I, numbers(19)], torch.atan2
    awkward = torch.tensor([0.0, -0.0, 1.0, -1.0, float('inf'), -float('inf'), float('nan')])
    yield 'Atan2', [awkward[:, None], awkward], torch.atan2
    yield 'InplaceAtan2', [X, numbers(37)], torch.atan2
    for name, function, x in (('Erfc', torch.erfc, torch.cat([X.flatten(), torch.tensor([4.0, -5.0, 9.0])])),
                              ('Erfinv', torch.erfinv, torch.cat([UNIT.flatten(), torch.tensor([1.0, -1.0, 2.0, 0.9999999])]))):
        yield name, [x], function
        yield 'Inplace' + name, [x], function
        yield name, [x.to(F16)], lambda x, f=function: f(x.float()).to(F16)
    yield 'Gcd', [12 * I, 9 * I.flip(0)], torch.gcd
    yield 'Gcd', [12 * I.to(torch.int64), torch.tensor([8])], torch.gcd
    for x in (numbers(3, 300, 2), whole(3, 300, 2), numbers(4, 5, 3).masked_fill(truths(4, 5, 3), float('nan'))):
        for axis in (0, 1, -1):
            yield 'Cummax', [x, axis], torch.cummax
            yield 'Cummin', [x, axis], torch.cummin


def matrices():
    for form in ((4, 4), (2, 3, 7, 7), (1, 1)):
        x = numbers(*form) + 2 * torch.eye(form[-1]) * torch.tensor([1.0, -1.0] * 4)[:form[-1]]
        yield 'Inverse', [x], torch.inverse
        yield 'Inverse', [x.mT], torch.inverse
        yield 'Slogdet', [x], torch.slogdet
        positive = x @ x.mT + torch.eye(form[-1])
        for upper in (False, True):
            yield 'LinalgCholesky', [positive, upper], lambda x, u: torch.linalg.cholesky(x, upper=u)
    yield 'Slogdet', [torch.ones(3, 3)], torch.slogdet
    yield 'Inverse', [torch.eye(40)[torch.randperm(40, generator=torch.Generator().manual_seed(1))]], torch.inverse


def cases():
    for group in (pool_gradients, convolution_gradients, norm_gradients, places, pictures, formulas, matrices):
        yield from group()
