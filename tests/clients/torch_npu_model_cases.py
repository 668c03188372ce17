# SPDX-License-Identifier: Apache-2.0
"""Cases of torch_npu: modules, training, and models of transformers with random weights."""
import copy
import io

import torch
from torch import nn
from torch.nn import functional

from torch_npu_cases import case, difference, random


def module(model, *inputs, tolerance=1e-5):
    """The largest difference of a module's result on the device and on the CPU."""
    model = model.eval()
    with torch.no_grad():
        expected, got = model(*inputs), copy.deepcopy(model).npu()(*[x.npu() for x in inputs])
    return difference(got, expected, tolerance)


def gradients(model, x, tolerance=1e-3):
    """The largest difference of the gradients of a module's weights."""
    twin = copy.deepcopy(model).npu()
    model(x).square().sum().backward()
    twin(x.npu()).square().sum().backward()
    return difference([p.grad for p in twin.parameters()], [p.grad for p in model.parameters()], tolerance)


def training(optimizer, steps=20, tolerance=1e-4):
    """The difference of the losses after some steps."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 3))
    twin, x, y = copy.deepcopy(model).npu(), random(20, 8), torch.arange(20) % 3
    losses = []
    for net, x, y in ((model, x, y), (twin, x.npu(), y.npu())):
        steps_of = optimizer(net.parameters())
        for _ in range(steps):
            steps_of.zero_grad()
            loss = functional.cross_entropy(net(x), y)
            loss.backward()
            steps_of.step()
        losses.append(loss.detach())
    return difference(losses[1], losses[0], tolerance)


def seeded(make):
    torch.manual_seed(0)
    return make()


@case
def encoder_layer():
    torch.backends.mha.set_fastpath_enabled(False)  # an operator that torch_npu leaves to PyTorch's CPU
    return module(seeded(lambda: nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)), random(2, 9, 32))


@case
def encoder_layer_gradients():
    layer = seeded(lambda: nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True))
    return gradients(layer, random(2, 9, 32))


@case
def encoder_layer_dropout():
    layer = seeded(lambda: nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)).npu()
    x = random(2, 9, 32).npu()
    layer(x).sum().backward()
    assert all(p.grad.isfinite().all().item() for p in layer.parameters()) and not layer(x).equal(layer(x))


@case
def multihead_attention():
    torch.backends.mha.set_fastpath_enabled(False)
    x = random(2, 9, 32)
    return module(seeded(lambda: nn.MultiheadAttention(32, 4, batch_first=True)), x, x, x)


def images():
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 4, 3),
                         nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))


@case
def image_network():
    return module(seeded(images), random(2, 3, 16, 16))


@case
def image_network_gradients():
    return gradients(seeded(images), random(2, 3, 16, 16))


@case
def embedding_gradient():
    i, grad = torch.tensor([[1, 4], [0, 1]]), []
    for w, i in ((random(5, 7), i), (random(5, 7).npu(), i.npu())):
        w.requires_grad_()
        functional.embedding(i, w).sum().backward()
        grad.append(w.grad)
    return difference(grad[1], grad[0], 0)


@case
def lstm():
    layer = seeded(lambda: nn.LSTM(8, 16, batch_first=True))
    return module(layer, random(2, 5, 8))


@case
def sgd():
    return training(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9))


@case
def adam():
    return training(lambda p: torch.optim.Adam(p, lr=1e-2))


@case
def adamw():
    return training(lambda p: torch.optim.AdamW(p, lr=1e-2))


@case
def adamw_one_by_one():
    return training(lambda p: torch.optim.AdamW(p, lr=1e-2, foreach=False))


@case
def clipped_gradient():
    w = random(5).npu().requires_grad_()
    (w * 3).sum().backward()
    nn.utils.clip_grad_norm_([w], 1.0)
    return difference(w.grad.norm(), torch.tensor(1.0), 1e-5)


@case
def autocast_and_scaler():
    model = seeded(lambda: nn.Linear(8, 8)).npu()
    steps_of, scaler = torch.optim.SGD(model.parameters(), lr=0.1), torch.npu.amp.GradScaler(init_scale=1024.0)
    before = model.weight.detach().clone()
    with torch.autocast('npu', dtype=torch.float16):
        y = model(random(2, 8).npu())
    assert y.dtype == torch.float16
    scaler.scale(y.float().sum()).backward()
    scaler.step(steps_of)
    scaler.update()
    assert not before.equal(model.weight)


@case
def saved_and_loaded():
    file = io.BytesIO()
    torch.save(random(3).npu(), file)
    file.seek(0)
    return difference(torch.load(file), random(3), 0)


def language_model(family, **more):
    import transformers
    name = 'Gemma3Text' if family == 'Gemma3' else family
    sizes = SIZES if family in ('GPTNeoX', 'Mamba') else {**SIZES, 'num_key_value_heads': 2}
    config = getattr(transformers, name + 'Config')(**{**sizes, 'pad_token_id': 0, 'bos_token_id': 1, 'eos_token_id': 2, **more})
    return seeded(lambda: getattr(transformers, family + 'ForCausalLM')(config))


def generation(family, **more):
    """The largest difference of the logits; 20 tokens must be the same."""
    model = language_model(family, **more).eval()
    twin, ids = copy.deepcopy(model).npu(), torch.arange(3, 12)[None]
    with torch.no_grad():
        logits = difference(twin(ids.npu()).logits, model(ids).logits, 1e-4)
        tokens = [m.generate(x, max_new_tokens=20, min_new_tokens=20, do_sample=False) for m, x in ((model, ids), (twin, ids.npu()))]
    assert tokens[1].cpu().equal(tokens[0]), f'{tokens[1].tolist()} instead of {tokens[0].tolist()}'
    return logits


SIZES = {'vocab_size': 128, 'hidden_size': 64, 'intermediate_size': 128, 'num_hidden_layers': 2, 'num_attention_heads': 4}
# Families that generate, with what their configurations ask for beside the sizes.
GENERATING = {
    'Llama': {}, 'Qwen2': {}, 'Qwen3': {'head_dim': 16}, 'Mistral': {'sliding_window': 4},
    'Gemma2': {'head_dim': 16}, 'Gemma3': {'head_dim': 16, 'sliding_window': 8}, 'Phi3': {'pad_token_id': 0},
    'Mixtral': {'num_local_experts': 4},
    'Qwen3Moe': {'head_dim': 16, 'num_experts': 4, 'num_experts_per_tok': 2, 'moe_intermediate_size': 32},
    'GPTNeoX': {}, 'Mamba': {},
}
PICTURES = {'hidden_size': 64, 'num_hidden_layers': 2, 'num_attention_heads': 4, 'intermediate_size': 128, 'image_size': 32,
            'patch_size': 8}
# Others: their configuration and what they are given.
READING = {
    'Bert': (SIZES, {'input_ids': torch.arange(3, 12)[None], 'attention_mask': torch.tensor([[1] * 7 + [0] * 2])}),
    'ViT': (PICTURES, {'pixel_values': random(1, 3, 32, 32)}),
    'CLIPVision': (PICTURES, {'pixel_values': random(1, 3, 32, 32)}),
    'ResNet': ({'embedding_size': 16, 'hidden_sizes': [16, 32], 'depths': [1, 1]}, {'pixel_values': random(1, 3, 64, 64)}),
    'ConvNext': ({'hidden_sizes': [16, 32], 'depths': [1, 1], 'num_stages': 2}, {'pixel_values': random(1, 3, 64, 64)}),
    'Whisper': ({'vocab_size': 128, 'num_mel_bins': 8, 'd_model': 64, 'encoder_layers': 2, 'decoder_layers': 2,
                 'encoder_attention_heads': 4, 'decoder_attention_heads': 4, 'encoder_ffn_dim': 64, 'decoder_ffn_dim': 64,
                 'max_source_positions': 20, 'pad_token_id': 0, 'bos_token_id': 1, 'eos_token_id': 2,
                 'decoder_start_token_id': 1}, {'input_features': random(1, 8, 40), 'decoder_input_ids': torch.arange(3, 9)[None]}),
}


def reading(family):
    import transformers
    sizes, inputs = READING[family]
    config = getattr(transformers, family + 'Config')(**sizes)
    model = seeded(lambda: getattr(transformers, family + 'Model')(config)).eval()
    with torch.no_grad():
        expected = model(**inputs).last_hidden_state
        got = model.npu()(**{name: value.npu() for name, value in inputs.items()}).last_hidden_state
    return difference(got, expected, 1e-4)


for family, more in GENERATING.items():
    case(lambda family=family, more=more: generation(family, **more), f'{family}_generates')
for family in READING:
    case(lambda family=family: reading(family), f'{family}_reads')


@case
def llama_samples():
    tokens = language_model('Llama').eval().npu().generate(torch.arange(3, 12)[None].repeat(2, 1).npu(), max_new_tokens=10,
                                                           min_new_tokens=10, do_sample=True, top_k=5, top_p=0.9)
    assert tokens.shape == (2, 19)


@case
def llama_trains():
    model, ids = language_model('Llama'), torch.arange(3, 21).view(2, 9)
    twin, losses = copy.deepcopy(model).npu(), []
    for net, ids in ((model, ids), (twin, ids.npu())):
        steps_of = torch.optim.AdamW(net.parameters(), lr=1e-3)
        for _ in range(3):
            steps_of.zero_grad()
            loss = net(ids, labels=ids).loss
            loss.backward()
            steps_of.step()
        losses.append(loss.detach())
    return difference(losses[1], losses[0], 1e-4)
