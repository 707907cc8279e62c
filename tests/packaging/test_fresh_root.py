# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages in a fresh Debian: installed, started as the unit says, installed again, purged.

Systemd cannot run there; what its unit would start is started in a network namespace, and told where to report.
RTPENGINE_DEB names the folder with the packages (`make check-deb`).
"""
from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.root import QUIET, Root, fresh
from tests.packaging.test_packages import PACKAGES
from tests.peers.netns import Namespace, available, veth

FOLDER = os.environ.get("RTPENGINE_DEB", "")
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800),
              pytest.mark.skipif(not FOLDER, reason="a root of its own takes minutes: make check-deb"),
              pytest.mark.skipif(not shutil.which("debootstrap"), reason="needs debootstrap"),
              pytest.mark.skipif(bool(available()), reason=available())]
CONFIG = "etc/rtpengine/rtpengine.conf"
FILES = {
    "rtpengined": ("/lib/systemd/system/rtpengine.service", "/usr/lib/sysusers.d/rtpengine.conf",
                   "/usr/lib/tmpfiles.d/rtpengine.conf", "/usr/share/man/man8/rtpengine.8.gz",
                   "/usr/share/rtpengine/grafana.json", f"/{CONFIG}"),
    "rtpengine-ctl": ("/usr/share/bash-completion/completions/rtpengine-ctl",
                      "/usr/share/zsh/vendor-completions/_rtpengine-ctl",
                      "/usr/share/fish/vendor_completions.d/rtpengine-ctl.fish",
                      "/usr/share/man/man8/rtpengine-ctl.8.gz"),
    "rtpengine-dkms": ("/etc/modprobe.d/rtpengine.conf", "/etc/modules-load.d/rtpengine.conf"),
    "rtpengine-xtables": ()}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    path = tmp_path_factory.mktemp("debian") / "root"
    fresh(path, "ca-certificates", "iproute2")
    (path / "packages").mkdir()
    for package in Path(FOLDER).glob("*.deb"):
        shutil.copy(package, path / "packages")
    root = Root(path)
    root.run("apt-get", "update", "-qq")
    root.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "linux-headers-amd64", "lintian",
             *(f"/packages/{each.name}" for each in sorted((path / "packages").iterdir())))
    yield root


def unit_command(root: Root) -> list[str]:
    unit = (root.path / "lib/systemd/system/rtpengine.service").read_text()
    found = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    assert found
    return shlex.split(found[1])


def test_installed_as_dpkg_sees_it(root: Root) -> None:
    assert root.run("dpkg", "--audit").stdout == "" and root.run("dpkg", "--verify", *PACKAGES).stdout == ""
    assert (root.path / "etc/systemd/system/multi-user.target.wants/rtpengine.service").is_symlink()
    assert root.run("stat", "-c", "%U:%G %a", f"/{CONFIG}").stdout == "root:rtpengine 640\n"
    assert root.run("rtpengine", "--version").stdout.startswith("Version: ")
    assert root.run("rtpengine", "--check-config", "--interface=127.0.0.1").returncode == 0
    assert "rtpengine-ctl" in root.run("rtpengine-ctl", "-help").stdout
    assert "_rtpengine_ctl" in root.run("bash", "-c", ". /usr/share/bash-completion/completions/rtpengine-ctl; "
                                        "complete -p rtpengine-ctl").stdout
    assert root.run("head", "-1", "/usr/share/zsh/vendor-completions/_rtpengine-ctl").stdout == (
        "#compdef rtpengine-ctl\n")
    modules = root.run("/usr/lib/rtpengine/bin/python", "-c",
                       "from controlplane.session import calls; print(calls.__file__)").stdout
    assert modules.strip().endswith(".so"), "the modules are compiled"


def test_each_file_that_a_package_has_to_have(root: Root) -> None:
    for package, names in FILES.items():
        listed = set(root.run("dpkg", "-L", package).stdout.splitlines())
        assert {*names, f"/usr/share/doc/{package}/copyright"} <= listed, package
    for page in ("rtpengine", "rtpengine-ctl"):
        assert root.run("zgrep", "-c", "^[.]SH", f"/usr/share/man/man8/{page}.8.gz").returncode == 0
    copyrights = (root.path / "usr/share/doc/rtpengine-dkms/copyright").read_text()
    assert "Files: *\n" in copyrights and "License: GPL-3.0-or-later" in copyrights
    assert re.search("^Files: kmod/.*\n.*\nLicense: GPL-2.0-or-later", copyrights, re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES)
def test_lintian_finds_no_error(root: Root, package: str) -> None:
    (path,) = (root.path / "packages").glob(f"{package}_*.deb")
    done = root.run("lintian", "--allow-root", "--fail-on", "error", f"/packages/{path.name}", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_module_is_built_and_the_extension_found(root: Root) -> None:
    assert re.search(r"^rtpengine/[^\n]*: installed$", root.run("dkms", "status").stdout, re.MULTILINE)
    assert "RTPENGINE (version" in root.run("iptables", "-j", "RTPENGINE", "--help").stdout


def test_the_service_starts_answers_and_stops(root: Root) -> None:
    manager_path = root.path / "run/notify"
    with Namespace("package") as namespace, Namespace("phone") as phone, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        veth(namespace, "media0", phone, "media1")
        namespace.add_address("192.0.2.1/24", "media0")
        manager.bind(str(manager_path))
        manager_path.chmod(0o777)
        manager.settimeout(60)
        user = ["setpriv", "--reuid=rtpengine", "--regid=rtpengine", "--init-groups", "--no-new-privs"]
        words = ["env", "NOTIFY_SOCKET=/run/notify", *user, *unit_command(root)]
        with subprocess.Popen(namespace.command(root.command(words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, env={**os.environ, **QUIET}) as daemon:
            try:
                assert manager.recv(100) == b"READY=1"
                client = root.command(["rtpengine-ctl", "list", "timeout"])
                done = subprocess.run(namespace.command(client), capture_output=True, text=True, timeout=60)
                assert (done.returncode, done.stdout) == (0, "TIMEOUT=60\n"), done.stderr
            finally:
                daemon.terminate()      # everything before the daemon has become it
                output, _ = daemon.communicate(timeout=60)
        assert manager.recv(100) == b"STOPPING=1" and daemon.returncode == 0, output
    assert "192.0.2.1 ports 30000 to 39999" in output and "Shutting down with 0 calls" in output
    manager_path.unlink()


def test_settings_survive_another_installation(root: Root) -> None:
    config = root.path / CONFIG
    config.write_text(config.read_text().replace("timeout = 60", "timeout = 61"))
    name = next((root.path / "packages").glob("rtpengined_*")).name
    root.run("dpkg", "-i", f"/packages/{name}")
    assert "\ntimeout = 61\n" in config.read_text()


def test_purged_without_a_trace(root: Root) -> None:
    before = time.monotonic()
    root.run("apt-get", "remove", "-y", "-qq", *PACKAGES)
    assert (root.path / CONFIG).exists(), "removal keeps the settings"
    root.run("apt-get", "purge", "-y", "-qq", *PACKAGES)
    assert root.named_rtpengine() == set()
    assert root.run("getent", "passwd", "rtpengine", check=False).returncode == 2
    assert "rtpengine" not in root.run("dpkg-query", "-W").stdout
    assert time.monotonic() - before < 600
