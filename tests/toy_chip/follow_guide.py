#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""follow_guide.py PAGE SOURCE BUILD SCRATCH: runs every ```sh block of a page, in order, in one shell, and compares what
each says with the ```text block behind it: its lines come in that order, … stands for anything. A block must succeed unless
an error is what the page shows. Lines of files the page counts are counted, too."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

MARK = "@@@ end of block"
page, source, build, scratch = (pathlib.Path(argument).resolve() for argument in sys.argv[1:5])


def blocks():
    """Pairs of commands and expected lines."""
    found = []
    for kind, body in re.findall(r"^```(sh|text)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M):
        if kind == "sh":
            found.append((body, []))
        else:
            found[-1][1].extend(body.splitlines())
    return found


def prepare():
    """A folder that looks like the tree where the page says so, and is the home."""
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "build").mkdir(parents=True)
    (scratch / "build/release").symlink_to(build)
    for name in ("examples", "tests"):
        (scratch / name).symlink_to(source / name)


def run(commands):
    script = "".join(f"{{\n{body}}} 2>&1\necho \"{MARK} $?\"\n" for body, _ in commands)
    environment = dict(os.environ, HOME=str(scratch), ISTHMUS_PACKED_CACHE="off")
    for name in ("ISTHMUS_PLUGIN_PATH", "ISTHMUS_TOY_CHIP", "CMAKE_PREFIX_PATH"):
        environment.pop(name, None)
    outcome = subprocess.run(["bash"], input=script, cwd=scratch, env=environment, capture_output=True, text=True,
                             timeout=600, check=False)
    return re.findall(rf"(.*?){MARK} (\d+)\n", outcome.stdout, re.S), outcome.stderr


def missing(expected, said):
    """The first expected line that does not come, or None."""
    lines = iter(said.splitlines())
    for want in expected:
        pattern = re.compile(".*?".join(re.escape(part.strip()) for part in want.split("…")))
        if not any(pattern.fullmatch(line.strip()) for line in lines):
            return want
    return None


def check_counts():
    """Rows of the table that name files and their lines together."""
    complaints = []
    for files, count in re.findall(r"\| ((?:`[\w./]+` ?)+) \| (\d+) \|", page.read_text(encoding="utf-8")):
        names = [name if "/" in name else f"examples/toy-chip/{name}" for name in re.findall(r"`([^`]+)`", files)]
        lines = sum(len((source / name).read_text(encoding="utf-8").splitlines()) for name in names)
        if abs(lines - int(count)) > 5:
            complaints.append(f"{files}: {lines} lines, the page says {count}")
    return complaints


prepare()
steps = blocks()
results, stderr = run(steps)
complaints = check_counts()
for number, (body, expected) in enumerate(steps):
    if number >= len(results):
        complaints.append(f"the shell ended before block {number + 1}:\n{body}{stderr}")
        break
    said, code = results[number]
    print(f"$ {body.strip()}\n{said}", end="")
    absent = missing(expected, said)
    if absent is not None:
        complaints.append(f"block {number + 1} does not say: {absent}\n$ {body}{said}")
    if code != "0" and not any(line.startswith("error:") for line in expected):
        complaints.append(f"block {number + 1} ends with exit code {code}\n$ {body}{said}")
if not steps:
    complaints.append("the page has no commands")
print("\n".join(complaints) if complaints else f"{len(steps)} blocks of {page.name} do what it says")
sys.exit(1 if complaints else 0)
