#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a GGUF file again with every tensor as F32: the same model without the arithmetic of its quantised formats.

Dequantises with the PyPI package gguf, which is not ours and not what llama.cpp runs.
"""
import argparse
import os
import pathlib

import gguf

SKIPPED = ("GGUF.version", "GGUF.tensor_count", "GGUF.kv_count", "general.architecture", "general.quantization_version")


def dequantise(source, target):
    reader = gguf.GGUFReader(source)
    unfinished = f"{target}.part"
    writer = gguf.GGUFWriter(unfinished, reader.get_field("general.architecture").contents())
    for name, field in reader.fields.items():
        if name in SKIPPED:
            continue
        value = int(gguf.LlamaFileType.ALL_F32) if name == "general.file_type" else field.contents()
        sub_type = field.types[1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, value, field.types[0], sub_type)
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        writer.add_tensor(tensor.name, values.reshape([int(n) for n in reversed(tensor.shape)]).astype("<f4"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(unfinished, target)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    arguments = parser.parse_args()
    dequantise(arguments.source, arguments.target)


if __name__ == "__main__":
    main()
