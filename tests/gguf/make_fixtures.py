#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the files beside it with the writer of the PyPI package gguf (0.19.0): pip install gguf; python3 make_fixtures.py

every_type.gguf   a value of each metadata type, an array of each element type, tensors of several dtypes and ranks
aligned.gguf      general.alignment 64
version2.gguf     every_type.gguf with the version number 2 (the layout is the same)
big_endian.gguf   written in the other byte order
split.gguf        the first of two parts
nested.gguf       an array of arrays
"""
import pathlib
import struct

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFEndian, GGUFValueType, GGUFWriter, quants

folder = pathlib.Path(__file__).parent


def write(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


path = folder / "every_type.gguf"
w = GGUFWriter(path, "toy")
w.add_uint8("u8", 200)
w.add_int8("i8", -100)
w.add_uint16("u16", 60000)
w.add_int16("i16", -30000)
w.add_uint32("u32", 4000000000)
w.add_int32("i32", -2000000000)
w.add_float32("f32", 0.1)
w.add_uint64("u64", 2**63 + 5)
w.add_int64("i64", -2**62)
w.add_float64("f64", 0.1)
w.add_bool("yes", True)
w.add_bool("no", False)
w.add_string("text", "Grüße, 世界\n")
w.add_array("strings", ["a", "", "ccc"])
w.add_array("ints", [1, -2, 3])
w.add_array("floats", [0.5, -1.5])
w.add_array("bools", [True, False, True])
w.add_array("bytes", b"\x00\xff\x07")
rows = np.arange(64, dtype=np.float32).reshape(2, 32) / 8 - 3
w.add_tensor("vector", np.arange(3, dtype=np.float32))
w.add_tensor("matrix", rows)
w.add_tensor("cube.f16", np.arange(24, dtype=np.float16).reshape(2, 3, 4))
w.add_tensor("quantized.q8_0", quants.quantize(rows, Type.Q8_0), raw_dtype=Type.Q8_0)
w.add_tensor("ids", np.array([[7, -8]], np.int32))
write(w)

data = bytearray(path.read_bytes())
data[4:8] = struct.pack("<I", 2)
(folder / "version2.gguf").write_bytes(data)

w = GGUFWriter(folder / "aligned.gguf", "toy")
w.add_custom_alignment(64)
w.add_tensor("one", np.ones(1, np.float32))
w.add_tensor("two", np.full(2, 2, np.float32))
write(w)

w = GGUFWriter(folder / "big_endian.gguf", "toy", endianess=GGUFEndian.BIG)
w.add_uint32("u32", 1)
w.add_tensor("one", np.ones(1, np.float32))
write(w)

w = GGUFWriter(folder / "split.gguf", "toy")
w.add_uint16("split.no", 0)
w.add_uint16("split.count", 2)
w.add_int32("split.tensors.count", 2)
w.add_tensor("one", np.ones(1, np.float32))
write(w)

w = GGUFWriter(folder / "nested.gguf", "toy")
w.add_key_value("nested", [[1, 2], [3]], GGUFValueType.ARRAY, GGUFValueType.ARRAY)
w.add_tensor("one", np.ones(1, np.float32))
write(w)
