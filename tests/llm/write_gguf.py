# SPDX-License-Identifier: Apache-2.0
"""Writes a Transformers model and its tokenizer as one F32 GGUF file, with the key and tensor names that llama.cpp's
converter gives."""
import json
import math

import gguf
import numpy as np

TENSOR_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def gguf_name(name):
    stem, _, suffix = name.rpartition(".")
    if stem.startswith("model.layers."):
        _, _, layer, rest = stem.split(".", 3)
        return f"blk.{layer}.{TENSOR_NAMES[rest]}.{suffix}"
    return f"{TENSOR_NAMES[stem]}.{suffix}"


def to_interleaved_pairs(weight, heads):
    """Reorders the rows of each head from (first half, second half) to (pair, pair, …): `llama` and its like
    rotate neighbouring elements, Transformers rotates element i with i + head_dim / 2."""
    rows = weight.shape[0]
    halves = weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))


def llama3_rope_factors(config):
    """What each rotary frequency is divided by: 1 for short wavelengths, `factor` for long, a blend between."""
    rope = config.rope_parameters
    context, low, high = rope["original_max_position_embeddings"], rope["low_freq_factor"], rope["high_freq_factor"]
    factors = []
    for i in range(0, config.head_dim, 2):
        wavelength = 2 * math.pi * rope["rope_theta"] ** (i / config.head_dim)
        if wavelength < context / high:
            factors.append(1.0)
        elif wavelength > context / low:
            factors.append(rope["factor"])
        else:
            blend = (context / wavelength - low) / (high - low)
            factors.append(1 / ((1 - blend) / rope["factor"] + blend))
    return np.array(factors, dtype=np.float32)


def _add_parameters(writer, config, variant):
    rope = config.rope_parameters
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(rope["rope_theta"])
    if variant.write_head_dim:
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    if variant.like_llama:
        writer.add_vocab_size(config.vocab_size)
        writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def _add_tokenizer(writer, tokenizer, chat_template):
    by_id = {i: text for text, i in tokenizer.hf.get_vocab(with_added_tokens=True).items()}
    tokens = [by_id[i] for i in range(len(by_id))]
    kinds = {text: gguf.TokenType.CONTROL for text in tokenizer.specials}
    kinds |= {text: gguf.TokenType.USER_DEFINED for text in tokenizer.user_defined}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(tokenizer.pre)
    writer.add_token_list(tokens)
    writer.add_token_types([kinds.get(text, gguf.TokenType.NORMAL) for text in tokens])
    merges = json.loads(tokenizer.hf.to_str())["model"]["merges"]
    writer.add_token_merges([" ".join(pair) for pair in merges])
    if tokenizer.bos:
        writer.add_bos_token_id(tokenizer.id(tokenizer.bos))
    writer.add_eos_token_id(tokenizer.id(tokenizer.eos))
    writer.add_pad_token_id(tokenizer.id(tokenizer.specials[0]))
    if tokenizer.add_bos is not None:
        writer.add_add_bos_token(tokenizer.add_bos)
    if tokenizer.add_space_prefix is not None:
        writer.add_add_space_prefix(tokenizer.add_space_prefix)
    writer.add_chat_template(chat_template)


def write_gguf(path, model, tokenizer, variant):
    config = model.config
    writer = gguf.GGUFWriter(path, config.model_type)
    writer.add_type("model")
    writer.add_name(f"tiny {variant.name}")
    _add_parameters(writer, config, variant)
    _add_tokenizer(writer, tokenizer, variant.chat_template)
    if config.rope_parameters["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_rope_factors(config))
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue  # a file without output.weight means: use token_embd.weight
        weight = tensor.detach().numpy()
        if variant.like_llama and ".q_proj." in key:
            weight = to_interleaved_pairs(weight, config.num_attention_heads)
        if variant.like_llama and ".k_proj." in key:
            weight = to_interleaved_pairs(weight, config.num_key_value_heads)
        writer.add_tensor(gguf_name(key), weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
