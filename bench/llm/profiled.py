# SPDX-License-Identifier: Apache-2.0
"""For models that miss an aim: which operators take the time, by `isthmus profile`."""
import json

from measure import Session, model_name
from model_sizes import model_sizes
from programs import run
from rows import make_row

TOP = 3


def profile_session(measurer, model, threads, missed):
    sizes, name = model_sizes(model), model_name(model)
    key = f"profile {name} {sizes.format} t{threads}"

    def measure(wanted, store):
        rows = [row for row in store.rows.values()
                if row["name"] == name and row["format"] == sizes.format and row["threads"] == threads]
        phases = [phase for phase in ("prefill", "decode") if any(row["kind"] == phase and missed(row) for row in rows)]
        if not phases:
            return
        printed = json.loads(run([measurer.isthmus, "profile", model, "--threads", threads, "-p", 512, "-n", 16,
                                  "--json"]))
        found = dict(zip(("prefill", "decode"), printed["phases"]))
        row = make_row(key, "profile", name, sizes.format, threads, "")
        row["sentence"] = "; ".join(f"{phase}: {sentence(found[phase])}" for phase in phases) + "."
        yield row

    return Session([key], 2 + sizes.products_per_token / 4e8, measure, needs_store=True)


def sentence(phase):
    """The operators that take most, each with its part of the time and of its own limit."""
    parts = {}
    for row in phase["rows"]:
        seconds, reached = parts.get(row["operator"], (0, 0))
        parts[row["operator"]] = (seconds + row["seconds"], reached + row["seconds"] * row["share_of_limit"])
    most = sorted(parts.items(), key=lambda item: -item[1][0])[:TOP]
    words = [f"`{name}` {100 * seconds / phase['seconds']:.0f} % of the time at {100 * reached / seconds:.0f} % of "
             "its limit" for name, (seconds, reached) in most]
    idle = 1 - phase["busy_seconds"] / phase["seconds"]
    return ", ".join(words) + f", {100 * max(idle, 0):.0f} % in no operator"
