# SPDX-License-Identifier: Apache-2.0
"""Why a row misses its aim, a sentence each, as profiles have shown it: docs/performance.md has the whole story."""
from aims import aims_of
from rows import share

BLOCKS = ("A block's products come with conversions, scales and, where the format has them, minimums: of the vector "
          "instructions 73 % (67 % with minimums) are products at most, and the tile reaches 53 to 65 %")

# Kinds, formats (None: every one), what is missed, why. The first that fits counts.
REASONS = (
    (("product, 512 rows",), ("Q6_K",), "ratio",
     "llama.cpp's product of Q6_K is two to four times as fast as the one that the aim was set against."),
    (("product, 512 rows",), None, "share", BLOCKS + "."),
    (("attention, prefill",), None, "share",
     "Scores and sums are chains of F32 multiply-adds, as the canonical order has them, and their peak is half of that of "
     "BF16: 60 to 72 % of it is reached. Exponentials and the half-empty blocks on the diagonal take the rest."),
    (("attention, prefill",), None, "ratio",
     "The peak of the F32 multiply-adds that the canonical order is made of would be 3.1 times llama.cpp's speed."),
    (("attention, 1 query",), ("Q8_0",), "share",
     "Each int8 is converted to F32 and scaled, more instructions for a byte than F16 takes: one thread is bound by them."),
    (("attention, 1 query",), None, None,
     "One thread converts F16 to F32 and adds in the canonical order for about as long as it reads."),
    (("decode at depth",), None, None,
     "Attention takes most of the time; one thread converts the cache to F32 and adds for about as long as it reads."),
    (("prefill",), None, "share", BLOCKS + "; attention, which the int8 peak does not count, takes 16 to 21 % of the time."),
    (("decode", "decode, resident"), ("BF16",), None,
     "Products run at 85 to 113 % of the read limit, which here changes by a fifth from round to round."),
    (("decode", "decode, resident"), None, None,
     "Products run at 76 to 92 % of the read limit: unpacking 4- and 6-bit weights is more work for each byte than one thread "
     "does while it waits for them. Operators of few elements and the hand-over between them take 2 to 14 %, most in the "
     "smallest model."),
    (("memory",), None, "share",
     "Beside file and states a process holds the activations of a step of 512 rows (9 to 66 MB) and tokenizer and graph (5 to 17 "
     "MB); and rows of the embedding are read in the file beside the packed matrix of the output layer, which has the same "
     "bytes: a fault maps 64 KiB around each row, 25 to 42 MB after 512 tokens."),
    (("first token",), ("BF16",), None,
     "Products with the 1.2 and 2.4 GB of weights take 45 % of the processors' time, faults that map and unmap their pages "
     "(38,000 of Llama 3.2 1B) most of the rest; llama.cpp has as many."),
    (("decode, 8 sequences",), None, None,
     "Products of BF16 take nearly all of the time and read the weights at 65 to 101 % of the memory's speed (140 tokens/s in "
     "a run of their own): at 8 rows a step is still bound by memory, of which llama.cpp uses 38 to 40 %."),
)


def why(row, missed):
    """missed: "ratio" or "share". None when nobody has found out."""
    theirs = row["theirs"].get("llama.cpp")
    if missed == "ratio" and theirs and row["limit"] and row["kind"] != "product, 512 rows":
        if aims_of(row)[0] * share(row, theirs) > 0.9:
            return "llama.cpp itself is so near the limit that the aim lies above 90 % of it."
    for kinds, formats, what, sentence in REASONS:
        if row["kind"] in kinds and what in (None, missed) and (formats is None or row["format"] in formats):
            return sentence
    return None
