#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the tiny models against llama.cpp: it loads each file, tokenizes the prompt alike, and gives the logits that
Transformers gave. So neither the files nor the logits rest on one program."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bench" / "llm"))
from llamacpp import LlamaCpp, PeerError  # noqa: E402

ALLOWED = 1e-4  # of the largest logit


def compare(peer, folder):
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as work:
        prompt = pathlib.Path(work) / "prompt.txt"
        prompt.write_text(expected["prompt_text"], encoding="utf-8")
        subprocess.run([peer.logits, folder / "model.gguf", work, "--cache", "f32", prompt], check=True)
        tokens = [int(word) for word in (prompt.with_suffix(".tokens")).read_text().split()]
        logits = np.fromfile(prompt.with_suffix(".logits"), "<f4")
    ours = np.fromfile(folder / "logits.bin", "<f4")
    if tokens != expected["prompt_tokens"]:
        return f"llama.cpp tokenizes the prompt otherwise: {tokens}"
    error = float(np.abs(logits - ours).max() / np.abs(ours).max())
    print(f"{folder.name}: {len(tokens)} tokens alike, logits differ by {error:.1e} of the largest")
    return None if error < ALLOWED else f"logits differ by {error:.1e} of the largest, allowed {ALLOWED:.0e}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--peer-folder", help="where llama.cpp is or comes (user's cache folder)")
    arguments = parser.parse_args()
    try:
        peer = LlamaCpp(arguments.peer_folder).prepare()
        failures = [f"{folder.name}: {failure}" for folder in sorted((HERE / "data").iterdir())
                    if (folder / "model.gguf").exists() and (failure := compare(peer, folder))]
    except PeerError as error:
        sys.exit(f"error: {error}")
    sys.exit("\n".join(failures) or 0)


if __name__ == "__main__":
    main()
