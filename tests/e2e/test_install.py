# SPDX-License-Identifier: GPL-3.0-or-later
"""`make install` below a directory of its own: everything is there, works from there, and goes again."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.daemon import ROOT, Command, Daemon
from tests.peers.netns import Namespace, available

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2000)]
PREFIX = "/opt/rtpengine"
FILES = ("/lib/systemd/system/rtpengine.service", "/usr/lib/sysusers.d/rtpengine.conf",
         "/usr/lib/tmpfiles.d/rtpengine.conf", "/etc/modprobe.d/rtpengine.conf", "/usr/share/man/man8/rtpengine.8",
         "/usr/share/man/man8/rtpengine-ctl.8", "/usr/share/bash-completion/completions/rtpengine-ctl",
         "/usr/share/zsh/vendor-completions/_rtpengine-ctl",
         "/usr/share/fish/vendor_completions.d/rtpengine-ctl.fish", "/usr/share/rtpengine/grafana.json")


def make(sources: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-C", str(sources), *words], capture_output=True, text=True, timeout=1200)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project as a fresh clone has it."""
    copy = tmp_path_factory.mktemp("sources") / "rtpengine"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(
        ".*", "build", "tests", "*.egg-info", "__pycache__", "*.so", "*.o", "*.ko"))
    return copy


@pytest.fixture(scope="module")
def installed(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A root directory into which the project was installed."""
    root = tmp_path_factory.mktemp("root")
    done = make(sources, "install", f"DESTDIR={root}", "COMPILE=0")     # compiled modules have tests of their own
    assert done.returncode == 0, done.stdout + done.stderr
    yield root
    done = make(sources, "uninstall", f"DESTDIR={root}")
    assert done.returncode == 0, done.stdout + done.stderr
    left = {f"/{path.relative_to(root)}" for path in root.rglob("*") if not path.is_dir() or path.is_symlink()}
    assert left == {"/etc/rtpengine/rtpengine.conf"}


def test_every_file_is_there(installed: Path) -> None:
    for name in (*FILES, "/etc/rtpengine/rtpengine.conf"):
        assert (installed / name.lstrip("/")).stat().st_mode & 0o777 == 0o644, name
    for name in ("rtpengine", "rtpengine-ctl"):
        assert os.readlink(installed / "usr/bin" / name) == f"{PREFIX}/bin/{name}"
        assert (installed / f"{PREFIX}/bin/{name}".lstrip("/")).read_text().startswith(f"#!{PREFIX}/bin/python")


def test_the_service_runs_what_was_installed(installed: Path) -> None:
    unit = (installed / "lib/systemd/system/rtpengine.service").read_text()
    command = re.search(r"^ExecStart=(\S+) (.*)$", unit, re.MULTILINE)
    assert command and command[1] == f"{PREFIX}/bin/rtpengine"
    assert "--config-file=/etc/rtpengine/rtpengine.conf" in command[2]
    if shutil.which("systemd-analyze"):
        path = installed / "verify" / "rtpengine.service"
        path.parent.mkdir()
        unit = unit.replace(f"{PREFIX}/bin", f"{installed}{PREFIX}/bin").replace("/sbin/modprobe", "/bin/true")
        path.write_text(unit)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True,
                              timeout=120)
        shutil.rmtree(path.parent)
        assert not [line for line in (done.stdout + done.stderr).splitlines() if "rtpengine" in line]


def test_daemon_and_client_run_from_there(installed: Path) -> None:
    interpreter = str(installed / f"{PREFIX}/bin/python".lstrip("/"))
    binaries = installed / f"{PREFIX}/bin".lstrip("/")
    with Daemon(Command("installed", (interpreter, str(binaries / "rtpengine")), {"PYTHONPATH": ""}),
                options=[f"--config-file={installed}/etc/rtpengine/rtpengine.conf"]) as daemon:
        assert f"{installed}" in Path(f"/proc/{daemon.pid}/cmdline").read_text()
        done = subprocess.run([interpreter, str(binaries / "rtpengine-ctl"), "-port", str(daemon.cli_port), "list",
                               "numsessions"], capture_output=True, text=True, timeout=120, cwd="/")
    assert done.returncode == 0 and done.stdout.startswith("Current sessions own: 0\n"), done.stderr


def test_another_ones_program_is_not_overwritten(sources: Path, tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/rtpengine").write_text("another")
    done = make(sources, "install", f"DESTDIR={tmp_path}")
    assert done.returncode and "/usr/bin/rtpengine belongs to another package" in done.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["rtpengine"]


@pytest.mark.skipif(bool(available()), reason=available())
def test_make_run_on_a_host_with_loopback_alone() -> None:
    with Namespace("alone") as alone:
        words = ("make", "-C", str(ROOT), "--no-print-directory", "-o", ".venv/ready", "-o", ".venv/relay", "run")
        with Daemon(Command("make run", words), bare=True, namespace=alone, ng_port=2223, cli_port=9900) as daemon:
            assert ("listens for ng on 127.0.0.1:2223, for commands on 127.0.0.1:9900, for media on default/127.0.0.1 "
                    "ports 30000 to 39999") in daemon.log_text()
            daemon.stop()  # make passes the signal on and waits
            assert "Shutting down with 0 calls" in daemon.log_text()
