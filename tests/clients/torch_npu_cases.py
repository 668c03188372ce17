# SPDX-License-Identifier: Apache-2.0
"""Cases of torch_npu: operators, streams and memory. torch_npu_run.py runs them, each in a process of its own."""
import torch
import torch_npu  # noqa: F401: it adds the device "npu"
from torch import nn
from torch.nn import functional

CASES = {}


def case(function, name=None):
    CASES[name or function.__name__] = function
    return function


def difference(got, expected, tolerance):
    """The largest difference of two tensors, or of several; an error where they differ in kind or by more."""
    if isinstance(expected, (tuple, list)):
        assert len(got) == len(expected), f'{len(got)} results instead of {len(expected)}'
        return max(difference(*pair, tolerance) for pair in zip(got, expected))
    assert got.shape == expected.shape, f'{tuple(got.shape)} instead of {tuple(expected.shape)}'
    assert got.dtype == expected.dtype, f'{got.dtype} instead of {expected.dtype}'
    largest = (got.cpu().double() - expected.double()).abs().max().item() if expected.numel() else 0.0
    assert largest <= tolerance, f'differs by {largest:.3g}'
    return largest


def on_both(function, *tensors, tolerance=1e-5):
    """The largest difference of function(tensors) on the device and on the CPU."""
    return difference(function(*[t.npu() for t in tensors]), function(*tensors), tolerance)


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@case
def add_one():
    return on_both(lambda x: x + 1, torch.ones(2))


@case
def print_a_tensor():
    assert str(torch.ones(2).npu() + 1) == "tensor([2., 2.], device='npu:0')"


@case
def matmul():
    return on_both(torch.matmul, random(5, 7), random(7, 3))


@case
def matmul_f16():
    return on_both(lambda a, b: a @ b, random(5, 7).half(), random(7, 3).half(), tolerance=5e-3)


@case
def matmul_batched():
    return on_both(torch.matmul, random(2, 3, 4, 5), random(2, 3, 5, 6))


@case
def softmax():
    return on_both(lambda x: torch.softmax(x, -1), random(5, 7))


@case
def layer_norm():
    return on_both(lambda x: functional.layer_norm(x, (7,)), random(5, 7))


@case
def activations():
    return max(on_both(f, random(5, 7)) for f in (functional.gelu, functional.silu, functional.relu, torch.tanh, torch.sigmoid))


@case
def reductions():
    return max(on_both(f, random(5, 7)) for f in (torch.sum, torch.mean, torch.amax, lambda x: x.sum(1), lambda x: x.mean(0)))


@case
def compare_and_select():
    return on_both(lambda x: torch.where(x > 0, x, -x), random(5, 7))


@case
def views():
    return on_both(lambda x: x.t()[1:, ::2].contiguous(), random(5, 7))


def written(place, *more):
    """x with values written at a place that depends on x and more."""
    def function(x, values, *rest):
        x = x.clone()
        x[place(x, *rest)] = values
        return x
    return function


@case
def boolean_indexing():
    x = random(5, 7)
    return max(on_both(lambda x: x[x > 0], x), on_both(lambda x: x[x > 9], x), on_both(lambda x: x[:, x[0] > 0], x),
               on_both(lambda x: torch.masked_select(x, x[:, :1] > 0), x),
               on_both(written(lambda x: x > 0), x, torch.tensor(7.0)),
               on_both(written(lambda x: (slice(None), x[0] > 0)), x, random(5, 1)))


@case
def index_by_tensors():
    x, i = random(5, 7, 4), torch.tensor([3, 1, 0])
    return max(on_both(f, x, i) for f in (lambda x, i: x[i], lambda x, i: x[:, i], lambda x, i: x[i, :, i],
                                          lambda x, i: x[i[:, None], i], lambda x, i: x[..., i], lambda x, i: x[i[:0]]))


@case
def write_at_tensors():
    x, i = random(5, 7, 4), torch.tensor([3, 1, 0])
    return max(on_both(written(lambda x, i: i), x, random(3, 7, 4), i), on_both(written(lambda x, i: i), x, torch.tensor(2.0), i),
               on_both(written(lambda x, i: (slice(None), i)), x, random(5, 3, 1), i),
               on_both(written(lambda x, i: (i, slice(None), i)), x, random(3, 7), i),
               on_both(lambda x, i, v: x.index_put((i,), v, accumulate=True), x, torch.tensor([1, 1, 3]), random(3, 7, 4)))


@case
def nonzero():
    x = random(5, 7)
    return max(on_both(lambda x: torch.nonzero(x > 0), x), on_both(lambda x: (x > 0).nonzero(as_tuple=True), x),
               on_both(torch.nonzero, torch.zeros(4)))


@case
def unique():
    x = torch.tensor([[3, 1, 3], [3, 1, 3], [0, 2, 0]])
    everything = {'return_inverse': True, 'return_counts': True}
    return max(on_both(torch.unique, x), on_both(lambda x: torch.unique(x, **everything), x),
               on_both(lambda x: torch.unique(x, dim=0, **everything), x), on_both(lambda x: torch.unique(x, dim=1, **everything), x),
               on_both(lambda x: torch.unique_consecutive(x, **everything), x))


@case
def sorting():
    x = random(5, 7)
    return max(on_both(f, x) for f in (lambda x: torch.sort(x), lambda x: torch.topk(x, 3), lambda x: x.argmax(-1),
                                       lambda x: x.max(1), lambda x: x.cumsum(0), torch.argsort))


@case
def attention():
    q, k, v = random(2, 4, 10, 16), random(2, 2, 12, 16), random(2, 2, 12, 16)
    sdpa = functional.scaled_dot_product_attention
    return max(on_both(lambda q, k, v: sdpa(q, k, v, enable_gqa=True), q, k, v), on_both(lambda q: sdpa(q, q, q, is_causal=True), q),
               on_both(lambda q, k, v, m: sdpa(q, k, v, attn_mask=m, enable_gqa=True), q, k, v, random(10, 12) > 0),
               on_both(lambda q, m: sdpa(q, q, q, attn_mask=m), q, random(10, 10)))


@case
def attention_halves():
    q, sdpa = random(2, 4, 10, 16), functional.scaled_dot_product_attention
    return max(on_both(lambda q: sdpa(q, q, q, is_causal=True), q.half(), tolerance=5e-3),
               on_both(lambda q: sdpa(q, q, q), q.bfloat16(), tolerance=3e-2))


@case
def npu_fusion_attention():
    q = random(2, 4, 16, 16).half()
    got = torch_npu.npu_fusion_attention(q.npu(), q.npu(), q.npu(), 4, 'BNSD', scale=0.25)[0]
    return difference(got, functional.scaled_dot_product_attention(q, q, q, scale=0.25), 5e-3)


@case
def convolutions():
    x = random(2, 3, 8, 8)
    return max(on_both(lambda x, w, b: functional.conv2d(x, w, b, padding=1), x, random(4, 3, 3, 3), random(4)),
               on_both(lambda x: functional.max_pool2d(x, 2), x), on_both(lambda x: functional.avg_pool2d(x, 2), x))


@case
def random_numbers():
    torch.npu.manual_seed(3)
    x = torch.rand(10000, device='npu')
    assert abs(x.mean().item() - 0.5) < 0.02 and abs(torch.randn(10000, device='npu').mean().item()) < 0.05
    assert torch.randperm(10, device='npu').sort()[0].cpu().equal(torch.arange(10))
    assert set(functional.dropout(torch.ones(100).npu(), 0.5).cpu().tolist()) == {0.0, 2.0}


@case
def concatenate():
    return on_both(lambda a, b: torch.cat([a, b], 1), random(5, 7), random(5, 2))


@case
def embedding():
    return on_both(lambda i, w: functional.embedding(i, w), torch.tensor([[1, 4], [0, 2]]), random(5, 7))


@case
def integers():
    return on_both(lambda x: x * 3 + 1, torch.arange(10))


@case
def doubles():
    return on_both(lambda x: x / 3, random(5, 7).double())


class Block(nn.Module):
    """A Transformer block."""

    def __init__(self, width=64, heads=4):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, length, width = x.shape
        parts = self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-1, -2) / (width // self.heads)**0.5, -1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, length, width))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


def block(dtype, tolerance):
    torch.manual_seed(0)
    model = Block().eval()
    x = random(2, 10, 64)
    with torch.no_grad():
        expected = model(x)
        got = model.to(dtype).npu()(x.to(dtype).npu()).cpu().float()
    difference = (got - expected).abs().max().item()
    assert difference <= tolerance, f'differs by {difference:.3g}'
    return difference


@case
def transformer_block_f32():
    return block(torch.float32, 1e-5)


@case
def transformer_block_f16():
    return block(torch.float16, 1e-2)


@case
def backward():
    weights = random(7, 3).npu().requires_grad_()
    x = random(5, 7)
    (x.npu() @ weights).sum().backward()
    return (weights.grad.cpu()[:, 0] - x.sum(0)).abs().max().item()


@case
def streams_and_events():
    stream, begin, end = torch.npu.Stream(), *(torch.npu.Event(enable_timing=True) for _ in range(2))
    with torch.npu.stream(stream):
        begin.record()
        y = random(5, 7).npu() * 2
        end.record()
    torch.npu.current_stream().wait_stream(stream)
    assert (y + 0).cpu().equal(random(5, 7) * 2)
    assert begin.elapsed_time(end) >= 0


@case
def pinned_memory():
    x = random(5, 7)
    assert x.pin_memory().to('npu', non_blocking=True).cpu().equal(x)


@case
def captured_graph():
    graph, x = torch.npu.NPUGraph(), torch.ones(4).npu()
    with torch.npu.graph(graph):
        y = x * 2 + 1
    x.fill_(5)
    graph.replay()
    torch.npu.synchronize()
    assert y.cpu().tolist() == [11] * 4


@case
def out_of_memory():
    try:
        torch.empty(1 << 40, device='npu')
    except torch.OutOfMemoryError:
        return None
    raise AssertionError('no error')
