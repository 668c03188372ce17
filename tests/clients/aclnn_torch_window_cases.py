# SPDX-License-Identifier: Apache-2.0
"""More cases of aclnn_torch: windows, places in images, and gradients of both."""
import torch
import torch.nn.functional as F

from aclnn_torch_cases import F16, numbers, slope, whole


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


def cases():
    for group in (pool_gradients,):
        yield from group()
