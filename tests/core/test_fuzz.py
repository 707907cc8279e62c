# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzzes the entries of the C code: a few seconds each, or RTPENGINE_FUZZ_SECONDS.

An input that crashes is kept in tests/core/corpus/<target>/; from then on test_corpus runs it with any compiler.
"""
from __future__ import annotations

import os
import subprocess

import pytest

from tests.core import build

SECONDS = int(os.environ.get("RTPENGINE_FUZZ_SECONDS", "5"))


@pytest.mark.parametrize("target", build.FUZZ_TARGETS)
def test_corpus(target: str) -> None:
    sources = [build.HERE / f"fuzz_{target}.c", build.HERE / "replay.c", *build.SUPPORT]
    binary = build.compiled(f"replay-{target}", sources, build.MEMORY_CHECKED)
    inputs = sorted(map(str, (build.CORPUS / target).iterdir()))
    assert inputs
    run = subprocess.run([binary, *inputs], capture_output=True, text=True, timeout=400)
    assert run.returncode == 0, run.stderr


@pytest.mark.timeout(SECONDS + 600)
@pytest.mark.parametrize("target", build.FUZZ_TARGETS)
def test_fuzz(target: str) -> None:
    compiler = build.clang()
    if compiler is None:
        pytest.skip("needs clang with libFuzzer (packages clang-14, libclang-rt-14-dev)")
    sources = [build.HERE / f"fuzz_{target}.c", *build.SUPPORT]
    binary = build.compiled(f"fuzz-{target}", sources, build.FUZZED, compiler)
    found = build.ROOT / "build" / "fuzz" / target
    found.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(
        [binary, f"-max_total_time={SECONDS}", "-max_len=8192", "-timeout=25", "-print_final_stats=1",
         f"-artifact_prefix={build.CORPUS / target}/", str(found), str(build.CORPUS / target)],
        capture_output=True, text=True, timeout=SECONDS + 500)
    assert run.returncode == 0, run.stderr[-4000:]
