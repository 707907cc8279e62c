# SPDX-License-Identifier: GPL-3.0-or-later
"""The files in etc/: what they say must be what the programs understand."""
import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from controlplane.addresses import Address
from controlplane.config.argv import parse
from controlplane.config.interfaces import build_interfaces
from controlplane.config.load import load
from controlplane.config.netdevs import Resolver
from controlplane.config.options import BY_NAME
from controlplane.ports.reserved import PATH as RESERVED

ETC = Path(__file__).resolve().parents[2] / "etc"
RESOLVER = Resolver(lambda name: [Address.parse("192.0.2.3")] if name == "eth0" else [],
                    lambda: [Address.parse("192.0.2.1")], lambda name: [])


@pytest.fixture
def unit() -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(strict=True, interpolation=None, delimiters=("=",))
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(ETC / "rtpengine.service")
    return parsed


def test_the_example_configuration_works_as_it_is():
    settings = load([f"--config-file={ETC / 'rtpengine.conf'}"])
    assert settings.warnings == []
    assert (settings.table, settings.listen_ng, settings.listen_cli) == (0, ("127.0.0.1:2223",), ("127.0.0.1:9900",))
    assert [str(spec.address) for spec in build_interfaces(settings, RESOLVER)[0]] == ["192.0.2.1"]


def test_every_example_in_it_works_too(tmp_path):
    text = (ETC / "rtpengine.conf").read_text()
    path = tmp_path / "all.conf"
    path.write_text(re.sub(r"^#(?=\[|[a-z-]+ = )", "", text, flags=re.MULTILINE))
    settings = load([f"--config-file={path}"])
    assert [warning for warning in settings.warnings if " counts, and not that of line " not in warning] == []
    assert settings.accelerator == "nfqueue" and settings.no_fallback and settings.max_sessions == 5000
    specs, _ = build_interfaces(settings, RESOLVER)
    assert [(spec.name, spec.port_min) for spec in specs] == [("internal", 30000), ("external", 30000), ("pub", 40000)]
    for line in text.splitlines():
        if match := re.match(r"#([a-z-]+) = (.*)", line):
            assert match[1] in BY_NAME or match[1] in ("address", "advertised")


def test_values_shown_as_comments_are_defaults_where_the_text_says_nothing_else():
    text = (ETC / "rtpengine.conf").read_text()
    for name in ("offer-timeout", "delete-delay", "endpoint-learning", "iptables-backend", "port-min", "port-max"):
        shown = re.search(rf"^#?{name} = (.*)$", text, re.MULTILINE)
        assert shown and shown[1] == str(BY_NAME[name].default), name


def test_the_command_of_the_unit_is_understood(unit):
    words = shlex.split(unit["Service"]["ExecStart"])
    assert parse(words[1:]) == {"foreground": True, "log-stderr": True, "no-log-timestamps": True,
                                "config-file": "/etc/rtpengine/rtpengine.conf"}


def test_the_unit_needs_no_program_that_a_small_debian_lacks(unit):
    assert unit["Service"]["ExecReload"].split()[0] == "/bin/sh", "/bin/kill is in procps"
    assert unit["Service"]["ExecStartPre"].startswith("-+"), "there may be no modprobe"


def test_the_unit_is_confined(unit):
    service = unit["Service"]
    for key in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "RestrictSUIDSGID", "ProtectKernelModules"):
        assert service[key] == "yes", key
    assert service["ProtectSystem"] == "strict" and service["Type"] == "notify"
    assert service["RestrictAddressFamilies"].split() == ["AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"]
    assert service["ExecStartPre"].startswith("-")
    assert f"-{RESERVED}" in service["ReadWritePaths"].split()


def test_the_unit_holds_ten_thousand_calls(unit):
    service = unit["Service"]
    assert int(service["LimitNOFILE"]) >= 10_000 * 4 * 2, "two legs with RTP and RTCP, and as many ports in reserve"
    assert service["Restart"] == "on-failure" and unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert service["RuntimeDirectoryPreserve"] == "yes", "keep-flows"


def test_user_of_unit_and_sysusers_agree(unit):
    line = (ETC / "rtpengine.sysusers").read_text().splitlines()[-1]
    assert line.split()[:2] == ["u", unit["Service"]["User"]]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_finds_no_fault(tmp_path):
    text = (ETC / "rtpengine.service").read_text()
    assert "/usr/bin/rtpengine" in text
    text = text.replace("/usr/bin/rtpengine", "/bin/true").replace("/sbin/modprobe", "/bin/true")
    (tmp_path / "rtpengine.service").write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(tmp_path / "rtpengine.service")],
                          capture_output=True, text=True, timeout=60)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if "rtpengine" in line]
    assert not complaints


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_counts_little_exposure():
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=19", "--no-pager",
                           str(ETC / "rtpengine.service")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="needs systemd-sysusers")
def test_systemd_would_create_the_user(tmp_path):
    (tmp_path / "etc").mkdir()
    done = subprocess.run(["systemd-sysusers", f"--root={tmp_path}", str(ETC / "rtpengine.sysusers")],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "etc/passwd").read_text().startswith("rtpengine:")


def test_module_files_name_the_module():
    assert (ETC / "modules-load.d/rtpengine.conf").read_text().splitlines()[-1] == "xt_RTPENGINE"
    assert re.search(r"^install xt_RTPENGINE .*--ignore-install xt_RTPENGINE ",
                     (ETC / "modprobe.d/rtpengine.conf").read_text(), re.MULTILINE)
