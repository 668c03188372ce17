# SPDX-License-Identifier: Apache-2.0
"""How fast we want to be: for each kind of row, how many times llama.cpp and which share of the machine's limit."""

INT8 = ("Q4_0", "Q4_1", "Q8_0", "Q6_K", "Q4_K", "MXFP4")
ANY = None

# Kind of row: (times llama.cpp, share of the limit), each by format or the same for ANY.
AIMS = {
    "product, 512 rows": ({"Q8_0": 3, "Q6_K": 3, "Q4_K": 2, "Q4_0": 1.8, "MXFP4": 1.8, "BF16": 1.1},
                          {**dict.fromkeys(INT8, 0.68), "Q4_K": 0.60, "Q6_K": 0.60, "BF16": 0.80}),
    "attention, prefill": ({ANY: 3}, {ANY: 0.40}),
    "attention, 1 query": ({ANY: 3}, {ANY: 0.80}),
    "prefill": ({"Q8_0": 2.5, "Q4_K": 2, "Q4_0": 1.7, "BF16": 1.2}, dict.fromkeys(INT8, 0.50)),
    "decode": ({ANY: 1.2}, {ANY: 0.90}),
    "decode, resident": ({ANY: 1.2}, {ANY: 0.90}),
    "decode at depth": ({ANY: 3}, {ANY: 0.70}),
    "decode, 8 sequences": ({ANY: 2}, {}),
    "first token": ({ANY: 2}, {}),
    "memory": ({ANY: 1}, {ANY: 1 / 1.05}),
    "perplexity": ({}, {}),
}
ONEDNN_AIM = 0.95  # of oneDNN's speed, for products of F32 at 512 rows
PERPLEXITY_AIM = 0.002


def aims_of(row):
    """Times llama.cpp and share of the limit, None where nothing is asked."""
    ratios, shares = AIMS.get(row["kind"], ({}, {}))
    ratio, share = (table.get(row["format"], table.get(ANY)) for table in (ratios, shares))
    if row["kind"].startswith("decode") and row["format"] == "Q4_0" and row["threads"] == 2 and share == 0.90:
        share = 0.85
    return ratio, share
