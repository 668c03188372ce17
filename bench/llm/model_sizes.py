# SPDX-License-Identifier: Apache-2.0
"""Reads from a GGUF file what speed is measured against: the bytes a token must read, the products it takes."""
import collections
import struct

# Of each tensor type: name, elements and bytes in a block.
TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 20: ("IQ4_NL", 32, 18), 30: ("BF16", 1, 2), 39: ("MXFP4", 32, 17),
}
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9

ModelSizes = collections.namedtuple("ModelSizes", "format bytes_per_token products_per_token cache_bytes context")


class _Reader:
    def __init__(self, file):
        self.file = file

    def number(self, code):
        size = struct.calcsize("<" + code)
        data = self.file.read(size)
        if len(data) != size:
            raise ValueError("the file ends inside its header")
        return struct.unpack("<" + code, data)[0]

    def string(self):
        return self.file.read(self.number("Q"))

    def value(self, kind):
        """A number or a string; None for an array."""
        if kind == STRING:
            return self.string()
        if kind != ARRAY:
            return self.number(SCALARS[kind])
        element, count = self.number("I"), self.number("Q")
        if element in SCALARS:
            self.file.seek(count * struct.calcsize("<" + SCALARS[element]), 1)
        else:
            for _ in range(count):
                self.value(element)
        return None


def model_sizes(path):
    """bytes_per_token: all weights a generated token reads once; products_per_token: multiply-adds of a prompt token,
    in layers only (the output matrix runs for the last token alone). The cache and attention are left out of both.
    cache_bytes: of a position in an F16 cache. context: the positions it was made for."""
    with open(path, "rb") as file:
        reader = _Reader(file)
        if file.read(4) != b"GGUF":
            raise ValueError(f"{path} is no GGUF file")
        reader.number("I")
        tensors, keys = reader.number("Q"), reader.number("Q")
        values = {}
        for _ in range(keys):
            key = reader.string().decode()
            values[key.split(".", 1)[-1]] = reader.value(reader.number("I"))
        sizes, products, by_type = {}, 0, collections.Counter()
        for _ in range(tensors):
            name = reader.string().decode()
            shape = [reader.number("Q") for _ in range(reader.number("I"))]
            kind, elements, block_bytes = TYPES.get(reader.number("I"), ("?", 1, 1))
            reader.number("Q")
            count = 1
            for extent in shape:
                count *= extent
            sizes[name] = count // elements * block_bytes
            if len(shape) > 1 and name.startswith("blk."):
                products += count
                by_type[kind] += count
    if "output.weight" in sizes:
        sizes.pop("token_embd.weight", None)  # only one row of it is read
    head = values["embedding_length"] // values["attention.head_count"]
    widths = values.get("attention.key_length", head) + values.get("attention.value_length", head)
    cache_bytes = values["block_count"] * values["attention.head_count_kv"] * widths * 2
    return ModelSizes(by_type.most_common(1)[0][0] if by_type else "?", sum(sizes.values()), products, cache_bytes,
                      values["context_length"])
