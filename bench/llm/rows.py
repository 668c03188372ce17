# SPDX-License-Identifier: Apache-2.0
"""Rows of measurements: kept in a file as they come, so that a run that was cut short goes on where it was."""
import json
import os
import pathlib
import statistics


class Store:
    """Rows by key, written to a file at each change."""

    def __init__(self, path, head):
        self.path = pathlib.Path(path)
        self.head, self.rows = head, {}
        if self.path.exists():
            document = json.loads(self.path.read_text())
            self.head = document["head"] | head
            self.rows = {row["key"]: row for row in document["rows"]}

    def __contains__(self, key):
        return key in self.rows

    def add(self, row):
        self.rows[row["key"]] = row
        unfinished = self.path.with_suffix(".part")
        unfinished.write_text(json.dumps({"head": self.head, "rows": list(self.rows.values())}, indent=1))
        os.replace(unfinished, self.path)


def make_row(key, kind, name, format, threads, unit, **more):
    """`ours`, `theirs` (by program) and `limit` are samples in `unit`, one a round; `limit` in the same unit."""
    return {"key": key, "kind": kind, "name": name, "format": format, "threads": threads, "unit": unit,
            "ours": [], "theirs": {}, "limit": [], **more}


def median(values):
    return statistics.median(values) if values else None


def ratio(row, peer="llama.cpp"):
    """How many times better than the peer: more per second, or less of a row that counts seconds or bytes."""
    ours, theirs = median(row["ours"]), median(row["theirs"].get(peer))
    if not ours or not theirs:
        return None
    return theirs / ours if row.get("less_is_better") else ours / theirs


def share(row, samples=None):
    """Of the limit, round by round, since machines shared with others change within seconds."""
    samples = row["ours"] if samples is None else samples
    if row.get("less_is_better"):
        return median([limit / value for value, limit in zip(samples, row["limit"])])
    return median([value / limit for value, limit in zip(samples, row["limit"]) if limit])
