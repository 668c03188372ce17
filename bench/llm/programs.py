# SPDX-License-Identifier: Apache-2.0
"""Programs that are measured: those that answer line by line, those that run once, and the memory they hold."""
import json
import os
import pathlib
import subprocess
import time

from llamacpp import PeerError


def run(command, **options):
    """What a program prints; an error with its last words if it fails."""
    try:
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, text=True, errors="replace", **options)
    except FileNotFoundError:
        raise PeerError(f"there is no {command[0]}") from None
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-10:])
        raise PeerError(f"{pathlib.Path(command[0]).name} failed with exit code {done.returncode}:\n{tail}")
    return done.stdout


def seconds_of(command):
    """From the start of a process to its end."""
    begun = time.monotonic()
    run(command)
    return time.monotonic() - begun


class Unsupported(Exception):
    """A program cannot do what it was asked: not an error of the run."""


class Turns:
    """A program that answers each line of its standard input with a line of JSON."""

    def __init__(self, command, environment=None):
        self.name = pathlib.Path(command[0]).name
        try:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                            env={**os.environ, **(environment or {})})
        except FileNotFoundError:
            raise PeerError(f"there is no {command[0]}") from None

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            words = self.process.stderr.read().strip().splitlines()[-5:]
            raise PeerError(f"{self.name} ended at '{line}': " + " ".join(words))
        answer = json.loads(answer)
        if "error" in answer:
            raise Unsupported(f"{self.name}: {answer['error']}")
        return answer

    def seconds(self, line):
        return self.ask(line)["seconds"]

    def memory(self):
        """Bytes: most ever resident; resident now from files and private; this process's share of what is shared."""
        status = _numbers(f"/proc/{self.process.pid}/status")
        rollup = _numbers(f"/proc/{self.process.pid}/smaps_rollup")
        return {"peak": status["VmHWM"], "file": status["RssFile"], "private": status["RssAnon"] + status["RssShmem"],
                "pss": rollup["Pss"]}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.process.stdin.close()
            self.process.wait(timeout=20)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def _numbers(path):
    numbers = {}
    for line in pathlib.Path(path).read_text().splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == "kB":
            numbers[words[0].rstrip(":")] = int(words[1]) * 1024
    return numbers
