# SPDX-License-Identifier: Apache-2.0
"""The tiny models: one row per variant, with every feature of its family switched on, and the weights they get."""
from dataclasses import dataclass, field
from typing import Callable

import torch
import transformers

import tiny_tokenizer

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' "
    "+ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
HEADERS = (
    "{{- bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>' "
    "+ '\\n\\n' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
)


@dataclass
class Variant:
    name: str
    architecture: str  # as Transformers and GGUF both name it
    what: str
    tokenizer: Callable
    chat_template: str
    config: dict
    write_head_dim: bool = False
    like_llama: bool = False  # the file is laid out as llama.cpp's converter lays out Llama's
    left_out: dict = field(default_factory=dict)  # a feature's name: the configuration without it


PLAIN = {"rope_type": "default", "rope_theta": 10000.0}
SHAPE = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
# The prompts are longer than every original context below, so scaling acts on positions it was made for. With
# head_dim 16 and theta 10000 there are frequencies on each side of both boundaries of either scaling.
VARIANTS = [
    Variant(
        "llama", "llama", "Llama 3.x: llama3 rope scaling, untied output", tiny_tokenizer.llama3, HEADERS,
        dict(SHAPE, head_dim=16, rms_norm_eps=1e-5, tie_word_embeddings=False,
             rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0,
                                  high_freq_factor=4.0, original_max_position_embeddings=32)),
        write_head_dim=True, like_llama=True),
    Variant(
        "llama-tied", "llama", "SmolLM2: tied embeddings, three query heads to one key-value head",
        tiny_tokenizer.smollm, CHATML,
        dict(hidden_size=96, intermediate_size=96, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1,
             head_dim=32, rms_norm_eps=1e-5, tie_word_embeddings=True,
             rope_parameters=dict(PLAIN, rope_theta=100000.0)), like_llama=True),
    Variant(
        "qwen2", "qwen2", "Qwen2: biases on queries, keys and values, untied output", tiny_tokenizer.qwen2, CHATML,
        dict(SHAPE, rms_norm_eps=1e-6, tie_word_embeddings=False, rope_parameters=dict(PLAIN, rope_theta=1000000.0))),
    Variant(
        "qwen2-tied", "qwen2", "Qwen2.5 small: biases, tied embeddings", tiny_tokenizer.qwen2, CHATML,
        dict(SHAPE, rms_norm_eps=1e-6, tie_word_embeddings=True, rope_parameters=dict(PLAIN, rope_theta=1000000.0))),
    Variant(
        "qwen2-yarn", "qwen2", "Qwen2.5 with YaRN rope scaling, tied embeddings", tiny_tokenizer.qwen2, CHATML,
        dict(SHAPE, rms_norm_eps=1e-6, tie_word_embeddings=True,
             rope_parameters=dict(PLAIN, rope_type="yarn", factor=4.0, original_max_position_embeddings=64))),
    Variant(
        "qwen3", "qwen3", "Qwen3: norms on queries and keys, head_dim twice hidden / heads, tied embeddings",
        tiny_tokenizer.qwen3, CHATML,
        dict(SHAPE, head_dim=32, rms_norm_eps=1e-6, tie_word_embeddings=True,
             rope_parameters=dict(PLAIN, rope_theta=1000000.0)),
        write_head_dim=True),
    Variant(
        "smollm3", "smollm3", "SmolLM3: no rotary embedding on the fourth of five layers, tied embeddings",
        tiny_tokenizer.smollm3, CHATML,
        dict(SHAPE, num_hidden_layers=5, rms_norm_eps=1e-6, tie_word_embeddings=True, pad_token_id=None,
             bos_token_id=None, eos_token_id=None, rope_parameters=dict(PLAIN, rope_theta=5000000.0)),
        like_llama=True, left_out={"rotary embedding on every layer": dict(no_rope_layers=[1] * 5)}),
]


def build_model(variant, vocab_size, seed, **changes):
    """A model with weights that depend on `seed` alone. `changes` overrides configuration values, not weights."""
    fields = dict(vocab_size=vocab_size, max_position_embeddings=256, attention_dropout=0.0)
    config = transformers.AutoConfig.for_model(variant.architecture, **{**fields, **variant.config, **changes})
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            generator = torch.Generator().manual_seed(seed * 1000003 + sum(map(ord, name)) * 7919 + len(name))
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name:
                parameter.copy_(1 + 0.3 * noise)
            elif name.endswith(".bias"):
                parameter.copy_(0.5 * noise)
            elif "embed_tokens" in name:
                parameter.copy_(0.05 * noise)  # small, so that the norm's epsilon is visible in the logits
            else:
                gain = 1.5 if ("q_proj" in name or "k_proj" in name) else 1.0
                parameter.copy_(gain * noise / parameter.shape[1] ** 0.5)
    return model
