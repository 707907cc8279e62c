# SPDX-License-Identifier: GPL-3.0-or-later
"""The program as its user starts it, on this host, without a daemon."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctl.doctor import checks
from ctl.doctor.checks import CHECKS, Check, examine
from ctl.doctor.finding import Finding, NeedsRoot, ok
from ctl.doctor.host import Host

from .fakes import Fake

ROOT = Path(__file__).parents[4]
STATES = {"ok", "warning", "problem", "unknown"}


def doctor(*words: str, before: tuple[str, ...] = (), **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ctl", "-port", "1", *before, "doctor", *words], cwd=ROOT, text=True,
                          capture_output=True, timeout=60, check=False, **options)    # type: ignore[call-overload]


def test_a_line_per_finding() -> None:
    done = doctor()
    assert (done.returncode, done.stderr) == (5, ""), "nothing listens on port 1"
    *lines, empty, total = done.stdout.splitlines()
    assert lines[0].startswith("problem   daemon: Cannot connect to rtpengine at 127.0.0.1 port 1: Connection refused"
                               "  -> systemctl restart rtpengine")
    for line in lines:
        assert line.split()[0] in STATES and (line.startswith("ok ") or "  -> " in line), line
    assert empty == ""
    counted = dict(reversed(each.split()) for each in total.split(", "))
    assert counted == {state: str(sum(line.split()[0] == state for line in lines)) for state in STATES}


def test_json_says_the_same() -> None:
    done = doctor("--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 5 and {row["state"] for row in rows} <= STATES
    assert all(set(row) == {"check", "state", "found", "mend"} and bool(row["mend"]) == (row["state"] != "ok")
               for row in rows)
    assert {row["check"] for row in rows} <= {check.name for check in CHECKS}
    assert doctor(before=("--json",)).stdout.startswith("[\n"), "as with all commands"
    assert rows[0]["check"] == "daemon" and rows[0]["state"] == "problem"


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_without_root() -> None:
    def nobody() -> None:
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)

    if subprocess.run([sys.executable, "-c", ""], cwd=ROOT, preexec_fn=nobody, check=False).returncode:
        pytest.skip("others may not start this Python")
    done = doctor("--json", preexec_fn=nobody)
    assert done.stderr == ""
    hidden = [row for row in json.loads(done.stdout) if row["state"] == "unknown" and row["check"] != "clock"]
    assert {"media let in", "early drops"} <= {row["check"] for row in hidden}
    assert all(row["mend"] == "sudo rtpengine-ctl doctor" and "only root" in row["found"] for row in hidden)


def test_settings_that_are_not_there(tmp_path: Path) -> None:
    done = doctor(before=("--config-file", str(tmp_path / "none")))
    assert (done.returncode, done.stderr) == (1, f"Cannot read {tmp_path}/none: No such file or directory\n")


def test_settings_of_another_section(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("[other]\ntable = 7\nport-min = 50000\nport-max = 50999\n")
    done = doctor(before=("--config-file", str(tmp_path / "conf"), "--config-section", "other"))
    assert f"ok        settings: from {tmp_path}/conf: table 7, ports 50000 to 50999\n" in done.stdout


def test_bad_usage() -> None:
    assert doctor("--nonsense").returncode == doctor("nonsense").returncode == 1
    done = doctor("--help")
    assert done.returncode == 0 and "--json" in done.stdout


def test_what_root_alone_may_see_does_not_end_the_report(fake: Fake) -> None:
    def closed(host: Host) -> Iterator[Finding]:
        yield ok("the door")
        raise NeedsRoot("/proc/1/fd")

    found = list(examine(fake.host, (Check("a", closed), Check("b", lambda host: [ok("well")]))))
    assert [(name, each.state.value) for name, each in found] == [("a", "ok"), ("a", "unknown"), ("b", "ok")]
    assert found[1][1].found == "only root may look at this (/proc/1/fd)"


def test_names_are_unique() -> None:
    names = [check.name for check in checks.CHECKS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name.replace("/", ""))
def test_every_check_copes_with_an_empty_host(fake: Fake, check: Check) -> None:
    for path in ("proc/sys/kernel/osrelease", "sys/devices/system/cpu/online"):
        (fake.root / path).unlink()
    fake.look(check.look)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name.replace("/", ""))
def test_every_check_copes_with_nonsense(fake: Fake, check: Check) -> None:
    """All files that are read say what no kernel says."""
    for path in _PATHS:
        fake.file(path, b"\xff: 1 x\n\n7 : ,-\nUid:\nControl PID: \n" * 2)
    fake.configured("table = x\nport-min = \nlisten-ng = ;;: x; [\nredis = ://[\nmax-sessions = -9\n")
    fake.look(check.look)


_PATHS = ("/proc/loadavg", "/proc/net/udp", "/proc/net/udp6", "/proc/net/if_inet6", "/proc/rtpengine/control",
          "/proc/rtpengine/0/status", "/proc/sys/net/ipv4/ip_local_port_range", "/sys/class/net/eth0/operstate",
          "/proc/sys/net/ipv4/ip_local_reserved_ports", "/sys/class/net/eth0/device", "/proc/sys/net/core/rmem_max",
          "/sys/class/net/eth0/queues/rx-0/rps_cpus", "/proc/sys/net/netfilter/nf_conntrack_count",
          "/proc/sys/net/netfilter/nf_conntrack_max", "/sys/module/xt_RTPENGINE/initstate",
          "/sys/devices/system/clocksource/clocksource0/current_clocksource", "/sys/devices/system/cpu/online")
