#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the tiny random models of tests/llm/data and, with Transformers, the logits and tokens they must give.

Needs torch 2.13.0, transformers, tokenizers and gguf from PyPI. README.md beside this file describes what it writes.
"""
import argparse
import json
import pathlib
import re

import jinja2
import numpy as np
import torch
import transformers

from tiny_variants import VARIANTS, build_model
from write_gguf import write_gguf

HERE = pathlib.Path(__file__).resolve().parent
GREEDY_TOKENS = 32
PROMPT = (
    "The ferry could not cross in spring 2024, so they're waiting: one, two, three lights. "
    "for (int i = 0; i < n; ++i) sum += values[i]; Grüße aus 北京 🙂\n\nThen the fourth came."
)
TOKENIZER_TEXTS = [
    "", " ", "Hello, world!", "  two  spaces\tand a tab \n\n\n and lines\r\n", "1234567 12.5e-3 ١٢٣ ½",
    "I'M SURE THEY'LL say it isn't", "naïve café e\u0301 Å", "日本語と한국어とไทย", "🙂👩‍👩‍👧‍👦🇫🇷", "snake_case += CamelCase->x[0];",
    "{first}a message{last}\n", "x" * 40,
]
CHAT = [
    {"role": "system", "content": "You answer in one word."},
    {"role": "user", "content": "What is 2 + 2?"},
    {"role": "assistant", "content": "Four."},
    {"role": "user", "content": " And in French? "},
]


def logits_of(model, tokens):
    with torch.no_grad():
        return model(torch.tensor([tokens]), use_cache=False).logits[0]


def greedy(model, prompt):
    """The next GREEDY_TOKENS tokens, each from a fresh pass over everything so far, and the smallest lead that the
    chosen token had over the second, relative to the largest logit."""
    tokens, smallest_lead = list(prompt), float("inf")
    for _ in range(GREEDY_TOKENS):
        row = logits_of(model, tokens)[-1]
        best = torch.topk(row, 2)
        smallest_lead = min(smallest_lead, float((best.values[0] - best.values[1]) / row.abs().max()))
        tokens.append(int(best.indices[0]))
    return tokens[len(prompt):], smallest_lead


def find_seed(variant, vocab_size, prompt):
    """The first seed whose greedy text is decided clearly and is not one token over and over."""
    for seed in range(1, 1000):
        model = build_model(variant, vocab_size, seed)
        tokens, lead = greedy(model, prompt)
        if lead > 5e-3 and len(set(tokens)) >= 10:
            return seed, model, tokens, lead
    raise SystemExit(f"{variant.name}: no seed gives a clearly decided greedy text")


def sensitivity(variant, vocab_size, seed, model, prompt, logits):
    """How far the logits move, relative to the largest, when one feature is left out: a test of the test."""
    def moved(other):
        return float((logits_of(other, prompt) - logits).abs().max() / logits.abs().max())

    def without(words, value):
        other = build_model(variant, vocab_size, seed)
        with torch.no_grad():
            for name, parameter in other.named_parameters():
                if any(word in name for word in words):
                    parameter.fill_(value)
        return moved(other)

    eps = variant.config["rms_norm_eps"]
    results = {"epsilon times ten": moved(build_model(variant, vocab_size, seed, rms_norm_eps=eps * 10))}
    rope = variant.config["rope_parameters"]
    plain = {"rope_type": "default", "rope_theta": rope["rope_theta"]}
    if rope["rope_type"] != "default":
        results["no rope scaling"] = moved(build_model(variant, vocab_size, seed, rope_parameters=plain))
    if rope["rope_type"] == "yarn":
        flat = dict(rope, attention_factor=1.0)
        results["yarn attention factor 1"] = moved(build_model(variant, vocab_size, seed, rope_parameters=flat))
    for label, changes in variant.left_out.items():
        results[label] = moved(build_model(variant, vocab_size, seed, **changes))
    other_theta = dict(rope, rope_theta=rope["rope_theta"] * 2)
    results["theta times two"] = moved(build_model(variant, vocab_size, seed, rope_parameters=other_theta))
    for label, words, value in (("no biases", [".bias"], 0.0), ("q and k norm weights 1", ["q_norm", "k_norm"], 1.0)):
        if any(word in name for name, _ in model.named_parameters() for word in words):
            results[label] = without(words, value)
    return results


def render_chat(variant, tokenizer):
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(variant.chat_template)
    return template.render(messages=CHAT, add_generation_prompt=True, bos_token=tokenizer.bos, eos_token=tokenizer.eos)


def make(variant, folder):
    tokenizer = variant.tokenizer()
    vocab_size = tokenizer.hf.get_vocab_size()
    prompt = tokenizer.encode(PROMPT)
    seed, model, greedy_tokens, lead = find_seed(variant, vocab_size, prompt)
    logits = logits_of(model, prompt)
    exact = logits_of(build_model(variant, vocab_size, seed).double(), prompt)
    largest = float(exact.abs().max())
    reference_error = float((logits.double() - exact).abs().max()) / largest

    folder.mkdir(parents=True, exist_ok=True)
    write_gguf(str(folder / "model.gguf"), model, tokenizer, variant)
    np.ascontiguousarray(logits.numpy(), dtype="<f4").tofile(folder / "logits.bin")
    texts = [text.format(first=tokenizer.specials[0], last=tokenizer.eos) if "{first}" in text else text
             for text in TOKENIZER_TEXTS]
    chat_text = render_chat(variant, tokenizer)
    expected = {
        "what": variant.what,
        "made_by": f"torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}",
        "seed": seed,
        "prompt_text": PROMPT,
        "prompt_tokens": prompt,
        "logits": {"file": "logits.bin", "rows": len(prompt), "columns": vocab_size},
        "largest_logit": largest,
        "reference_error": reference_error,
        "greedy_tokens": greedy_tokens,
        "greedy_smallest_lead": lead,
        "left_out_features_move_logits_by": sensitivity(variant, vocab_size, seed, model, prompt, logits),
        "tokenizer": [{"text": text, "tokens": tokenizer.encode(text)} for text in texts],
        "chat": {
            "messages": CHAT,
            "text": chat_text,
            "tokens": tokenizer.hf.encode(chat_text, add_special_tokens=False).ids,
        },
    }
    lines = json.dumps(expected, ensure_ascii=False, indent=1)
    (folder / "expected.json").write_text(compact_lists(lines) + "\n", encoding="utf-8")
    moves = ", ".join(f"{k} {v:.1e}" for k, v in expected["left_out_features_move_logits_by"].items())
    print(f"{variant.name}: seed {seed}, {len(prompt)} prompt tokens, {vocab_size} in the vocabulary, largest logit "
          f"{largest:.3f}, error of F32 against F64 {reference_error:.1e}, smallest greedy lead {lead:.1e}; {moves}")


def compact_lists(text):
    """Puts each list of numbers on one line."""
    return re.sub(r"\[\s+((?:-?\d+,\s+)*-?\d+)\s+\]", lambda m: "[" + " ".join(m.group(1).split()) + "]", text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "data", help="folder to write to (%(default)s)")
    parser.add_argument("names", nargs="*", help="variants to make (all)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # one order of summation
    for variant in VARIANTS:
        if not arguments.names or variant.name in arguments.names:
            make(variant, arguments.out / variant.name)


if __name__ == "__main__":
    main()
