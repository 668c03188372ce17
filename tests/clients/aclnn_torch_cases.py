# SPDX-License-Identifier: Apache-2.0
"""Cases of aclnn_torch: (operator, arguments that are no outputs, what PyTorch gives for the outputs in order)."""
import torch
import torch.nn.functional as F

F32, F16, BF16, I32, I64, BOOL = (torch.float32, torch.float16, torch.bfloat16, torch.int32, torch.int64, torch.bool)


def numbers(*shape, dtype=F32, low=-3.0, high=3.0, seed=0):
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return (torch.rand(*shape, generator=generator) * (high - low) + low).to(dtype)


def whole(*shape, dtype=I32, low=-9, high=9, seed=0):
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randint(low, high, shape, generator=generator).to(dtype)


def truths(*shape, seed=0):
    return whole(*shape, low=0, high=2, seed=seed).to(BOOL)


X, Y, Z = numbers(5, 37), numbers(5, 37, seed=1), numbers(37, seed=2)
POSITIVE, UNIT = numbers(5, 37, low=0.01, high=4), numbers(5, 37, low=-0.99, high=0.99)
STRIDED = numbers(37, 5, seed=3).t()
SPECIAL = torch.tensor([0.0, -0.0, 1.0, -1.5, 2.5, float('inf'), float('-inf'), float('nan'), 1e-30])
I, J = whole(4, 19), whole(4, 19, seed=1)


def unary():
    functions = {'Abs': torch.abs, 'Neg': torch.neg, 'Exp': torch.exp, 'Sin': torch.sin, 'Cos': torch.cos, 'Tanh': torch.tanh,
                 'Sign': torch.sign, 'Relu': torch.relu, 'Sigmoid': torch.sigmoid, 'Silu': F.silu, 'Gelu': F.gelu,
                 'Hardsigmoid': F.hardsigmoid, 'Hardswish': F.hardswish, 'Atan': torch.atan, 'Asinh': torch.asinh,
                 'Ceil': torch.ceil, 'Floor': torch.floor, 'Round': torch.round, 'Trunc': torch.trunc, 'Frac': torch.frac,
                 'Cosh': torch.cosh, 'Sinh': torch.sinh, 'Tan': torch.tan, 'Erf': torch.erf, 'Exp2': torch.exp2,
                 'Expm1': torch.expm1, 'Reciprocal': torch.reciprocal, 'Sinc': torch.sinc, 'Mish': F.mish, 'AngleV2': torch.angle,
                 'FastGelu': lambda x: x * torch.sigmoid(1.702 * x)}
    positive = {'Log': torch.log, 'Sqrt': torch.sqrt, 'Log10': torch.log10, 'Log1p': torch.log1p, 'Log2': torch.log2,
                'Rsqrt': torch.rsqrt}
    bounded = {'Acos': torch.acos, 'Asin': torch.asin, 'Atanh': torch.atanh}
    for table, x in ((functions, X), (positive, POSITIVE), (bounded, UNIT)):
        for name, function in table.items():
            yield name, [x], function
            yield name, [x[:, ::2]], function
            if name not in ('Tan', 'AngleV2'):
                yield name, [x.to(F16)], lambda x, f=function: f(x.float()).to(F16)
    yield 'Acosh', [POSITIVE + 1], torch.acosh
    for name, function in (('InplaceExp', torch.exp), ('InplaceSin', torch.sin), ('InplaceCos', torch.cos),
                           ('InplaceRelu', torch.relu), ('InplaceTanh', torch.tanh), ('InplaceFloor', torch.floor),
                           ('InplaceReciprocal', torch.reciprocal), ('InplaceErf', torch.erf), ('InplaceFrac', torch.frac),
                           ('InplaceSigmoid', torch.sigmoid), ('InplaceSinc', torch.sinc)):
        yield name, [X], function
    yield 'IsFinite', [SPECIAL], torch.isfinite
    yield 'IsPosInf', [SPECIAL], torch.isposinf
    yield 'IsNegInf', [SPECIAL], torch.isneginf
    yield 'Signbit', [SPECIAL], lambda x: torch.signbit(torch.where(x.isnan(), torch.zeros_like(x), x))
    yield 'LogicalNot', [I], torch.logical_not
    yield 'InplaceLogicalNot', [truths(7)], torch.logical_not
    yield 'BitwiseNot', [I], torch.bitwise_not
    yield 'BitwiseNot', [truths(3, 4)], torch.bitwise_not
    yield 'RoundDecimals', [X, 2], lambda x, d: torch.round(x, decimals=d)
    yield 'RoundDecimals', [X * 100, -1], lambda x, d: torch.round(x, decimals=d)
    yield 'Logit', [numbers(40, low=0, high=1), 1e-3], torch.logit
    yield 'NanToNum', [SPECIAL, 7.0, 8.0, float('-inf')], lambda x, n, p, m: torch.nan_to_num(x, n, p, -3.4028234663852886e38)


def binary():
    for name, function in (('Mul', torch.mul), ('Div', torch.div), ('Maximum', torch.maximum), ('Minimum', torch.minimum),
                           ('FmodTensor', torch.fmod), ('RemainderTensorTensor', torch.remainder),
                           ('FloorDivide', torch.floor_divide), ('LogAddExp', torch.logaddexp),
                           ('LogAddExp2', torch.logaddexp2)):
        yield name, [X, Y], function
        yield name, [X, Z], function
        yield name, [STRIDED, Y], function
    for name, function in (('EqTensor', torch.eq), ('NeTensor', torch.ne), ('GtTensor', torch.gt), ('GeTensor', torch.ge),
                           ('LtTensor', torch.lt), ('LeTensor', torch.le)):
        yield name, [I, J], function
        yield name, [X, Z], function
        yield 'Inplace' + name, [I, J], lambda x, y, f=function: f(x, y).to(x.dtype)
        scalar = name.replace('Tensor', 'Scalar')
        yield scalar, [I, 2], function
        yield scalar, [X, 0.5], function
        yield 'Inplace' + scalar, [X, 0.5], lambda x, y, f=function: f(x, y).to(x.dtype)
    for name, function in (('BitwiseAnd', torch.bitwise_and), ('BitwiseOr', torch.bitwise_or), ('BitwiseXor', torch.bitwise_xor)):
        yield name + 'Tensor', [I, J], function
        yield name + 'Scalar', [I, 6], function
        yield name + 'Tensor', [truths(9), truths(9, seed=4)], function
    for name, function in (('LogicalAnd', torch.logical_and), ('LogicalOr', torch.logical_or), ('LogicalXor', torch.logical_xor)):
        yield name, [I, truths(4, 19)], function
    yield 'LeftShifts', [I, 3], lambda x, n: x << n
    yield 'LeftShift', [I, whole(4, 19, low=0, high=5)], lambda x, n: x << n
    yield 'RightShift', [I, whole(4, 19, low=0, high=5)], lambda x, n: x >> n
    for name, modes in (('DivMod', ('trunc', 'floor')), ('InplaceDivMod', ('trunc', 'floor'))):
        for mode, word in enumerate(modes, 1):
            yield name, [X, Y, mode], lambda x, y, m, w=word: torch.div(x, y, rounding_mode=w)
            yield name, [I, J.where(J != 0, 3), mode], lambda x, y, m, w=word: torch.div(x, y, rounding_mode=w)
    yield 'DivMods', [X, 0.7, 2], lambda x, y, m: torch.div(x, y, rounding_mode='floor')
    yield 'FloorDivides', [I, 4], torch.floor_divide
    yield 'InplaceFloorDivides', [I, 4], torch.floor_divide
    yield 'FmodScalar', [X, 0.7], torch.fmod
    yield 'FmodScalar', [I, 4], torch.fmod
    yield 'RemainderTensorScalar', [I, -4], torch.remainder
    yield 'RemainderScalarTensor', [5, J.where(J != 0, 3)], torch.remainder
    for name, sign in (('Add', 1), ('Sub', -1)):
        for alpha in (1.0, 2.5):
            yield name, [X, Z, alpha], lambda x, y, a, s=sign: x + s * a * y
            yield f'Inplace{name}', [X, Y, alpha], lambda x, y, a, s=sign: x + s * a * y
            yield f'{name}s', [X, 3.5, alpha], lambda x, y, a, s=sign: x + s * a * y
            yield f'Inplace{name}s', [X, 3.5, alpha], lambda x, y, a, s=sign: x + s * a * y
        yield name, [I, J, 2], lambda x, y, a, s=sign: x + s * a * y
    yield 'AddV3', [2.0, X, 3.0], lambda x, y, a: x + a * y
    yield 'Rsub', [X, Y, 2.0], lambda x, y, a: torch.rsub(x, y, alpha=a)
    yield 'Rsubs', [X, 4.0, 2.0], lambda x, y, a: torch.rsub(x, y, alpha=a)
    yield 'AddRelu', [X, Y, 1.0], lambda x, y, a: torch.relu(x + a * y)
    yield 'Muls', [X, 2.5], torch.mul
    yield 'Divs', [X, 2.5], torch.div
    yield 'Divs', [I, 4], torch.div
    yield 'InplaceMul', [X, Z], torch.mul
    yield 'InplaceDivs', [X, 3.0], torch.div
    yield 'Addcmul', [X, Y, Z, 0.5], lambda a, b, c, v: torch.addcmul(a, b, c, value=v)
    yield 'Addcdiv', [X, Y, POSITIVE, 0.5], lambda a, b, c, v: torch.addcdiv(a, b, c, value=v)
    yield 'PowTensorScalar', [POSITIVE, 2.5], torch.pow
    yield 'PowTensorTensor', [POSITIVE, Y], torch.pow
    yield 'PowScalarTensor', [2.0, Y], torch.pow
    yield 'Lerp', [X, Y, numbers(5, 37, low=0, high=1)], torch.lerp
    yield 'Lerps', [X, Y, 0.3], torch.lerp
    yield 'InplaceLerps', [X, Y, 0.8], torch.lerp
    yield 'Clamp', [X, -1.0, 1.5], torch.clamp
    yield 'Clamp', [I, -2, None], torch.clamp
    yield 'ClampTensor', [X, Y - 1, Y + 1], torch.clamp
    yield 'ClampMaxTensor', [X, Z], torch.minimum
    yield 'ClampMin', [X, 0.3], torch.clamp_min
    yield 'XLogYTensor', [torch.tensor([0.0, 1.0, 2.0, 0.0]), torch.tensor([0.0, 2.0, 3.0, float('nan')])], torch.xlogy
    yield 'XLogYScalarSelf', [2.0, POSITIVE], torch.xlogy
    yield 'XLogYScalarOther', [X, 3.0], torch.xlogy
    yield 'SWhere', [truths(5, 37), X, Y], torch.where
    yield 'IsClose', [X, X + 1e-6 * Y, 1e-5, 1e-8, True], torch.isclose
    yield 'IsClose', [SPECIAL, SPECIAL.clone(), 1e-5, 1e-8, True], torch.isclose
    yield 'Equal', [X, X.clone()], lambda x, y: torch.tensor(torch.equal(x, y))
    yield 'Equal', [X, Y], lambda x, y: torch.tensor(torch.equal(x, y))
    yield 'IsInTensorScalar', [I, 3, False, True], lambda x, y, u, i: torch.isin(x, y, invert=i)
    yield 'IsInScalarTensor', [3, I, False, False], lambda x, y, u, i: torch.isin(x, y)


def activations():
    yield 'GeluV2', [X, 1], lambda x, a: F.gelu(x, approximate='tanh')
    yield 'LeakyRelu', [X, 0.1], F.leaky_relu
    yield 'Elu', [X, 1.5, 1.0, 1.0], lambda x, a, s, i: F.elu(x, a)
    yield 'Celu', [X, 1.5], F.celu
    yield 'Softplus', [X, 2.0, 3.0], F.softplus
    yield 'Threshold', [X, 0.5, 7.0], F.threshold
    yield 'Hardtanh', [X, -1.0, 2.0], F.hardtanh
    yield 'Hardshrink', [X, 0.5], F.hardshrink
    yield 'Softshrink', [X, 0.5], F.softshrink
    yield 'LogSigmoidForward', [X], lambda x: (F.logsigmoid(x), torch.exp(-x.abs()))
    yield 'Prelu', [numbers(2, 3, 5), numbers(3)], F.prelu
    yield 'Prelu', [X, numbers(1)], F.prelu
    yield 'Glu', [numbers(4, 6, 3), 1], F.glu
    yield 'SwiGlu', [numbers(4, 6), -1], lambda x, d: F.silu(x.chunk(2, d)[0]) * x.chunk(2, d)[1]
    yield 'GeluMul', [numbers(4, 6), 'none'], lambda x, a: F.gelu(x.chunk(2, -1)[0]) * x.chunk(2, -1)[1]


def reductions():
    cube = numbers(3, 4, 5)
    yield 'ReduceSum', [cube, [0, 2], True, F32], lambda x, d, k, t: x.sum(d, keepdim=k)
    yield 'Mean', [cube, [1], False, F32], lambda x, d, k, t: x.mean(d, keepdim=k)
    yield 'Amax', [cube, [0, 1], False], lambda x, d, k: x.amax(d, keepdim=k)
    yield 'Amin', [cube, [2], True], lambda x, d, k: x.amin(d, keepdim=k)
    yield 'All', [truths(3, 4), [1], False], lambda x, d, k: x.all(1)
    yield 'Any', [I, [0], True], lambda x, d, k: x.any(0, keepdim=True)
    yield 'Aminmax', [cube, [1], True], lambda x, d, k: torch.aminmax(x, dim=1, keepdim=True)
    yield 'AminmaxAll', [cube], torch.aminmax
    yield 'MaxDim', [cube, 1, False], lambda x, d, k: torch.max(x, d, keepdim=k)
    yield 'MinDim', [cube, -1, True], lambda x, d, k: torch.min(x, d, keepdim=k)
    yield 'Max', [cube], torch.max
    yield 'Min', [cube], torch.min
    yield 'ArgMax', [cube, 1, True], lambda x, d, k: torch.argmax(x, d, keepdim=k)
    yield 'ArgMin', [cube, 2, False], lambda x, d, k: torch.argmin(x, d, keepdim=k)
    yield 'Median', [cube], torch.median
    yield 'MedianDim', [cube, 2, False], lambda x, d, k: torch.median(x, d, keepdim=k)
    yield 'MedianDim', [SPECIAL, 0, True], lambda x, d, k: torch.median(x, d, keepdim=k)
    yield 'Kthvalue', [cube, 2, 1, True], lambda x, n, d, k: torch.kthvalue(x, n, d, keepdim=k)
    yield 'Prod', [numbers(3, 4), F32], lambda x, t: torch.prod(x)
    yield 'ProdDim', [cube, 1, True, F32], lambda x, d, k, t: torch.prod(x, d, keepdim=k)
    yield 'ReduceNansum', [torch.cat([X, torch.full((1, 37), float('nan'))]), [0], False, F32], lambda x, d, k, t: x.nansum(d)
    yield 'Std', [cube, [1], 1, False], lambda x, d, c, k: torch.std(x, d, correction=c, keepdim=k)
    yield 'VarCorrection', [cube, [0, 2], 0, True], lambda x, d, c, k: torch.var(x, d, correction=c, keepdim=k)
    yield 'VarMean', [cube, [2], 1, False], lambda x, d, c, k: torch.var_mean(x, d, correction=c, keepdim=k)
    yield 'StdMeanCorrection', [cube, [2], 1, True], lambda x, d, c, k: torch.std_mean(x, d, correction=c, keepdim=k)
    yield 'LogSumExp', [cube, [1], False], lambda x, d, k: torch.logsumexp(x, d, keepdim=k)
    yield 'Norm', [cube, 2.0, [1], False], lambda x, p, d, k: torch.norm(x, p, d, keepdim=k)
    for p in (0.0, 1.0, 2.0, 3.0, float('inf')):
        yield 'LinalgVectorNorm', [cube, p, [0, 2], True, F32], lambda x, p, d, k, t: torch.linalg.vector_norm(x, p, d, k)
        yield 'Cdist', [cube, numbers(3, 7, 5, seed=4), p, 0], lambda x, y, p, m: torch.cdist(x, y, p)
    yield 'Renorm', [cube, 2.0, 1, 3.0], torch.renorm
    yield 'Cumsum', [cube, 1, F32], lambda x, d, t: torch.cumsum(x, d)
    yield 'Cumprod', [cube, 2, F32], lambda x, d, t: torch.cumprod(x, d)
    yield 'Trace', [numbers(4, 6)], torch.trace
    yield 'Sort', [cube, True, 1, True], lambda x, s, d, r: torch.sort(x, dim=d, descending=r, stable=s)
    yield 'Topk', [cube, 3, 2, True, True], lambda x, k, d, l, s: torch.topk(x, k, d, l, s)
    yield 'Argsort', [cube, 1, False], lambda x, d, r: torch.argsort(x, d, r)


def shapes():
    cube = numbers(3, 4, 6)
    yield 'Cast', [X, F16], lambda x, t: x.to(t)
    yield 'Cast', [X, I32], lambda x, t: x.to(t)
    yield 'InplaceCopy', [X, Z], lambda x, y: y.expand_as(x).clone()
    yield 'InplaceFillScalar', [X, 2.5], torch.full_like
    yield 'InplaceZero', [I], torch.zeros_like
    yield 'InplaceOne', [I], torch.ones_like
    yield 'InplaceFillTensor', [X, torch.tensor(4.5)], lambda x, v: torch.full_like(x, v.item())
    yield 'InplaceFillDiagonal', [numbers(3, 5), 9.0, False], lambda x, v, w: x.clone().fill_diagonal_(v, w)
    yield 'Cat', [[X, Y, STRIDED], 1], torch.cat
    yield 'Stack', [[X, Y], 1], torch.stack
    yield 'SplitWithSize', [cube, [1, 2, 3], 2], lambda x, s, d: [list(t.contiguous() for t in torch.split(x, s, d))]
    yield 'Permute', [cube, [2, 0, 1]], lambda x, d: x.permute(d).contiguous()
    yield 'Repeat', [cube, [2, 1, 1, 3]], lambda x, r: x.repeat(r)
    yield 'RepeatInterleaveInt', [cube, 3, 216], lambda x, r, n: torch.repeat_interleave(x, r)
    yield 'RepeatInterleaveIntWithDim', [cube, 2, 1, 8], lambda x, r, d, n: torch.repeat_interleave(x, r, d)
    yield 'Slice', [cube, 1, 1, 4, 2], lambda x, d, a, b, s: x[:, a:b:s].contiguous()
    yield 'Roll', [cube, [1, -2], [0, 2]], torch.roll
    yield 'Flip', [cube, [0, 2]], torch.flip
    yield 'Eye', [4, 6], lambda n, m: torch.eye(n, m)
    yield 'OneHot', [whole(5, low=0, high=7, dtype=I64), 7, torch.tensor(1, dtype=I64), torch.tensor(0, dtype=I64), -1], \
        lambda x, n, a, b, d: F.one_hot(x, n)
    yield 'Linspace', [-2.0, 3.0, 7], torch.linspace
    yield 'LogSpace', [0.0, 2.0, 5, 10.0], torch.logspace
    yield 'Arange', [1, 10, 3], lambda a, b, c: torch.arange(a, b, c)
    yield 'Arange', [0.5, 3.0, 0.5], lambda a, b, c: torch.arange(a, b, c)
    yield 'Range', [0.5, 3.0, 0.5], lambda a, b, c: torch.arange(a, b + 0.1, c)
    yield 'ConstantPadNd', [cube, [1, 2, 0, 3], 7.0], lambda x, p, v: F.pad(x, p, value=v)
    yield 'ReflectionPad1d', [cube, [2, 1]], lambda x, p: F.pad(x, p, mode='reflect')
    yield 'ReplicationPad2d', [numbers(1, 2, 3, 4), [2, 1, 1, 0]], lambda x, p: F.pad(x, p, mode='replicate')
    yield 'Tril', [numbers(4, 5), 1], torch.tril
    yield 'Triu', [numbers(4, 5), -1], torch.triu
    yield 'ConfusionTranspose', [numbers(2, 3, 4), [1, 0, 2], [3, 8], True], lambda x, p, s, f: x.permute(p).reshape(s)
    yield 'ConfusionTranspose', [numbers(2, 12), [2, 0, 1], [2, 3, 4], False], \
        lambda x, p, s, f: x.reshape(s).permute(p).contiguous()
    yield 'ChannelShuffle', [numbers(2, 6, 3, 2), 3], lambda x, g: F.channel_shuffle(x, g)


def indices():
    table, places = numbers(9, 6), whole(5, low=0, high=9, dtype=I64)
    inside = whole(4, 6, low=0, high=9, dtype=I64, seed=5)
    yield 'GatherV2', [table, 0, places], lambda x, d, i: x[i]
    yield 'IndexSelect', [table, 1, whole(3, low=0, high=6)], lambda x, d, i: x.index_select(d, i)
    yield 'Gather', [table, 0, inside], lambda x, d, i: torch.gather(x, d, i)
    yield 'Embedding', [table, places], lambda w, i: F.embedding(i, w)
    yield 'Take', [table, whole(4, 3, low=0, high=54, dtype=I64)], torch.take
    unique = torch.tensor([3, 0, 8], dtype=I64)
    yield 'IndexCopy', [table, 0, unique, numbers(3, 6, seed=9)], torch.index_copy
    yield 'InplaceIndexCopy', [table, 0, unique, numbers(3, 6, seed=9)], torch.index_copy
    yield 'IndexAdd', [table, 0, places, numbers(5, 6, seed=9), 2.0], lambda x, d, i, s, a: torch.index_add(x, d, i, s, alpha=a)
    yield 'IndexFill', [table, 1, torch.tensor([1, 4]), 7.0], torch.index_fill
    yield 'InplaceIndexFill', [table, 0, unique, 7.0], torch.index_fill
    yield 'InplaceIndexFillTensor', [table, 0, [1, 2, 7], 7.0], lambda x, d, i, v: x.index_fill(d, torch.tensor(i), v)
    rows = torch.stack([torch.randperm(9, generator=torch.Generator().manual_seed(i))[:4] for i in range(6)], 1)
    yield 'Scatter', [table, 0, rows, numbers(4, 6, seed=8), 0], lambda x, d, i, s, r: x.scatter(d, i, s)
    yield 'Scatter', [table, 0, inside, numbers(4, 6, seed=8), 1], lambda x, d, i, s, r: x.scatter(d, i, s, reduce='add')
    yield 'InplaceScatter', [table, 0, rows, numbers(4, 6, seed=8), 0], lambda x, d, i, s, r: x.scatter(d, i, s)
    yield 'ScatterValue', [table, 0, rows, 5.0, 0], lambda x, d, i, v, r: x.scatter(d, i, v)
    yield 'ScatterAdd', [table, 0, inside, numbers(4, 6, seed=8)], torch.scatter_add
    yield 'ScatterNdUpdate', [table, torch.tensor([[1], [5]]), numbers(2, 6)], \
        lambda x, i, u: x.clone().index_put_((i[:, 0],), u)
    yield 'InplaceMaskedFillScalar', [X, truths(5, 37), 3.0], torch.masked_fill
    yield 'InplaceMaskedFillTensor', [X, truths(5, 37), torch.tensor(3.0)], torch.masked_fill
    ordered = torch.sort(numbers(20))[0]
    yield 'SearchSorted', [ordered, X, False, False, None], lambda s, x, o, r, n: torch.searchsorted(s, x, right=r)
    yield 'SearchSorted', [torch.sort(numbers(4, 20))[0], numbers(4, 7), True, True, None], \
        lambda s, x, o, r, n: torch.searchsorted(s, x, right=r, out_int32=True)
    yield 'SearchSorteds', [ordered, 0.5, False, True, None], lambda s, x, o, r, n: torch.searchsorted(s, x, right=r)
    yield 'Bucketize', [X, ordered, False, True], lambda x, s, o, r: torch.bucketize(x, s, right=r)


def products():
    a, b, batch, other = numbers(5, 7), numbers(7, 4), numbers(3, 5, 7), numbers(3, 7, 4)
    yield 'Mm', [a, b, 0], lambda x, y, c: x @ y
    yield 'Mm', [a, numbers(4, 7).t(), 0], lambda x, y, c: x @ y
    yield 'Matmul', [batch, b, 0], lambda x, y, c: x @ y
    yield 'Matmul', [a.to(F16), b.to(F16), 0], lambda x, y, c: (x.float() @ y.float()).to(F16)
    yield 'BatchMatMul', [batch, other, 0], lambda x, y, c: x @ y
    yield 'Mv', [a, numbers(7), 0], lambda x, y, c: x @ y
    yield 'Dot', [numbers(9), numbers(9, seed=2)], torch.dot
    yield 'Addmm', [numbers(5, 4), a, b, 0.5, 2.0, 0], lambda s, x, y, e, f, c: torch.addmm(s, x, y, beta=e, alpha=f)
    yield 'Addmm', [numbers(4), a, b, 1.0, 1.0, 0], lambda s, x, y, e, f, c: torch.addmm(s, x, y, beta=e, alpha=f)
    yield 'InplaceAddmm', [numbers(5, 4), a, b, 0.5, 2.0, 0], lambda s, x, y, e, f, c: torch.addmm(s, x, y, beta=e, alpha=f)
    yield 'Baddbmm', [numbers(3, 5, 4), batch, other, 0.5, 2.0, 0], \
        lambda s, x, y, e, f, c: torch.baddbmm(s, x, y, beta=e, alpha=f)
    yield 'Addbmm', [numbers(5, 4), batch, other, 0.5, 2.0, 0], lambda s, x, y, e, f, c: torch.addbmm(s, x, y, beta=e, alpha=f)
    yield 'Addmv', [numbers(5), a, numbers(7), 2.0, 0.5, 0], lambda s, m, v, f, e, c: torch.addmv(s, m, v, beta=e, alpha=f)
    yield 'Addr', [numbers(5, 4), numbers(5), numbers(4), 0.5, 2.0], lambda s, x, y, e, f: torch.addr(s, x, y, beta=e, alpha=f)
    lower = torch.tril(numbers(2, 5, 5)) + 4 * torch.eye(5)
    for upper, transpose, unit in ((False, False, False), (True, False, True), (False, True, False)):
        yield 'TriangularSolve', [numbers(2, 5, 3), lower if not upper else lower.mT.contiguous(), upper, transpose, unit], \
            lambda y, a, u, t, i: (torch.triangular_solve(y, a, u, t, i)[0], a)
    yield 'LinalgCross', [numbers(4, 3), numbers(4, 3, seed=1), 1], lambda x, y, d: torch.linalg.cross(x, y, dim=d)


def norms():
    yield 'Softmax', [numbers(3, 4, 6), 1], torch.softmax
    yield 'LogSoftmax', [numbers(3, 4, 6), -1], torch.log_softmax
    weight, bias = numbers(37, seed=4), numbers(37, seed=5)

    def layer_norm(x, shape, w, b, eps):
        mean, var = x.mean(-1, keepdim=True), x.var(-1, correction=0, keepdim=True)
        return F.layer_norm(x, shape, w, b, eps), mean, torch.rsqrt(var + eps)

    yield 'LayerNorm', [X, [37], weight, bias, 1e-5], layer_norm
    yield 'LayerNorm', [X, [37], None, None, 1e-5], layer_norm

    def rms_norm(x, w, eps):
        factor = torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
        return x * factor * w, factor

    yield 'RmsNorm', [X, weight, 1e-6], rms_norm
    yield 'AddRmsNorm', [X, Y, weight, 1e-6], lambda x, y, w, e: (*rms_norm(x + y, w, e), x + y)
    for reduction, word in enumerate(('none', 'mean', 'sum')):
        yield 'L1Loss', [X, Y, reduction], lambda x, y, r, w=word: F.l1_loss(x, y, reduction=w)
        yield 'MseLoss', [X, Y, reduction], lambda x, y, r, w=word: F.mse_loss(x, y, reduction=w)
        yield 'SmoothL1Loss', [X, Y, reduction, 0.7], lambda x, y, r, b, w=word: F.smooth_l1_loss(x, y, reduction=w, beta=b)
        yield 'SoftMarginLoss', [X, Y.sign(), reduction], lambda x, y, r, w=word: F.soft_margin_loss(x, y, reduction=w)
        yield 'KlDiv', [F.log_softmax(X, 1), F.softmax(Y, 1), reduction, False], \
            lambda x, y, r, g, w=word: F.kl_div(x, y, reduction=w)
        yield 'BinaryCrossEntropy', [torch.sigmoid(X), torch.sigmoid(Y), None, reduction], \
            lambda x, y, v, r, w=word: F.binary_cross_entropy(x, y, v, reduction=w)
        yield 'BinaryCrossEntropyWithLogits', [X, torch.sigmoid(Y), POSITIVE, Z.abs(), reduction], \
            lambda x, y, v, p, r, w=word: F.binary_cross_entropy_with_logits(x, y, v, pos_weight=p, reduction=w)

        def nll(x, target, weight, r, ignore, w=word):
            kept = target != ignore
            return F.nll_loss(x, target, weight, ignore_index=ignore, reduction=w), weight[target[kept]].sum()

        yield 'NLLLoss', [F.log_softmax(X, 1), whole(5, low=0, high=37, dtype=I64), Z.abs(), reduction, 3], nll
    yield 'KlDiv', [F.log_softmax(X, 1), F.log_softmax(Y, 1), 2, True], \
        lambda x, y, r, g: F.kl_div(x, y, reduction='sum', log_target=True)


def fused_norms():
    weight, bias = numbers(37, seed=4), numbers(37, seed=5)
    pictures, gamma, beta = numbers(2, 6, 3, 4), numbers(6, seed=7), numbers(6, seed=8)

    def moments(x, eps):
        return x.mean(-1, keepdim=True), torch.rsqrt(x.var(-1, correction=0, keepdim=True) + eps)

    def rms(x, w, eps):
        factor = torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
        return x * factor * w, factor

    def add_layer_norm(x, y, w, v, c, eps, more):
        s = x + y if c is None else x + y + c
        return F.layer_norm(s, [37], w, v, eps), *moments(s, eps), s

    yield 'AddLayerNorm', [X, Y, weight, bias, Z, 1e-5, True], add_layer_norm
    yield 'DeepNorm', [X, Y, bias, weight, 0.3, 1e-5], \
        lambda x, g, v, w, a, e: (*moments(a * x + g, e), F.layer_norm(a * x + g, [37], w, v, e))
    yield 'GemmaRmsNorm', [X, weight, 1e-6], lambda x, w, e: rms(x, 1 + w, e)
    yield 'InplaceAddRmsNorm', [X, Y, weight, 1e-6], lambda x, y, w, e: (rms(x + y, w, e)[0], x + y, rms(x + y, w, e)[1])
    yield 'AddRmsNormCast', [X, Y, weight, 1e-6], lambda x, y, w, e: (rms(x + y, w, e)[0], *rms(x + y, w, e), x + y)

    def group(x, w, v, n, eps):
        return F.group_norm(x, n, w, v, eps), *(m.reshape(2, n) for m in moments(x.reshape(2, n, -1), eps))

    yield 'GroupNorm', [pictures, gamma, beta, 2, 6, 12, 3, 1e-5], lambda x, w, v, a, c, p, n, e: group(x, w, v, n, e)
    yield 'GroupNormSilu', [pictures, gamma, beta, 3, 1e-5], \
        lambda x, w, v, n, e: (F.silu(group(x, w, v, n, e)[0]), *group(x, w, v, n, e)[1:])
    yield 'GroupNormSwish', [pictures, gamma, beta, 2, 'NCHW', 1e-5, True, 1.0], \
        lambda x, w, v, n, f, e, s, k: (F.silu(group(x, w, v, n, e)[0]), *group(x, w, v, n, e)[1:])

    def batch_norm(x, w, v, mean, var, training, momentum, eps):
        mean, var = mean.clone(), var.clone()
        y = F.batch_norm(x, mean, var, w, v, training, momentum, eps)
        now, spread = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        if not training:
            return mean, var, y, torch.zeros(6), torch.zeros(6)
        return mean, var, y, now, torch.rsqrt(spread + eps)

    for training in (True, False):
        yield 'BatchNorm', [pictures, gamma, beta, numbers(6), numbers(6, low=0.5), training, 0.1, 1e-5], batch_norm
    yield 'BatchNormElemt', [pictures, gamma, beta, numbers(6), numbers(6, low=0.5), 1e-5], \
        lambda x, w, v, m, s, e: (x - m.view(6, 1, 1)) * s.view(6, 1, 1) * w.view(6, 1, 1) + v.view(6, 1, 1)
    yield 'BatchNormStats', [pictures, 1e-5], \
        lambda x, e: (x.mean((0, 2, 3)), torch.rsqrt(x.var((0, 2, 3), correction=0) + e))
    yield 'BatchNormReduce', [pictures], lambda x: (x.sum((0, 2, 3)), x.square().sum((0, 2, 3)))
    yield 'ScaledMaskedSoftmax', [X, truths(5, 37), 0.5, False], \
        lambda x, m, s, t: torch.softmax(torch.where(m, torch.tensor(-10000.0), s * x), -1)


def quantizing():
    scale, zero = numbers(37, low=0.02, high=0.1), whole(37, low=-5, high=5).float()

    def dynamic(x):
        s = x.abs().amax(-1, keepdim=True) / 127
        return torch.round(x / s).clamp(-128, 127).to(torch.int8), s

    yield 'AscendQuant', [X, 1 / scale, zero, False, 'round', torch.int8], \
        lambda x, s, z, q, r, t: torch.round(x * s + z).clamp(-128, 127).to(t)
    yield 'AscendAntiQuant', [whole(5, 37, dtype=torch.int8), scale, zero, F32, False], lambda x, s, z, t, q: (x + z) * s
    yield 'Quantize', [X, scale, zero, torch.int8, 1], \
        lambda x, s, z, t, a: (torch.round(x / s) + z).clamp(-128, 127).to(t)
    yield 'DynamicQuant', [X, None], lambda x, s: dynamic(x)
    yield 'DynamicQuant', [X, numbers(37, low=0.5)], lambda x, s: dynamic(x * s)
    yield 'FakeQuantPerTensorAffineCachemask', [X, torch.tensor([0.05]), torch.tensor([3], dtype=I32), 1.0, -20, 30], \
        lambda x, s, z, e, a, b: torch._fake_quantize_per_tensor_affine_cachemask_tensor_qparams(x, s, z, torch.ones(1), a, b)
    yield 'FakeQuantPerChannelAffineCachemask', [X, scale, zero.to(I32), 1, -20, 30], \
        lambda x, s, z, d, a, b: (torch.fake_quantize_per_channel_affine(x, s, z, d, a, b),
                                  ((torch.round(x / s) + z) >= a) & ((torch.round(x / s) + z) <= b))
    yield 'WeightQuantBatchMatmulV2', [X, whole(37, 8, dtype=torch.int8, low=-127, high=127), numbers(8, low=0.01, high=0.1), None,
                                       None, None, None, 0], lambda x, w, s, o, q, p, c, g: x @ (w.float() * s)


def routing():
    x = numbers(6, 9)

    def gate(x, finished, k):
        y, experts = torch.softmax(x, -1).topk(k)
        return y, experts.to(I32), torch.arange(6 * k, dtype=I32).view(k, 6).t().contiguous()

    yield 'MoeGatingTopKSoftmax', [x, None, 3], gate
    yield 'MoeGatingTopKSoftmaxV2', [x, None, 3, 1, False], \
        lambda x, f, k, r, s: (torch.softmax(x.topk(k)[0], -1), x.topk(k)[1].to(I32), torch.zeros(0))

    def gate_by_groups(x, bias, k, *rest):
        score = torch.sigmoid(x)
        experts = (score + bias).topk(k)[1]
        y = score.gather(1, experts)
        return 2.5 * y / (y.sum(-1, keepdim=True) + 1e-20), experts.to(I32), score

    yield 'MoeGatingTopK', [x, numbers(9), 3, 1, 1, 0, 0, 1, True, 2.5, 1e-20], gate_by_groups
    yield 'MoeComputeExpertTokens', [torch.tensor([0, 0, 1, 3, 3, 3], dtype=I32), 5], \
        lambda e, n: torch.tensor([2, 3, 3, 6, 6], dtype=I32)


def slope(function, *operands, gradient):
    """The gradients of the first operands that are floats with a gradient wanted."""
    leaves = [x.detach().clone().requires_grad_() for x in operands]
    function(*leaves).backward(gradient)
    return tuple(x.grad for x in leaves)


def gradients():
    for name, function in (('SiluBackward', F.silu), ('GeluBackward', F.gelu), ('MishBackward', F.mish),
                           ('HardsigmoidBackward', F.hardsigmoid), ('HardswishBackward', F.hardswish),
                           ('FastGeluBackward', lambda x: x * torch.sigmoid(1.702 * x))):
        yield name, [Y, X], lambda g, x, f=function: slope(f, x, gradient=g)
    yield 'GeluBackwardV2', [Y, X, 'tanh'], lambda g, x, a: slope(lambda x: F.gelu(x, approximate=a), x, gradient=g)
    yield 'SigmoidBackward', [Y, torch.sigmoid(X)], lambda g, y: torch.ops.aten.sigmoid_backward(g, y)
    yield 'TanhBackward', [Y, torch.tanh(X)], lambda g, y: torch.ops.aten.tanh_backward(g, y)
    yield 'ThresholdBackward', [Y, X, 0.5], torch.ops.aten.threshold_backward
    yield 'LeakyReluBackward', [Y, X, 0.1, False], torch.ops.aten.leaky_relu_backward
    for result in (False, True):
        yield 'EluBackward', [Y, 1.5, 2.0, 0.5, result, X], torch.ops.aten.elu_backward
    yield 'HardtanhBackward', [Y, X, -1.0, 2.0], torch.ops.aten.hardtanh_backward
    yield 'HardshrinkBackward', [Y, X, 0.5], torch.ops.aten.hardshrink_backward
    yield 'SoftshrinkBackward', [Y, X, 0.5], torch.ops.aten.softshrink_backward
    yield 'LogSigmoidBackward', [Y, X, X], lambda g, x, b: slope(F.logsigmoid, x, gradient=g)
    yield 'SoftplusBackward', [Y, X, 2.0, 3.0], torch.ops.aten.softplus_backward
    half = numbers(4, 3, 5)
    yield 'GluBackward', [half, numbers(4, 6, 5), 1], torch.ops.aten.glu_backward
    yield 'SwiGluGrad', [half, numbers(4, 6, 5), 1], \
        lambda g, x, d: slope(lambda x: F.silu(x.chunk(2, 1)[0]) * x.chunk(2, 1)[1], x, gradient=g)
    yield 'SoftmaxBackward', [Y, torch.softmax(X, 1), 1], lambda g, y, d: torch.ops.aten._softmax_backward_data(g, y, d, F32)
    yield 'LogSoftmaxBackward', [Y, torch.log_softmax(X, 1), 1], \
        lambda g, y, d: torch.ops.aten._log_softmax_backward_data(g, y, d, F32)
    for reduction, word in enumerate(('none', 'mean', 'sum')):
        g = Z.expand(5, 37).contiguous() if reduction == 0 else torch.tensor(1.7)
        for name, function, target in (('L1Loss', F.l1_loss, Y), ('MseLoss', F.mse_loss, Y),
                                       ('SoftMarginLoss', F.soft_margin_loss, Y.sign())):
            yield name + 'Backward', [g, X, target, reduction], \
                lambda g, x, y, r, f=function, w=word: slope(lambda x: f(x, y, reduction=w), x, gradient=g)
        yield 'SmoothL1LossBackward', [g, X, Y, reduction, 0.7], \
            lambda g, x, y, r, b, w=word: slope(lambda x: F.smooth_l1_loss(x, y, reduction=w, beta=b), x, gradient=g)
        yield 'KlDivBackward', [g, F.log_softmax(X, 1), F.softmax(Y, 1), reduction, False], \
            lambda g, x, y, r, n, w=word: slope(lambda x: F.kl_div(x, y, reduction=w), x, gradient=g)
        yield 'BinaryCrossEntropyBackward', [g, torch.sigmoid(X), torch.sigmoid(Y), POSITIVE, reduction], \
            lambda g, x, y, v, r, w=word: slope(lambda x: F.binary_cross_entropy(x, y, v, reduction=w), x, gradient=g)
        yield 'BinaryCrossEntropyWithLogitsBackward', [g, X, torch.sigmoid(Y), POSITIVE, Z.abs(), reduction], \
            lambda g, x, y, v, p, r, w=word: slope(
                lambda x: F.binary_cross_entropy_with_logits(x, y, v, pos_weight=p, reduction=w), x, gradient=g)
        target, classes = whole(5, low=0, high=37, dtype=I64), Z.abs()
        total = classes[target[target != 3]].sum()
        yield 'NLLLossBackward', [numbers(5) if reduction == 0 else g, F.log_softmax(X, 1), target, classes, reduction, 3, total], \
            lambda g, x, t, v, r, i, n, w=word: slope(lambda x: F.nll_loss(x, t, v, ignore_index=i, reduction=w), x, gradient=g)
    yield 'EmbeddingDenseBackward', [numbers(7, 6), whole(7, low=0, high=9, dtype=I64), 9, 3, False], \
        torch.ops.aten.embedding_dense_backward
    weight = numbers(37, seed=4)

    def rms_norm(x, w):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * w

    yield 'RmsNormGrad', [Y, X, torch.rsqrt(X.square().mean(-1, keepdim=True) + 1e-6), weight], \
        lambda g, x, r, w: slope(rms_norm, x, w, gradient=g)
    yield 'LayerNormBackward', [Y, X, [37], X.mean(-1, keepdim=True), torch.rsqrt(X.var(-1, correction=0, keepdim=True) + 1e-5),
                                weight, Z, [True, True, True]], \
        lambda g, x, s, m, r, w, v, o: slope(lambda x, w, v: F.layer_norm(x, [37], w, v), x, w, v, gradient=g)
    yield 'PreluBackward', [numbers(2, 3, 5, seed=3), numbers(2, 3, 5), numbers(3)], \
        lambda g, x, w: slope(F.prelu, x, w, gradient=g)

    def adamw(weights, m, v, largest, g, step, *options):
        rate, beta1, beta2, decay, eps = options[:5]
        leaf = weights.clone().requires_grad_()
        optimizer = torch.optim.AdamW([leaf], rate, (beta1, beta2), eps, decay)
        optimizer.state[leaf] = {'step': step + 1 - 1, 'exp_avg': m.clone(), 'exp_avg_sq': v.clone()}
        leaf.grad = g.clone()
        optimizer.step()
        state = optimizer.state[leaf]
        return leaf.detach(), state['exp_avg'], state['exp_avg_sq'], None

    yield 'ApplyAdamWV2', [X, Y, POSITIVE, None, numbers(5, 37, seed=7), torch.tensor(3.0), 0.01, 0.9, 0.99, 0.1, 1e-8, False, False], \
        adamw


def half_turn(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


def attention():
    x, angle = numbers(2, 5, 3, 8), numbers(2, 5, 1, 8, low=0)
    cos, sin = torch.cos(angle), torch.sin(angle)
    yield 'RotaryPositionEmbedding', [x, cos, sin, 0], lambda x, c, s, m: half_turn(x, c, s)
    yield 'RotaryPositionEmbeddingV2', [x, cos, sin, 0, None], lambda x, c, s, m, r: half_turn(x, c, s)
    yield 'ApplyRotaryPosEmb', [x, x + 1, cos, sin, 1], lambda q, k, c, s, m: (half_turn(q, c, s), half_turn(k, c, s))
    yield 'ApplyRotaryPosEmbV2', [x, x + 1, cos, sin, 1, 'half'], \
        lambda q, k, c, s, m, r: (half_turn(q, c, s), half_turn(k, c, s))
    yield 'InterleaveRope', [x, cos, sin], \
        lambda x, c, s: half_turn(x.unflatten(-1, (4, 2)).transpose(-1, -2).reshape(x.shape), c, s)
    q, k, v = numbers(2, 4, 5, 16), numbers(2, 2, 7, 16), numbers(2, 2, 7, 16, seed=3)
    nothing = [None] * 4

    def attend(q, k, v, scale):
        k, v = k.repeat_interleave(2, 1), v.repeat_interleave(2, 1)
        return torch.softmax(scale * q @ k.mT, -1) @ v

    yield 'PromptFlashAttentionV3', [q, k, v, *nothing, *[None] * 5, 4, 0.25, 65535, 65535, 'BNSD', 2, 0, 0], \
        lambda q, k, v, *rest: attend(q, k, v, 0.25)
    yield 'IncreFlashAttentionV4', [q[:, :, :1].contiguous(), [k], [v], None, None, None, *[None] * 9, 4, 0.25, 'BNSD', 2, 0, 0], \
        lambda q, k, v, *rest: attend(q, k[0], v[0], 0.25)
    yield 'FusedInferAttentionScoreV2', [q, [k], [v], *[None] * 21, 4, 0.25, 65535, 65535, 'BNSD', 2, 0, 0, 0, 0, False, 0, 0], \
        lambda q, k, v, *rest: (attend(q, k[0], v[0], 0.25), torch.zeros(0))
    sums, parts = [numbers(9), numbers(9, seed=5)], [numbers(9, 6), numbers(9, 6, seed=5)]

    def update(sums, parts, kind):
        weights = torch.softmax(torch.stack(sums), 0)
        return (torch.stack(parts) * weights[..., None]).sum(0), torch.logsumexp(torch.stack(sums), 0)

    yield 'AttentionUpdate', [sums, parts, 0], update
    yield 'FFNV2', [numbers(4, 6), numbers(6, 10), numbers(10, 6), None, numbers(10, seed=2), None, *[None] * 8, 'gelu', 0, False], \
        lambda x, a, b, t, c, *rest: F.gelu(x @ a + c) @ b

    tokens, experts = numbers(6, 8), whole(6, 2, low=0, high=4)
    order = torch.argsort(experts.flatten(), stable=True)
    places = torch.argsort(order).to(I32)
    yield 'MoeTokenPermute', [tokens, experts, 12, False], lambda t, e, n, p: (t[order // 2], places)
    yield 'MoeTokenUnpermute', [numbers(12, 8), places, numbers(6, 2, low=0), False, None], \
        lambda t, s, p, m, r: (t[s].view(6, 2, 8) * p[..., None]).sum(1)

    def top_k_top_p(logits, p, k):
        values, index = logits.sort(-1)
        values = values.masked_fill(values < values.gather(1, (10 - k.long())[:, None]), float('-inf'))
        cut = values.softmax(-1).cumsum(-1) <= 1 - p[:, None]
        cut[:, -1] = False
        return torch.empty_like(logits).scatter_(1, index, values.masked_fill(cut, float('-inf')))

    yield 'ApplyTopKTopP', [numbers(3, 10), torch.tensor([0.9, 0.5, 1.0]), torch.tensor([5, 10, 3], dtype=I32)], top_k_top_p


def random():
    """Only what no random number changes."""
    yield 'InplaceUniform', [X, 2.0, 2.0, 7, 0], lambda x, *rest: torch.full_like(x, 2)
    yield 'InplaceNormal', [X, 3.0, 0.0, 7, 0], lambda x, *rest: torch.full_like(x, 3)
    yield 'NormalTensorTensor', [X, torch.zeros_like(X), 7, 0], lambda m, *rest: m
    yield 'InplaceBernoulli', [X, 1.0, 7, 0], lambda x, *rest: torch.ones_like(x)
    yield 'InplaceBernoulliTensor', [X, torch.zeros_like(X), 7, 0], lambda x, *rest: torch.zeros_like(x)
    yield 'InplaceRandom', [I, 5, 6, 7, 0], lambda x, *rest: torch.full_like(x, 5)
    chosen = F.one_hot(whole(5, low=0, high=9, dtype=I64), 9).float()
    yield 'Multinomial', [chosen, 3, True, 7, 0], lambda w, n, *rest: w.argmax(1, keepdim=True).expand(5, 3).contiguous()
    yield 'Multinomial', [chosen, 1, False, 7, 0], lambda w, *rest: w.argmax(1, keepdim=True)
    yield 'DropoutGenMask', [[5, 37], 0.0, 7, 0], \
        lambda *rest: torch.tensor([255] * 23 + [1], dtype=torch.uint8)
    mask = torch.tensor([0b10101010] * 24, dtype=torch.uint8)
    yield 'DropoutDoMask', [X, mask, 0.5], lambda x, m, p: 2 * x * (torch.arange(185) % 2).view(5, 37)
    yield 'DropoutV3', [X, None, 0.0, 7, 0], lambda x, *rest: (x, torch.tensor([255] * 23 + [1], dtype=torch.uint8))


def cases():
    for group in (attention, random, gradients, routing, fused_norms, quantizing, unary, binary, activations, reductions, shapes, indices, products, norms):
        yield from group()
