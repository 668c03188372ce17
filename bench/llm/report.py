# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/benchmarks.md, in Markdown, from measured rows."""
import textwrap

from aims import ONEDNN_AIM, PERPLEXITY_AIM, aims_of
from reasons import why
from rows import median, ratio, share

LIMITS = {"int8": "int8 peak", "bf16": "BF16 peak", "f32": "F32 peak", "read": "DRAM read, 2 MiB pages",
          "read_4kib": "DRAM read, 4 KiB pages"}
# Headings over the kinds of rows below them, and what is to be known of them.
GROUPS = (
    ("Products alone", ("product, 512 rows", "product, 1 row"),
     "`op_turns` beside llama.cpp's CPU backend with weights in its repacked layouts where it has them, and oneDNN "
     "with weights in the layout it asks for. Both sides quantise activations of F32 within the time. One row reads "
     "copies of the weights that exceed the caches."),
    ("Attention alone", ("attention, prefill", "attention, 1 query"),
     "16 heads over 8 of 128 numbers, causal. One query reads copies of the cache that exceed the caches."),
    ("Reading a prompt of 512 tokens", ("prefill",), ""),
    ("Decoding one sequence", ("decode", "decode, resident"),
     "From an empty cache. Weights are mapped from the packed file, or resident, and the limit is of the same pages; "
     "llama.cpp has one mode."),
    ("Decoding 8 sequences", ("decode, 8 sequences",),
     "Tokens of all sequences together. The limit counts the weights once for the 8."),
    ("Decoding at depth", ("decode at depth",),
     "Cache of F16; the limit counts weights and cache. The cache holds the state of 512 tokens over and over, in both "
     "programs."),
    ("Process start to first token", ("first token",),
     "The whole time of a process that loads the model, reads a line of text, prints one token and ends; warm page cache. "
     "`isthmus run --raw -n 1` beside a program of the same steps as llama.cpp's own `simple` example, with the "
     "number of threads given (`llamacpp_speed --first-token`)."),
)


def paragraph(text):
    return [*textwrap.wrap(text, 125), ""] if text else []


def number(value):
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 200 else f"{value:.1f}" if value >= 20 else f"{value:.2f}"


def judged(value, aim, form, note=""):
    """What was reached, what was aimed at, and whether that is it; else a note's number."""
    if aim is None or value is None:
        return form(value), ""
    return form(value), f"{form(aim)} " + ("✓" if value >= aim else f"✗{note}")


def times(value):
    return "–" if value is None else f"{value:.2f}"


def percent(value):
    return "–" if value is None else f"{100 * value:.0f} %"


def misses(row):
    """Which of "ratio" and "share" is below its aim."""
    ratio_aim, share_aim = aims_of(row)
    value, part = ratio(row), share(row)
    return [what for what, aim, reached in (("ratio", ratio_aim, value), ("share", share_aim, part))
            if aim and reached is not None and reached < aim]


def missed(row):
    return bool(misses(row))


class Notes:
    """The reasons below a table, each once; a row that misses an aim carries its number."""

    def __init__(self):
        self.sentences = []

    def mark(self, row, what):
        if what not in misses(row):
            return ""
        sentence = why(row, what) or "Not known."
        if sentence not in self.sentences:
            self.sentences.append(sentence)
        return f" ({self.sentences.index(sentence) + 1})"

    def lines(self):
        if not self.sentences:
            return []
        out = ["Why aims are missed:", ""]
        for number, sentence in enumerate(self.sentences, 1):
            out += textwrap.wrap(f"{number}. {sentence}", 125, subsequent_indent="   ")
        return ["", *out]


def speed_table(rows):
    notes = Notes()
    onednn = any("oneDNN" in row["theirs"] for row in rows)
    headings = ["what", "format", "threads", "Isthmus", "llama.cpp", "ratio", "aim"]
    headings += ["oneDNN", "ratio", "aim"] if onednn else []
    headings += ["limit", "of it", "aim", "llama.cpp of it"]
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    for row in rows:
        ratio_aim, share_aim = aims_of(row)
        theirs = row["theirs"].get("llama.cpp")
        name = f"{row['kind']}, {row['name']}" if row["kind"] not in ("prefill", "decode at depth", "first token",
                                                                      "decode, 8 sequences") else row["name"]
        cells = [name, row["format"], str(row["threads"]), f"{number(median(row['ours']))} {row['unit']}",
                 number(median(theirs)), *judged(ratio(row), ratio_aim, times, notes.mark(row, "ratio"))]
        if onednn:
            beside = ratio(row, "oneDNN")
            aim = ONEDNN_AIM if row["format"] == "F32" and row["kind"] == "product, 512 rows" else None
            cells += [number(median(row["theirs"].get("oneDNN"))), *judged(beside, aim, times)]
        if row["limit"]:
            cells += [f"{number(median(row['limit']))} ({LIMITS[row['limit_name']]})",
                      *judged(share(row), share_aim, percent, notes.mark(row, "share")),
                      percent(share(row, theirs) if theirs else None)]
        else:
            cells += ["", "", "", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return without_empty_columns(lines) + notes.lines()


def without_empty_columns(lines):
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    keep = [i for i in range(len(cells[0])) if any(row[i] for row in cells[2:])]
    return ["| " + " | ".join(row[i] for i in keep) + " |" if number != 1 else "|" + "---|" * len(keep)
            for number, row in enumerate(cells)]


def memory_table(rows):
    notes = Notes()
    lines = ["| model | format | Isthmus, two processes | llama.cpp | ratio | aim | file + states | of it | aim | "
             "one Isthmus: peak | of files | own | one llama.cpp: peak | of files | own |", "|" + "---|" * 15]
    for row in rows:
        ratio_aim, share_aim = aims_of(row)
        cells = [row["name"], row["format"], f"{number(median(row['ours']))} MB",
                 number(median(row["theirs"]["llama.cpp"])),
                 *judged(ratio(row), ratio_aim, times, notes.mark(row, "ratio")), number(median(row["limit"])),
                 *judged(share(row), share_aim, percent, notes.mark(row, "share"))]
        for who in ("ours", "llama.cpp"):
            cells += [number(row["parts"][who][part]) for part in ("peak", "file", "private")]
        lines.append("| " + " | ".join(cells) + " |")
    return lines + notes.lines()


def perplexity_table(rows):
    lines = ["| format | most of the layers | Isthmus | the same weights in F32 | difference | aim |", "|" + "---|" * 6]
    for row in rows:
        ours, reference = row["ours"][0], row["limit"][0]
        difference = ours / reference - 1
        lines.append(f"| {row['format']} | {row['tensors']} | {ours:.4f} | {reference:.4f} | {difference:+.2%} | "
                     f"{PERPLEXITY_AIM:.1%} {'✓' if abs(difference) <= PERPLEXITY_AIM else '✗'} |")
    return lines


def reasons(rows):
    """A sentence for each model that missed an aim and was profiled."""
    return [f"- {row['name']} {row['format']}, {row['threads']} thread{'s' if row['threads'] > 1 else ''}: "
            + row["sentence"] for row in rows if row["kind"] == "profile"]


def report(store):
    head, rows = store.head, list(store.rows.values())

    def of(*kinds):
        return [row for kind in kinds for row in rows if row["kind"] == kind]
    rounds = f"{head['rounds']} round{'s' if head['rounds'] > 1 else ''}"
    out = paragraph(f"{head['machine']}. {head['peer']}. Medians of {rounds}, fewer of rows that take long; ratio above 1: "
                    "Isthmus is ahead. Of the limit: the median of the rounds, each with the limit measured in it. ✓ and "
                    "✗: whether the aim is reached.")
    for heading, kinds, text in GROUPS:
        if of(*kinds):
            out += [f"### {heading}", "", *paragraph(text), *speed_table(of(*kinds)), ""]
    if of("memory"):
        out += ["### Memory", "", *paragraph(
            "MB of two processes of one model together (what they share counted once: PSS), and of one alone: the most "
            "ever resident, resident pages of files, and its own. Both read 512 tokens and hold a cache for 640."),
            *memory_table(of("memory")), ""]
    if of("perplexity"):
        out += ["### Perplexity of each format", "", *paragraph(
            "SmolLM2-135M, quantised by llama.cpp's own program (MXFP4 with the embedding in Q8_0), over the texts of "
            "`tests/llm/texts/` in chunks of 1,024 tokens, against the same weights dequantised to F32. Rows of 576 are "
            "no whole super-blocks: there Q4_K and Q6_K become formats of 32. The difference is what activations of int8 in "
            "blocks of 16 cost."), *perplexity_table(of("perplexity")), ""]
    if of("profile"):
        out += ["### Where the time goes in models that miss an aim", "",
                "`isthmus profile`, the operators that take most.", "", *reasons(rows), ""]
    return "\n".join(out)
