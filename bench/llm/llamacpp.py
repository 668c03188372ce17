# SPDX-License-Identifier: Apache-2.0
"""Fetches llama.cpp, which the source package llama-cpp-python on PyPI carries whole, and builds what we measure
against. Nothing of it is part of Isthmus: it lives in the user's cache folder. Needs only Python, pip, cmake, ninja
and a C++ compiler."""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

VERSION = "0.3.36"
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
COMMIT = "0c1e57098bba43ac29e6e3b677cdceebdd22334f"  # llama.cpp's own, of the sources in that package
OPTIONS = {
    "CMAKE_BUILD_TYPE": "Release",
    "GGML_NATIVE": "ON",  # this processor's instructions
    "GGML_CPU_REPACK": "ON",
    "GGML_LLAMAFILE": "ON",
    "GGML_OPENMP": "ON",
    "BUILD_SHARED_LIBS": "OFF",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_SERVER": "OFF",
    "LLAMA_BUILD_APP": "OFF",
    "LLAMA_BUILD_UI": "OFF",
    "LLAMA_USE_PREBUILT_UI": "OFF",
    "LLAMA_OPENSSL": "OFF",
}
ROOT = pathlib.Path(__file__).resolve().parents[2]
LOGITS_SOURCE = ROOT / "tests/llm/llamacpp_logits.cpp"
SPEED_SOURCE = ROOT / "bench/llm/llamacpp_speed.cpp"
TURNS_SOURCE = ROOT / "bench/ops/llamacpp_turns.cpp"


class PeerError(Exception):
    """What went wrong, in a sentence for the person at the terminal."""


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "isthmus"


def default_folder():
    return cache_folder() / "peers" / "llama.cpp"


class LlamaCpp:
    """A built llama.cpp in `folder`; `prepare` makes what is missing."""

    def __init__(self, folder=None):
        self.folder = pathlib.Path(folder or default_folder()).resolve()
        self.source = self.folder / f"llama_cpp_python-{VERSION}" / "vendor" / "llama.cpp"
        self.build = self.folder / "build"
        self.bench = self.build / "bin" / "llama-bench"
        self.logits = self.folder / "logits"

    def prepare(self, jobs=2):
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.source / "CMakeLists.txt").exists():
            self._fetch()
        if not self.bench.exists():
            self._build(jobs)
        self._build_program(self.logits, LOGITS_SOURCE)
        return self

    def speed(self):
        """The program that answers bench/llm/compare's questions about whole models."""
        return self._build_program(self.folder / "llamacpp_speed", SPEED_SOURCE)

    def turns(self):
        """The same for products and attention alone."""
        return self._build_program(self.folder / "llamacpp_turns", TURNS_SOURCE)

    def quantize(self):
        """llama.cpp's own program that writes a model file in another format."""
        program = self.build / "bin" / "llama-quantize"
        if not program.exists():
            self._run(["nice", "ninja", "-C", self.build, "-j2", "llama-quantize"], "build llama-quantize")
        return program

    def system_info(self):
        return self._run([self.logits, "--system-info"], "print its system info").strip()

    def _fetch(self):
        _say(f"Fetching llama.cpp (llama-cpp-python {VERSION}, 77 MB) into {self.folder}")
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".fetch.") as work:
            self._run([sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps",
                       "--no-binary", "llama-cpp-python", "--dest", work, f"llama-cpp-python=={VERSION}"],
                      "fetch llama-cpp-python with pip")
            archive = next(pathlib.Path(work).glob("*.tar.gz"))
            found = hashlib.sha256(archive.read_bytes()).hexdigest()
            if found != SHA256:
                raise PeerError(f"{archive.name} is not the expected file: sha256 {found}, expected {SHA256}")
            with tarfile.open(archive) as package:
                members = [m for m in package.getmembers() if m.isfile() or m.isdir()]
                for member in members:
                    member.mtime = time.time()  # ninja never finishes with files from the future
                package.extractall(work, members=members)
            unpacked = pathlib.Path(work) / f"llama_cpp_python-{VERSION}"
            if not (unpacked / "vendor" / "llama.cpp" / "CMakeLists.txt").exists():
                raise PeerError(f"{archive.name} holds no vendor/llama.cpp")
            shutil.move(unpacked, self.folder / unpacked.name)

    def _build(self, jobs):
        _say(f"Building llama.cpp in {self.build} (several minutes)")
        options = [f"-D{key}={value}" for key, value in OPTIONS.items()]
        self._run(["cmake", "-S", self.source, "-B", self.build, "-G", "Ninja", *options], "configure llama.cpp")
        self._run(["nice", "ninja", "-C", self.build, f"-j{jobs}", "llama", "llama-bench"], "build llama.cpp")

    def _build_program(self, program, source):
        if program.exists() and program.stat().st_mtime >= source.stat().st_mtime:
            return program
        archives = [self.build / "src/libllama.a"]
        archives += [self.build / f"ggml/src/libggml{part}.a" for part in ("", "-cpu", "-base")]
        self._run(["g++", "-std=c++20", "-O2", f"-I{self.source / 'include'}", f"-I{self.source / 'ggml/include'}",
                   source, "-o", program, *archives, "-fopenmp", "-lpthread", "-ldl"],
                  f"build {program.name} against llama.cpp")
        return program

    @staticmethod
    def _run(command, purpose):
        try:
            done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  stdin=subprocess.DEVNULL, text=True)
        except FileNotFoundError as missing:
            raise PeerError(f"could not {purpose}: there is no {missing.filename} here") from None
        if done.returncode:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
            raise PeerError(f"could not {purpose} (exit code {done.returncode}); its last words:\n{tail}")
        return done.stdout


def _say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)
