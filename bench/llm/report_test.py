#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What bench/llm/compare makes of measured rows: ratios, shares, aims, tables, and a file to go on from."""
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from aims import aims_of  # noqa: E402
from measure import Session  # noqa: E402
from reasons import why  # noqa: E402
from report import missed, report, speed_table  # noqa: E402
from rows import Store, make_row, ratio, share  # noqa: E402

HEAD = {"machine": "2 processors", "peer": "llama.cpp 0", "rounds": 3}


def speed_row(key="k", kind="prefill", format="Q8_0", ours=(500, 520, 480), theirs=(100, 200, 300),
              limit=(1000, 1040, 800)):
    return make_row(key, kind, "a model", format, 2, "tokens/s", limit_name="int8") | {
        "ours": list(ours), "theirs": {"llama.cpp": list(theirs)}, "limit": list(limit)}


class Rows(unittest.TestCase):
    def test_ratio_is_of_medians_and_share_is_the_median_of_rounds(self):
        self.assertEqual(ratio(speed_row()), 500 / 200)
        self.assertEqual(share(speed_row()), 0.5)

    def test_less_is_better_for_seconds(self):
        row = speed_row(kind="first token", ours=[0.5], theirs=[1.5], limit=[]) | {"less_is_better": True}
        self.assertEqual(ratio(row), 3)
        self.assertIsNone(share(row))

    def test_a_run_goes_on_where_it_stopped(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "rows.json"
            Store(path, HEAD).add(speed_row("model a t1"))
            again = Store(path, HEAD)
            self.assertEqual(again.rows["model a t1"]["ours"], [500, 520, 480])
            session = Session(["model a t1", "model a t2", "depth a t1"], 1, None)
            self.assertEqual(session.wanted(again, None), ["model a t2", "depth a t1"])
            self.assertEqual(session.wanted(again, re.compile("^depth")), ["depth a t1"])


class Aims(unittest.TestCase):
    def test_of_format_and_of_any(self):
        self.assertEqual(aims_of(speed_row()), (2.5, 0.5))
        self.assertEqual(aims_of(speed_row(format="F16")), (None, None))
        self.assertEqual(aims_of(speed_row(kind="decode", format="Q4_0")), (1.2, 0.85))
        self.assertEqual(aims_of(speed_row(kind="decode", format="Q4_0") | {"threads": 1}), (1.2, 0.90))

    def test_missed_by_either(self):
        self.assertFalse(missed(speed_row()))
        self.assertTrue(missed(speed_row(theirs=[250])))
        self.assertTrue(missed(speed_row(limit=[2000, 2000, 2000])))


class Reasons(unittest.TestCase):
    def test_a_peer_at_the_limit_is_the_reason_only_where_it_is(self):
        near, far = speed_row(kind="decode", theirs=[800] * 3), speed_row(kind="decode", theirs=[450] * 3)
        self.assertIn("near the limit", why(near, "ratio"))
        self.assertNotIn("near the limit", why(far, "ratio"))
        self.assertIsNone(why(speed_row(kind="first token"), "share"))

    def test_each_reason_is_told_once_and_numbered(self):
        rows = [speed_row(limit=[2000] * 3), speed_row(limit=[2000] * 3), speed_row(kind="unknown")]
        table = "\n".join(speed_table(rows))
        self.assertEqual(table.count("✗ (1)"), 2)
        self.assertEqual(table.count("1. "), 1)


class Tables(unittest.TestCase):
    def test_ticks_and_misses(self):
        table = "\n".join(speed_table([speed_row(), speed_row(theirs=[400, 400, 400])]))
        self.assertIn("| 2.50 | 2.50 ✓ |", table)
        self.assertIn("| 1.25 | 2.50 ✗ (1) |", table)
        self.assertIn("1. llama.cpp itself", table)
        self.assertIn("| 50 % | 50 % ✓ |", table)

    def test_every_line_of_a_table_has_its_columns(self):
        store = Store("/nonexistent/rows.json", HEAD)
        parts = {part: 1.0 for part in ("peak", "file", "private", "pss")}
        rows = [speed_row("1"), speed_row("2", "decode"), speed_row("3", "product, 512 rows", "F32"),
                speed_row("4", "first token", limit=[]) | {"less_is_better": True},
                speed_row("5", "memory") | {"less_is_better": True, "parts": {"ours": parts, "llama.cpp": parts}},
                speed_row("6", "perplexity", ours=[10.01], limit=[10.0]) | {"tensors": "Q8_0"},
                speed_row("7", "profile") | {"sentence": "all of it"}]
        rows[2]["theirs"]["oneDNN"] = [510, 510, 510]
        store.rows = {row["key"]: row for row in rows}
        text = report(store)
        for heading in ("Products alone", "Reading a prompt", "Decoding one", "first token", "Memory", "Perplexity"):
            self.assertRegex(text, f"### .*{heading}")
        for block in text.split("\n\n"):
            if block.startswith("|"):
                self.assertEqual(len({line.count("|") for line in block.splitlines()}), 1, block)
        self.assertIn("+0.10% | 0.2% ✓", text)
        self.assertIn("| 0.98 | 0.95 ✓ |", text)


if __name__ == "__main__":
    unittest.main()
