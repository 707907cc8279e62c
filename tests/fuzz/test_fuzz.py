# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fuzz target: its seeds always, the fuzzer for a few seconds, or RTPENGINE_FUZZ_SECONDS.

An input that fails is kept in tests/fuzz/corpus/<target>/; from then on it is one of the seeds.
"""
from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.fuzz import seeds
from tests.fuzz.__main__ import TARGETS
from tests.peers.daemon import ROOT

SECONDS = int(os.environ.get("RTPENGINE_FUZZ_SECONDS", "3"))
KEPT = Path(__file__).parent / "corpus"
LIMITS = ("-max_len=8192", "-timeout=60", "-rss_limit_mb=1024")
"""An input that takes this many seconds, or a process that grows to this many megabytes, is a finding."""
every_target = pytest.mark.parametrize("target", TARGETS)


def run(target: str, inputs: Iterable[bytes], directory: Path) -> None:
    """The target with these inputs, in a process of its own: targets change loggers and time limits."""
    for data in inputs:
        (directory / hashlib.sha1(data).hexdigest()).write_bytes(data)
    done = subprocess.run([sys.executable, "-m", "tests.fuzz", "--once", target, str(directory)], cwd=ROOT,
                          capture_output=True, text=True, errors="replace", timeout=500)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.split()[-2:] == [str(len(list(directory.iterdir()))), "inputs"]


def kept(target: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((KEPT / target).glob("*"))]


@every_target
def test_seeds(target: str, tmp_path: Path) -> None:
    run(target, (b"", b"\x00", *seeds.from_tests(target), *kept(target)), tmp_path)


@every_target
def test_recorded_messages(target: str, tmp_path: Path) -> None:
    found = seeds.from_recordings(target)
    if not found:
        pytest.skip("RTPENGINE_VECTORS names no directory with dialogues that have anything of this kind")
    run(target, found, tmp_path)


@every_target
@pytest.mark.timeout(SECONDS + 150)
def test_fuzz(target: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("needs the Python package atheris")
    start, words = tmp_path / "start", tmp_path / "words"
    start.mkdir()
    for data in (*seeds.from_tests(target), *seeds.from_recordings(target), *kept(target)):
        (start / hashlib.sha1(data).hexdigest()).write_bytes(data)
    words.write_text(seeds.dictionary())
    found = ROOT / "build" / "fuzz" / f"python-{target}"
    for directory in (found, KEPT / target):
        directory.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", target, str(found), str(start), *LIMITS, f"-dict={words}",
         f"-max_total_time={SECONDS}", "-print_final_stats=1", f"-artifact_prefix={KEPT / target}/"],
        cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=SECONDS + 140)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    assert runs and int(runs[1]) > 0, done.stderr[-2000:]
    print(f"{target}: {runs[1]} inputs in {SECONDS} s")
