# SPDX-License-Identifier: Apache-2.0
"""What bench/llm/compare measures: sessions, each of programs that stay loaded and take turns, and the rows they give."""
import contextlib
import dataclasses
import json
import pathlib
import tempfile
import time

from model_sizes import model_sizes
from programs import Turns, Unsupported, run, seconds_of
from rows import make_row

PROMPT = 512
TEXT = "The lighthouse keeper wrote down every ship that passed, and at the end of the year he counted them. Why?"
LIMIT_SECONDS = 0.1


@dataclasses.dataclass
class Session:
    """Rows that one set of programs gives. `measure(wanted)` yields each row of `wanted` keys when it is whole."""
    keys: list
    cost: float  # seconds it takes, roughly: for the time left
    measure: object
    needs_store: bool = False  # measure also takes the rows measured so far

    def wanted(self, store, chosen):
        return [key for key in self.keys if key not in store and (not chosen or chosen.search(key))]


class Measurer:
    def __init__(self, folder, peer, rounds, threads):
        self.folder, self.peer, self.rounds = pathlib.Path(folder), peer, rounds
        self.isthmus = self.folder / "isthmus"
        self.threads = threads

    # -- turns --

    def alternate(self, parties, rounds=None):
        """parties: functions that give one sample each. Gives their samples; who begins changes every round."""
        samples = [[] for _ in parties]
        for number in range(rounds or self.rounds):
            order = list(enumerate(parties))
            for index, party in order if number % 2 == 0 else reversed(order):
                samples[index].append(party())
        return samples

    def faster_flash(self, peer, line):
        """Whether flash attention makes the peer faster at this, tried once each after a first run."""
        times = {}
        for flash in ("off", "on"):
            peer.ask(f"flash {flash}")
            try:
                peer.ask(line)
                times[flash] = peer.seconds(line)
            except Unsupported:
                pass
        return min(times, key=times.get)

    # -- products and attention alone --

    PRODUCT_FORMATS = ("Q4_0", "Q4_1", "Q4_K", "Q6_K", "Q8_0", "MXFP4", "BF16", "F16", "F32")
    PRODUCT_SHAPES = ((2048, 2048), (2048, 8192))  # steps of a sum, outputs; the second: an MLP's of Llama-3.2-1B
    HEADS = (16, 8, 128)

    def operator_sessions(self):
        for threads in self.threads:
            keys = [f"operator product {format} {rows} {k}x{n} t{threads}" for format in self.PRODUCT_FORMATS
                    for k, n in self.PRODUCT_SHAPES for rows in (512, 1)]
            keys += [f"operator attention {format} {tokens} {context} t{threads}" for format in ("F16", "Q8_0")
                     for tokens, context in ((512, 512), (1, 4096), (1, 16384))]
            yield Session(keys, 2.5 * len(keys), lambda wanted, threads=threads: self.operators(threads, wanted))

    def operators(self, threads, wanted):
        onednn = self.folder / "onednn_turns"
        with contextlib.ExitStack() as stack:
            ours = stack.enter_context(Turns([self.folder / "op_turns", threads]))
            theirs = {"llama.cpp": stack.enter_context(Turns([self.peer.turns(), threads]))}
            if onednn.exists():
                theirs["oneDNN"] = stack.enter_context(Turns([onednn], {"OMP_NUM_THREADS": str(threads)}))
            for key in wanted:
                _, what, format, rows, rest, _ = (key + " ").split(" ", 5)
                measure = self.product if what == "product" else self.attention
                row = measure(key, threads, format, int(rows), rest, ours, theirs)
                if row:
                    yield row

    def product(self, key, threads, format, rows, shape, ours, theirs):
        k, n = (int(word) for word in shape.split("x"))
        line = f"product {format} {rows} {k} {n}"
        work = 2 * rows * k * n
        limit = "read" if rows == 1 else {"BF16": "bf16", "F16": "f32", "F32": "f32"}.get(format, "int8")
        row = make_row(key, "product, 512 rows" if rows == 512 else "product, 1 row", shape.replace("x", " x "), format,
                       threads, "GFLOP/s" if rows > 1 else "GB/s", limit_name=limit)
        peers = {name: peer for name, peer in theirs.items() if name != "oneDNN" or format in ("F32", "BF16")}
        return self.operator_row(row, line, limit, work if rows > 1 else None, ours, peers)

    def attention(self, key, threads, format, tokens, context, ours, theirs):
        heads, kv_heads, width = self.HEADS
        context = int(context)
        line = f"attention {format} {tokens} {context} {heads} {kv_heads} {width}"
        seen = tokens * (2 * context - tokens + 1) / 2
        limit = "read" if tokens == 1 else "bf16"
        row = make_row(key, "attention, 1 query" if tokens == 1 else "attention, prefill",
                       f"{tokens} of {context} positions", format, threads, "GFLOP/s" if tokens > 1 else "GB/s",
                       limit_name=limit)
        peer = theirs["llama.cpp"]
        row["flash"] = self.faster_flash(peer, f"{line} 0.05")
        peer.ask(f"flash {row['flash']}")
        return self.operator_row(row, line, limit, 4 * seen * heads * width if tokens > 1 else None, ours,
                                 {"llama.cpp": peer})

    def operator_row(self, row, line, limit, work, ours, theirs):
        """Rates of work, or, without work, of the bytes each program itself reads."""
        def rate(program):
            answer = program.ask(f"{line} 0.1")
            return (work or answer["bytes"]) / answer["seconds"] / 1e9
        try:
            rate(ours)
        except Unsupported as reason:
            print(f"left out: {reason}")
            return None

        def mine():
            value = rate(ours)
            row["limit"].append(ours.ask(f"limit {limit} 0.05")["per_second"] / 1e9)
            return value
        parties = [mine] + [lambda program=program: rate(program) for program in theirs.values()]
        row["ours"], *others = self.alternate(parties)
        row["theirs"] = dict(zip(theirs, others))
        return row

    # -- whole models --

    def model_session(self, model, threads):
        sizes, name = model_sizes(model), model_name(model)
        keys = [f"model {name} {sizes.format} {kind} t{threads}" for kind in
                ("prefill", "decode", "decode, resident", "decode, 8 sequences")]
        work = sizes.products_per_token / 1e9
        cost = 6 + 2 * work + self.rounds * (2 + work * (12 if threads == 1 else 7))
        return Session(keys, cost, lambda wanted: self.whole_model(model, sizes, threads, wanted))

    def whole_model(self, model, sizes, threads, wanted):
        name = model_name(model)
        tokens = 32 if sizes.bytes_per_token > 2e8 else 96
        ours_command = [self.isthmus, "bench", model, "--turns", "--threads", threads, "-p", PROMPT, "-n", tokens,
                        "--sequences", 8]
        peak = {"F32": "f32", "F16": "f32", "BF16": "bf16"}.get(sizes.format, "int8")
        lines = {"prefill": f"prefill {PROMPT}", "decode": f"decode {tokens} 0 1",
                 "decode, resident": f"decode {tokens} 0 1", "decode, 8 sequences": f"decode {tokens // 2} 0 8"}
        produced = {"prefill": PROMPT, "decode": tokens, "decode, resident": tokens,
                    "decode, 8 sequences": tokens // 2 * 8}
        tries = {"prefill": "prefill 64", "decode, 8 sequences": "decode 4 0 8"}
        rows = {}
        for key in wanted:
            kind = next(kind for kind in lines if key.endswith(f" {kind} t{threads}"))
            limit = peak if kind == "prefill" else "read" if kind == "decode, resident" else "read_4kib"
            rows[kind] = make_row(key, kind, name, sizes.format, threads, "tokens/s", limit_name=limit, theirs={
                "llama.cpp": []})
        with contextlib.ExitStack() as stack:
            peer = stack.enter_context(Turns([self.peer.speed(), model, threads, PROMPT + tokens]))
            ours = stack.enter_context(Turns(ours_command))
            resident = "decode, resident" in rows and stack.enter_context(Turns([*ours_command, "--weights",
                                                                                  "resident"]))
            for program in (ours, resident):
                if program:
                    for line in tries.values():
                        program.ask(line)
            for kind, row in rows.items():
                row["flash"] = self.faster_flash(peer, tries.get(kind, "decode 8 0 1"))
            spent = dict.fromkeys(rows, 0)
            for number in range(self.rounds):
                for kind, row in rows.items():
                    if enough(number, spent[kind]):
                        continue
                    begun = time.monotonic()
                    program = resident if kind == "decode, resident" else ours

                    def mine():
                        row["ours"].append(produced[kind] / program.seconds(lines[kind]))
                        # At once: machines shared with others change within seconds. A step reads all weights once.
                        per_second = program.ask(f"limit {row['limit_name']} {LIMIT_SECONDS}")["per_second"]
                        row["limit"].append(per_second / (2 * sizes.products_per_token) if kind == "prefill" else
                                            per_second / sizes.bytes_per_token * (8 if "8" in kind else 1))
                    turns = [mine]
                    if kind == "decode, resident" and "decode" in rows:  # llama.cpp has one mode, measured above
                        row["theirs"] = rows["decode"]["theirs"]
                    else:
                        peer.ask(f"flash {row['flash']}")
                        turns.append(lambda: row["theirs"]["llama.cpp"].append(
                            produced[kind] / peer.seconds(lines[kind])))
                    for turn in turns if number % 2 == 0 else reversed(turns):
                        turn()
                    spent[kind] += time.monotonic() - begun
        yield from rows.values()

    # -- long contexts --

    def depth_session(self, model, threads, depth):
        sizes, name = model_sizes(model), model_name(model)
        key = f"depth {name} {sizes.format} {depth} t{threads}"
        cost = 8 + self.rounds * 3 * depth * sizes.cache_bytes / 2e9
        return Session([key], cost, lambda wanted: self.at_depth(key, model, sizes, threads, depth))

    def at_depth(self, key, model, sizes, threads, depth):
        tokens = 16 if depth < 10000 else 8
        line = f"decode {tokens} {depth} 1"
        row = make_row(key, "decode at depth", f"{model_name(model)} after {depth}", sizes.format, threads, "tokens/s",
                       limit_name="read_4kib")
        with Turns([self.isthmus, "bench", model, "--turns", "--threads", threads, "-n", 64, "-d", depth]) as ours, \
                Turns([self.peer.speed(), model, threads, depth + 512]) as peer:
            ours.ask(f"decode 2 {depth} 1")
            row["flash"] = self.faster_flash(peer, f"decode 2 {depth} 1")
            peer.ask(f"flash {row['flash']}")
            read = sizes.bytes_per_token + depth * sizes.cache_bytes

            def mine():
                value = tokens / ours.seconds(line)
                row["limit"].append(ours.ask(f"limit read_4kib {LIMIT_SECONDS}")["per_second"] / read)
                return value
            row["ours"], theirs = self.alternate([mine, lambda: tokens / peer.seconds(line)])
            row["theirs"]["llama.cpp"] = theirs
        yield row

    # -- start and memory --

    def start_session(self, model, threads):
        sizes, name = model_sizes(model), model_name(model)
        key = f"start {name} {sizes.format} t{threads}"
        return Session([key], 1 + self.rounds * (1 + sizes.bytes_per_token / 4e8),
                       lambda wanted: self.start(key, model, sizes, threads))

    def start(self, key, model, sizes, threads):
        row = make_row(key, "first token", model_name(model), sizes.format, threads, "s", less_is_better=True)
        mine = [self.isthmus, "run", model, TEXT, "--raw", "-n", 1, "--temperature", 0, "--threads", threads]
        his = [self.peer.speed(), model, threads, "--first-token", TEXT]
        seconds_of(mine)  # the page cache is warm, weights are packed
        seconds_of(his)
        row["ours"], theirs = self.alternate([lambda: seconds_of(mine), lambda: seconds_of(his)])
        row["theirs"]["llama.cpp"] = theirs
        yield row

    def memory_session(self, model, threads):
        sizes, name = model_sizes(model), model_name(model)
        key = f"memory {name} {sizes.format} t{threads}"
        return Session([key], 4 + 6 * sizes.products_per_token / 1e9 + sizes.bytes_per_token / 3e8,
                       lambda wanted: self.memory(key, model, sizes, threads))

    def memory(self, key, model, sizes, threads):
        row = make_row(key, "memory", model_name(model), sizes.format, threads, "MB", less_is_better=True)
        context = 640
        commands = {"ours": [self.isthmus, "bench", model, "--turns", "--threads", threads, "--context", context,
                             "-n", 64],
                    "llama.cpp": [self.peer.speed(), model, threads, context]}
        parts = {}
        for who, command in commands.items():
            with Turns(command) as first:
                self.work_once(first)
                alone = first.memory()
                with Turns(command) as second:
                    self.work_once(second)
                    alone["two"] = first.memory()["pss"] + second.memory()["pss"]
            parts[who] = {part: size / 1e6 for part, size in alone.items()}
        row["parts"] = parts
        row["ours"], row["theirs"]["llama.cpp"] = [parts["ours"]["two"]], [parts["llama.cpp"]["two"]]
        row["limit"] = [(model.stat().st_size + 2 * context * sizes.cache_bytes) / 1e6]
        yield row

    def work_once(self, program):
        program.ask(f"prefill {PROMPT}")
        program.ask("decode 8 0 1")

    # -- perplexity --

    def perplexity_session(self, model, format, f32, texts, dequantise):
        key = f"perplexity {format}"
        return Session([key], 25, lambda wanted: self.perplexity(key, model, format, f32, texts, dequantise))

    def perplexity(self, key, model, format, f32, texts, dequantise):
        row = make_row(key, "perplexity", "SmolLM2-135M", format, max(self.threads), "perplexity", less_is_better=True)
        with tempfile.TemporaryDirectory() as work:
            work = pathlib.Path(work)
            if model is None:
                model = work / f"{format}.gguf"
                names = {"Q4_K": "Q4_K_S", "MXFP4": "MXFP4_MOE"}
                options = ["--pure"] if format != "MXFP4" else [
                    "--tensor-type", "attn=mxfp4", "--tensor-type", "ffn=mxfp4", "--token-embedding-type", "q8_0"]
                run([self.peer.quantize(), *options, f32, model, names.get(format, format)])
            reference = work / "reference.gguf"
            dequantise(model, reference)
            text = work / "text.txt"
            text.write_text("\n\n".join(path.read_text() for path in texts))
            for name, file in (("ours", model), ("reference", reference)):
                printed = run([self.isthmus, "perplexity", file, "--file", text, "--context", 1024, "--json",
                               "--packed-cache", "off"])
                row[name] = [json.loads(printed)["perplexity"]]
            row["limit"] = row.pop("reference")
            row["tensors"] = model_sizes(model).format
        yield row


def enough(rounds, seconds):
    """A big model's prompt takes half a minute on one thread: slow rows do with two rounds, the slowest with one."""
    return rounds >= 2 and seconds > 8 or rounds >= 1 and seconds > 20


def model_name(path):
    return path.name.removesuffix(".gguf").rsplit(".", 1)[0] if path.name.count(".") > 1 else path.stem
