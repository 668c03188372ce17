# SPDX-License-Identifier: Apache-2.0
"""Compares our rendering of chat templates with Jinja2's, byte by byte; exits with 1 when anything differs.

    pip install jinja2 transformers
    python tests/chat_template/compare.py --program build/release/bin/isthmus_render_cases [FOLDER or FILE.jinja or .gguf …]
    python tests/chat_template/compare.py --write-fixtures     (renews tests/chat_template/data/*.json)

Without paths it takes the templates of tests/chat_template/data. --random N also compares N random templates. Where
Jinja2 fails, ours must fail too; the messages differ.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

import conversations
import environment
import random_templates

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


def templates(paths):
    """Yields a name and the template's text."""
    for path in paths:
        if os.path.isdir(path):
            yield from templates(sorted(glob.glob(os.path.join(path, "*.jinja"))))
        elif path.endswith(".gguf"):
            import gguf

            field = gguf.GGUFReader(path).fields["tokenizer.chat_template"]
            yield os.path.basename(path), bytes(field.parts[-1]).decode()
        else:
            with open(path, encoding="utf-8", newline="") as file:
                yield os.path.basename(path), file.read()


def ours(program, cases):
    with tempfile.TemporaryDirectory() as folder:
        source, result = os.path.join(folder, "cases"), os.path.join(folder, "results")
        with open(source, "w", encoding="utf-8") as file:
            json.dump([{"template": template, "variables": variables} for template, variables in cases], file)
        subprocess.run([program, source, result], check=True)
        with open(result, encoding="utf-8") as file:
            return json.load(file)


def agree(expected, result):
    return "error" in result if isinstance(expected, Exception) else result.get("text") == expected


def show(name, template, variables, expected, result):
    print(f"DIFFERENT: {name}")
    if len(template) < 2000:
        print("  template:", repr(template))
        print("  variables:", json.dumps(variables, ensure_ascii=False)[:600])
    if isinstance(expected, Exception):
        print(f"  Jinja2 fails: {type(expected).__name__}: {expected}\n  ours: {result.get('text')!r}"[:1500])
    elif "error" in result:
        print(f"  Jinja2: {expected!r}"[:800], f"\n  ours fails: {result['error']}")
    else:
        text = result["text"]
        at = next((i for i, (a, b) in enumerate(zip(expected, text)) if a != b), min(len(expected), len(text)))
        print(f"  from character {at}:\n  Jinja2: …{expected[max(at - 40, 0):at + 80]!r}\n  ours:   …{text[max(at - 40, 0):at + 80]!r}")


def compare(program, title, cases, most_shown):
    """Compares (name, template, variables); returns how many differ."""
    results = ours(program, [(template, variables) for _, template, variables in cases])
    different = failing = 0
    for (name, template, variables), result in zip(cases, results):
        expected = environment.render(template, variables)
        failing += isinstance(expected, Exception)
        if not agree(expected, result):
            different += 1
            if different <= most_shown:
                show(name, template, variables, expected, result)
    rendered = len(cases) - failing
    print(f"{title}: {len(cases)} cases, {rendered} rendered by Jinja2, {failing} refused by it, {different} different")
    return different


def write_lines(name, rows):
    with open(os.path.join(DATA, name), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n")


def with_expected(row, template, variables):
    expected = environment.render(template, variables)
    row["error" if isinstance(expected, Exception) else "text"] = str(expected)
    return row


def write_fixtures():
    """What the C++ tests read, so that they need neither Python nor Jinja2."""
    cases = list(conversations.stored_cases())
    write_lines("conversations.json", [{"name": name, "variables": variables} for name, variables in cases])
    for name, template in templates([DATA]):
        rows = [with_expected({"name": case}, template, variables) for case, variables in cases]
        write_lines(name.removesuffix(".jinja") + ".json", rows)
    rows = [with_expected({"template": template}, template, variables) for _, template, variables in random_templates.cases(0, 400)]
    write_lines("random.json", [{"variables": random_templates.VARIABLES}, *rows])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program")
    parser.add_argument("--random", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5, help="differences shown per template")
    parser.add_argument("--write-fixtures", action="store_true")
    parser.add_argument("paths", nargs="*")
    arguments = parser.parse_args()
    if arguments.write_fixtures:
        return write_fixtures()
    if not arguments.program:
        parser.error("--program is missing")
    count = different = total = 0
    for name, template in templates(arguments.paths or ([] if arguments.random else [DATA])):
        cases = [(f"{name}: {case}", template, variables) for case, variables in conversations.cases()]
        different += compare(arguments.program, name, cases, arguments.show)
        count += 1
        total += len(cases)
    if arguments.random:
        cases = list(random_templates.cases(arguments.seed, arguments.random))
        different += compare(arguments.program, f"random templates (seed {arguments.seed})", cases, arguments.show)
        total += len(cases)
    print(f"in all: {count} templates, {total} cases, {total - different} as Jinja2, {different} different")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
