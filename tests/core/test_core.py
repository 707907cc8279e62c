# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs each TEST of the C files in this directory under AddressSanitizer and UndefinedBehaviorSanitizer."""
from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.core import build

NAMES = sorted(name for path in build.TESTS for name in re.findall(r"^TEST\((\w+)\)", path.read_text(), re.MULTILINE))


def _races_checked(binary: str | Path, *words: str) -> list[str]:
    """A command line; ThreadSanitizer has no room for itself if the kernel spreads a program too far in its memory."""
    calm = ["setarch", "-R"]
    if not shutil.which(calm[0]) or subprocess.run([*calm, "true"], capture_output=True).returncode:
        calm = []
    return [*calm, str(binary), *words]


def _check(process: subprocess.CompletedProcess[str]) -> None:
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize("name", NAMES)
def test_core(name: str) -> None:
    _check(subprocess.run([build.run_tests(), name], capture_output=True, text=True, timeout=400))


@pytest.mark.parametrize("name", [name for name in NAMES if "_threads_" in name])
def test_races(name: str) -> None:
    """Those with threads of their own once more, under ThreadSanitizer."""
    sources = [build.HERE / f"{stem}.c" for stem in ("windows", "sources", "srtp_threads", "run")]
    binary = build.compiled("races", [*sources, *build.SUPPORT], build.RACES_CHECKED)
    _check(subprocess.run(_races_checked(binary, name), capture_output=True, text=True, timeout=400,
                          env={"TSAN_OPTIONS": "halt_on_error=1"}))


@pytest.mark.parametrize(("label", "flags"), [("memory", build.MEMORY_CHECKED), ("races", build.RACES_CHECKED)])
def test_stress(label: str, flags: list[str]) -> None:
    """Traffic and every kind of change at the same time."""
    binary = build.compiled(f"stress-{label}", [build.HERE / "stress.c", *build.SUPPORT], flags)
    options = {"TSAN_OPTIONS": f"halt_on_error=1 history_size=4 suppressions={build.HERE / 'tsan.txt'}"}
    _check(subprocess.run(_races_checked(binary, "2"), capture_output=True, text=True, timeout=400, env=options))
