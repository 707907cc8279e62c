# SPDX-License-Identifier: GPL-3.0-or-later
"""What README shows is what works."""
from __future__ import annotations

import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.peers import debian
from tests.peers.daemon import ROOT

pytestmark = pytest.mark.e2e
README = (ROOT / "README.md").read_text()
PROXY = (Path(__file__).parent / "kamailio.cfg").read_text()


def snippet() -> str:
    """The configuration below the heading about Kamailio."""
    section = README.split("## With Kamailio\n")[1].split("\n## ")[0]
    return textwrap.dedent("\n".join(line for line in section.splitlines() if line.startswith("    ") or not line))


def test_kamailio_accepts_the_snippet(tmp_path: Path) -> None:
    try:
        binary, environment = debian.program("kamailio", "/usr/sbin/kamailio")
    except debian.Unobtainable as reason:
        pytest.skip(f"Kamailio cannot be had: {reason}")
    libraries = Path(binary).parents[1] / "lib" / "x86_64-linux-gnu" / "kamailio"
    if environment:
        environment = debian.environment(Path(binary).parents[2], "usr/lib/x86_64-linux-gnu/kamailio")
    head = PROXY.split('loadmodule "rtpengine.so"')[0].replace("@SIP_PORT@", "5060")
    path = tmp_path / "kamailio.cfg"
    path.write_text(head.replace("@MODULES@", str(libraries / "modules")) + snippet())
    done = subprocess.run([binary, "-c", "-f", str(path), "-Y", str(tmp_path)], capture_output=True, text=True,
                          timeout=60, env={**os.environ, **environment})
    assert done.returncode == 0 and "config file ok" in done.stdout + done.stderr, done.stdout + done.stderr


def test_the_snippet_is_what_the_tests_use() -> None:
    for call in set(re.findall(r"rtpengine_\w+\(.*?\)|t_\w+\(.*?\)", snippet())):
        assert call in PROXY, call


def test_every_command_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", README)) <= targets
    for path in re.findall(r"`((?:tests|kmod|controlplane|ctl|etc)/[\w./]*)`", README):
        assert (ROOT / path).exists(), path
