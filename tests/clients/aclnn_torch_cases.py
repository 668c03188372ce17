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
    for group in (attention, experts, quantized, groups, caches, fused_experts, random, gradients, routing, fused_norms, quantizing, unary, binary, activations, reductions, shapes, indices, products, norms):
        yield from group()
