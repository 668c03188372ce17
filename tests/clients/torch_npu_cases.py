# SPDX-License-Identifier: Apache-2.0
"""What tests/clients/torch_npu runs: one line for each case, "name  ok  largest difference" or why it failed."""
import sys

import torch
import torch_npu  # noqa: F401: it adds the device "npu"
from torch import nn
from torch.nn import functional

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def on_both(function, *tensors, tolerance=1e-5):
    """The largest difference of function(tensors) on the device and on the CPU."""
    expected = function(*tensors)
    got = function(*[t.npu() for t in tensors]).cpu()
    difference = (got.double() - expected.double()).abs().max().item() if expected.numel() else 0.0
    if got.shape != expected.shape or not difference <= tolerance:
        raise AssertionError(f'differs by {difference:.3g}, {tuple(got.shape)} beside {tuple(expected.shape)}')
    return difference


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


def reason(error):
    """The lines of the face, behind PyTorch's own first one."""
    lines = str(error).splitlines() or [type(error).__name__]
    return ' | '.join([lines[0][:120]] + [line for line in lines[1:] if line.startswith('acl')])


def main():
    failed = 0
    for name, function in CASES.items():
        try:
            difference = function()
            print(f'{name:<24} ok{"" if difference is None else f"  {difference:.2g}"}', flush=True)
        except Exception as error:  # noqa: BLE001: the next case goes on
            failed += 1
            print(f'{name:<24} FAILED  {reason(error)}', flush=True)
    print(f'torch {torch.__version__}, torch_npu {torch_npu.__version__}: {len(CASES) - failed} of {len(CASES)} cases passed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
