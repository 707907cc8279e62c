# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of traps is complete and its tests exist; and what must not be in the module is not."""
import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import tests.engines.table  # noqa: F401 - fills TABLE
from tests.core.test_core import NAMES
from tests.engines.scenario import TABLE
from tests.kernel.boots import case_names
from tests.kernel.build import ROOT, Built
from tests.kernel.traps import TRAPS

EXPECTED = {str(n) for n in range(1, 26)} | {f"T{n}" for n in range(1, 29)}
KMOD = ROOT / "kmod"


def functions(path: Path) -> set[str]:
    """Names at the top of a file."""
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)}


def exists(name: str) -> bool:
    """Whether there is such a test."""
    kind, _, rest = name.partition(":")
    if kind == "guest":
        return rest in case_names(rest.partition(":")[0])
    if kind == "core":
        return rest in NAMES
    if kind == "scenario":
        return rest in TABLE
    if kind == "attack":
        file, _, function = rest.partition(":")
        return function in functions(ROOT / f"tests/attack/test_{file}.py")
    return rest in functions(ROOT / kind)


def test_every_trap_has_its_tests() -> None:
    assert set(TRAPS) == EXPECTED
    missing = [(number, name) for number, trap in TRAPS.items() for name in trap.tests if not exists(name)]
    assert not missing and all(trap.tests for trap in TRAPS.values())


def test_no_kernel_version_is_asked_for() -> None:
    """Trap 15: distributions bring functions of later kernels to earlier ones."""
    sources = [path for path in KMOD.rglob("*") if path.suffix in (".c", ".h") or path.name in ("Kbuild", "Makefile")]
    asking = [path for path in sources if re.search(r"LINUX_VERSION_CODE|KERNEL_VERSION\(|RHEL_RELEASE",
                                                    path.read_text(encoding="utf-8"))]
    assert len(sources) > 50 and not asking


@pytest.mark.kernel
@pytest.mark.timeout(2000)
def test_no_threads_and_no_timers(built: Built) -> None:
    """Traps 19 and 20: nothing runs by itself, but RCU and work queues clean up behind what was removed."""
    done = subprocess.run(["nm", "-u", str(built.module)], capture_output=True, text=True, check=True)
    wanted = {line.split()[1] for line in done.stdout.splitlines()}
    assert "call_rcu" in wanted or "queue_rcu_work" in wanted
    assert not [name for name in wanted if re.match(r"kthread|mod_timer|add_timer|timer_reduce|hrtimer|tasklet", name)]


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
def test_core_divides_no_64_bits_itself(tmp_path: Path) -> None:
    """Trap 14: compiled for 32 bits, the core calls no division of libgcc, which kernels do not have."""
    (tmp_path / "gnu").mkdir()
    (tmp_path / "gnu" / "stubs-32.h").touch()
    shutil.copytree(KMOD / "core", tmp_path / "kmod/core")
    shutil.copytree(KMOD / "uapi", tmp_path / "kmod/uapi")
    port = tmp_path / "kmod/core/port.h"
    text = port.read_text(encoding="utf-8")
    ours = "#define rtpe_div64(n, d) ((u64)(n) / (d))"
    assert ours in text
    port.write_text(text.replace(ours, "u64 rtpe_div64(u64 n, u32 d);"), encoding="utf-8")
    multiarch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True, check=True).stdout.strip()
    called = set()
    for source in sorted((tmp_path / "kmod/core").glob("*.c")):
        made = source.with_suffix(".o")
        subprocess.run(["gcc", "-m32", "-march=i686", "-std=gnu11", "-O2", "-D_GNU_SOURCE", f"-I{tmp_path}",
                        "-idirafter", f"/usr/include/{multiarch}", "-fno-strict-aliasing", "-c", str(source),
                        "-o", str(made)], check=True)
        called |= set(subprocess.run(["nm", "-u", str(made)], capture_output=True, text=True, check=True)
                      .stdout.split())
    assert "rtpe_div64" in called
    assert not [name for name in called if re.match(r"__u?(div|mod)", name)]
