# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles the C tests of the forwarding core and the relay into tests/core/bin, when something has changed."""
from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BIN = HERE / "bin"
CORPUS = HERE / "corpus"
FLAGS = ["-std=gnu11", "-g", "-O1", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fno-strict-aliasing",
         "-fno-omit-frame-pointer", "-pthread"]
LIBRARIES = ["-lm", "-lcrypto"]
MEMORY_CHECKED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
RACES_CHECKED = ["-fsanitize=thread"]
FUZZED = ["-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]
SUPPORT = [HERE / "check.c", HERE / "support.c", HERE / "media.c"]
PROGRAMS = ("drive.c", "edit.c", "replay.c", "stress.c")
TESTS = sorted(path for path in HERE.glob("*.c")
               if path.name not in PROGRAMS and not path.name.startswith("fuzz_"))
FUZZ_TARGETS = sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.c"))


def product() -> list[Path]:
    """The C files under test."""
    return [path for folder in ("kmod/core", "kmod/selftest", "controlplane/relay")
            for path in sorted((ROOT / folder).glob("[!_]*.c"))]


def clang() -> str | None:
    """The compiler that has libFuzzer, or None."""
    for name in ("clang-14", "clang"):
        found = shutil.which(name)
        if found and _has_fuzzer(found):
            return found
    return None


def _has_fuzzer(compiler: str) -> bool:
    source = "#include <stddef.h>\nint LLVMFuzzerTestOneInput(const char *d, size_t n) { (void)d; (void)n; return 0; }"
    run = subprocess.run([compiler, "-fsanitize=fuzzer", "-x", "c", "-", "-o", os.devnull], input=source, text=True,
                         capture_output=True)
    return run.returncode == 0


@contextmanager
def _locked() -> Iterator[None]:
    BIN.mkdir(exist_ok=True)
    with open(BIN / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_current(made: Path) -> bool:
    inputs = [*product(), *HERE.glob("*.[ch]"), *(ROOT / "kmod").glob("*/*.h"),
              *(ROOT / "controlplane/relay").glob("*.h"), Path(__file__)]
    return made.exists() and made.stat().st_mtime > max(path.stat().st_mtime for path in inputs)


def _run(command: list[str], directory: Path) -> None:
    run = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if run.returncode:
        raise AssertionError(f"{' '.join(command)}\n{run.stderr}")


def _objects(compiler: str, flags: list[str]) -> list[str]:
    """The product, compiled once for each set of flags."""
    folder = BIN / "-".join([Path(compiler).name, *(flag.split("=")[-1].replace(",", "-") for flag in flags)])
    done = folder / "done"
    if not _is_current(done):
        folder.mkdir(exist_ok=True)
        _run([compiler, *FLAGS, *flags, "-c", *map(str, product())], folder)
        done.touch()
    return [str(folder / path.with_suffix(".o").name) for path in product()]


def compiled(name: str, sources: list[Path], flags: list[str], compiler: str = "gcc",
             link: tuple[str, ...] = ()) -> Path:
    """The binary made of ``sources`` and the product. AssertionError, with the compiler's words, if it fails."""
    binary = BIN / name
    with _locked():
        if not _is_current(binary):
            objects = _objects(compiler, flags)
            _run([compiler, *FLAGS, *flags, *link, *map(str, sources), *objects, *LIBRARIES, "-o", str(binary)], ROOT)
    return binary


def run_tests() -> Path:
    """All TESTs, watched for memory errors, leaks and undefined behaviour."""
    return compiled("run", TESTS, MEMORY_CHECKED, link=("-Wl,--wrap=malloc,--wrap=calloc,--wrap=aligned_alloc",))
