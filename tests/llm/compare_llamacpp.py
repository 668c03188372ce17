#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares isthmus with llama.cpp on 20 texts (texts/*.txt), teacher-forced: argmax of every position, perplexity.

Three evaluations of one model file: llama.cpp on the file itself, llama.cpp on the same weights dequantised to F32
(the reference), and ours. llama.cpp's error at a position is the largest difference of its logits from the reference's.
Passes if our argmax is llama.cpp's wherever llama.cpp's two largest logits are further apart than its error, and our
perplexity is within 0.2 % of the reference's. Needs numpy and gguf from PyPI; builds llama.cpp once.
"""
import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bench" / "llm"))
from dequantise_gguf import dequantise  # noqa: E402
from llamacpp import VERSION, LlamaCpp, PeerError, cache_folder  # noqa: E402

DEFAULT_MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
ORACLE = HERE / "data" / "smollm2" / "llamacpp.json"
PERPLEXITY_TOLERANCE = 0.002


def read_logits(path, tokens):
    return np.fromfile(path, "<f4").reshape(len(tokens), -1)


def negative_log_likelihood(logits, tokens):
    """Of tokens 1.. given those before, summed, in F64."""
    rows = logits[:-1].astype(np.float64)
    rows -= rows.max(axis=1, keepdims=True)
    return float((np.log(np.exp(rows).sum(axis=1)) - rows[np.arange(len(rows)), tokens[1:]]).sum())


def evaluate_peer(peer, model, text, work, *options):
    subprocess.run([peer.logits, model, work, "--threads", "2", *options, text], check=True)
    tokens = [int(word) for word in (work / f"{text.stem}.tokens").read_text().split()]
    path = work / f"{text.stem}.logits"
    logits = read_logits(path, tokens)
    path.unlink()
    return tokens, logits


def evaluate_ours(program, model, text, tokens, work):
    path = work / "ours.bin"
    done = subprocess.run([program, "perplexity", model, "--file", text, "--json", "--logits", path],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"error: {program} perplexity failed with exit code {done.returncode} on {text.name}")
    logits = np.fromfile(path, "<f4")
    path.unlink()
    if logits.size % len(tokens):
        sys.exit(f"error: {text.name}: {logits.size} logits for {len(tokens)} tokens: tokenized otherwise?")
    return logits.reshape(len(tokens), -1), json.loads(done.stdout)


def lead(logits):
    two = np.partition(logits, -2, axis=1)[:, -2:]
    return two[:, 1] - two[:, 0]


def compare_text(peer, arguments, text, work):
    tokens, theirs = evaluate_peer(peer, arguments.model, text, work)
    _, reference = evaluate_peer(peer, arguments.reference, text, work, "--cache", "f32")
    errors = np.abs(theirs - reference).max(axis=1)
    row = {
        "file": text.name,
        "tokens": tokens,
        "argmax": theirs.argmax(axis=1).tolist(),
        "lead": [round(float(x), 4) for x in lead(theirs)],
        "error": [round(float(x), 4) for x in errors],
        "reference_argmax": reference.argmax(axis=1).tolist(),
        "nll": negative_log_likelihood(theirs, tokens),
        "reference_nll": negative_log_likelihood(reference, tokens),
    }
    result = {"scored": len(tokens) - 1, "decided": int((lead(theirs) > errors).sum()), "positions": len(tokens),
              "their_rms": float(np.sqrt(np.mean((theirs - reference) ** 2)))}
    if arguments.ours:
        ours, printed = evaluate_ours(arguments.ours, arguments.model, text, tokens, work)
        differ = ours.argmax(axis=1) != theirs.argmax(axis=1)
        result |= {
            "our_nll": negative_log_likelihood(ours, tokens),
            "wrong": np.flatnonzero(differ & (lead(theirs) > errors)).tolist(),
            "differ": int(differ.sum()),
            "differ_from_reference": int((ours.argmax(axis=1) != reference.argmax(axis=1)).sum()),
            "our_rms": float(np.sqrt(np.mean((ours - reference) ** 2))),
            "our_error": float(np.abs(ours - reference).max()),
            "printed_perplexity": printed.get("perplexity"),
        }
    return row, result


def print_text(row, result):
    scored = result["scored"]
    line = (f"{row['file']:<34} {len(row['tokens']):4} tokens, perplexity reference "
            f"{np.exp(row['reference_nll'] / scored):8.4f}  llama.cpp {np.exp(row['nll'] / scored):8.4f}, "
            f"rms error {result['their_rms']:.4f}")
    if "our_nll" in result:
        line += (f"  ours {np.exp(result['our_nll'] / scored):8.4f}, rms error {result['our_rms']:.4f}; argmax "
                 f"differs at {result['differ']}, of {result['decided']} decided ones at {result['wrong']}")
    print(line, flush=True)


def summarise(rows, results, has_ours):
    scored = sum(result["scored"] for result in results)
    reference = float(np.exp(sum(row["reference_nll"] for row in rows) / scored))
    theirs = float(np.exp(sum(row["nll"] for row in rows) / scored))
    print(f"\nperplexity over {scored} tokens: reference {reference:.5f}, llama.cpp {theirs:.5f} "
          f"({theirs / reference - 1:+.3%})")
    failures = []
    if has_ours:
        ours = float(np.exp(sum(result["our_nll"] for result in results) / scored))
        wrong = sum(len(result["wrong"]) for result in results)
        decided = sum(result["decided"] for result in results)
        positions = sum(result["positions"] for result in results)
        print(f"                            ours      {ours:.5f} ({ours / reference - 1:+.3%})")
        print(f"argmax: {wrong} of {decided} decided positions differ from llama.cpp's; "
              f"{sum(r['differ'] for r in results)} of all {positions} do, "
              f"{sum(r['differ_from_reference'] for r in results)} from the reference's")
        if wrong:
            failures.append(f"argmax differs from llama.cpp's at {wrong} decided positions")
        if abs(ours / reference - 1) > PERPLEXITY_TOLERANCE:
            failures.append(f"perplexity {ours:.5f} is not within {PERPLEXITY_TOLERANCE:.1%} of {reference:.5f}")
    return {"reference": reference, "llamacpp": theirs}, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=cache_folder() / "models" / DEFAULT_MODEL)
    parser.add_argument("--ours", type=pathlib.Path, help="the isthmus program; without it, only the oracle is made")
    parser.add_argument("--reference", type=pathlib.Path, help="the dequantised file (made in the cache folder)")
    parser.add_argument("--peer-folder", help="where llama.cpp is or comes (user's cache folder)")
    parser.add_argument("--write", action="store_true", help=f"write what llama.cpp computed to data/smollm2/")
    parser.add_argument("texts", nargs="*", type=pathlib.Path, help="texts (texts/*.txt)")
    arguments = parser.parse_args()
    if not arguments.model.exists():
        sys.exit(f"error: there is no {arguments.model}; tools/fetch_model fetches the default model")
    try:
        peer = LlamaCpp(arguments.peer_folder).prepare()
    except PeerError as error:
        sys.exit(f"error: {error}")
    if not arguments.reference:
        arguments.reference = cache_folder() / "models" / f"{arguments.model.stem}.F32.gguf"
        arguments.reference.parent.mkdir(parents=True, exist_ok=True)
    if not arguments.reference.exists():
        dequantise(arguments.model, arguments.reference)

    rows, results = [], []
    with tempfile.TemporaryDirectory() as work:
        for text in arguments.texts or sorted((HERE / "texts").glob("*.txt")):
            row, result = compare_text(peer, arguments, text, pathlib.Path(work))
            rows.append(row)
            results.append(result)
            print_text(row, result)
    perplexity, failures = summarise(rows, results, bool(arguments.ours))
    if arguments.write:
        ORACLE.parent.mkdir(parents=True, exist_ok=True)
        head = {"made_by": f"llama-cpp-python {VERSION}", "model": arguments.model.name, "perplexity": perplexity,
                "model_sha256": hashlib.sha256(arguments.model.read_bytes()).hexdigest()}
        texts = ",\n".join(json.dumps(row) for row in rows)
        ORACLE.write_text(json.dumps(head)[:-1] + ', "texts": [\n' + texts + "\n]}\n")
    sys.exit("\n".join(f"error: {failure}" for failure in failures) or 0)


if __name__ == "__main__":
    main()
