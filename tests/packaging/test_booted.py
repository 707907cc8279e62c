# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages in a Debian that systemd runs: the service as its unit confines it, restarts, an upgrade, the end."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane.ports.reserved import PATH as RESERVED
from tests.packaging.root import Machine, Root, bootable, fresh
from tests.peers.call import Call
from tests.peers.netns import Namespace, available, veth
from tests.peers.ngclient import NgClient
from tests.peers.rtp import Endpoint

FOLDER = os.environ.get("RTPENGINE_DEB", "")
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800),
              pytest.mark.skipif(not FOLDER, reason="a root of its own takes minutes: make check-deb"),
              pytest.mark.skipif(not shutil.which("debootstrap"), reason="needs debootstrap"),
              pytest.mark.skipif(bool(available()), reason=available()),
              pytest.mark.skipif(bool(bootable()), reason=bootable())]
PACKAGES = ("rtpengined", "rtpengine-ctl")
CONFIG = "etc/rtpengine/rtpengine.conf"
FLOWS = "keep-flows = /run/rtpengine/flows\n"
OF_OTHERS = "8080,8090-8099"


class Host:
    """A machine with both packages, as the proxy and the phones see it."""

    def __init__(self, path: Path, space: Namespace, phones: Namespace):
        self.path, self.space, self.phones = path, space, phones
        self.machine = Machine(path, space)

    def show(self, name: str) -> str:
        """A property of the service."""
        return self.machine.run("systemctl", "show", "-P", name, "rtpengine").stdout.strip()

    def until_active(self, but: str = "0") -> str:
        """The main process of the service as soon as it runs, if it is not ``but``."""
        def process() -> str:
            found = self.show("MainPID") if self.show("ActiveState") == "active" else "0"
            return found if found not in ("0", but) else ""
        return self.machine.until(process, "the service")

    def ctl(self, *words: str) -> str:
        return self.machine.run("rtpengine-ctl", *words).stdout

    def log(self) -> str:
        return self.machine.run("journalctl", "-u", "rtpengine", "-o", "cat", "--no-pager").stdout

    def client(self) -> NgClient:
        return NgClient("127.0.0.1", 2223, sock=self.space.socket(2, 2))

    def call(self, client: NgClient) -> Call:
        """Two phones that hear each other."""
        call = Call(client, *(Endpoint(f"192.0.2.{n}", make=self.phones.socket) for n in (2, 3)))
        call.offer()
        call.answer()
        self.heard(call)
        return call

    def heard(self, call: Call) -> None:
        """Talk until each has heard the other one anew."""
        before = [len(end.arrivals) for end in (call.a, call.b)]

        def both() -> bool:
            call.talk(2)
            return all(len(end.arrivals) > count for end, count in zip((call.a, call.b), before))
        self.machine.until(both, "media")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    path = tmp_path_factory.mktemp("booted") / "root"
    fresh(path, "ca-certificates", "iproute2", "systemd", "systemd-sysv")
    (path / "packages").mkdir()
    for package in PACKAGES:
        shutil.copy(next(Path(FOLDER).glob(f"{package}_*.deb")), path / f"packages/{package}.deb")
    root = Root(path)
    root.run("apt-get", "update", "-qq")
    install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends",
               *(f"/packages/{package}.deb" for package in PACKAGES))
    root.run(*install, "--download-only")       # once systemd runs there is no way out
    with Namespace("host") as space, Namespace("phones") as phones:
        veth(space, "media0", phones, "media1")
        space.add_address("192.0.2.1/24", "media0")
        for number in (2, 3):
            phones.add_address(f"192.0.2.{number}/24", "media1")
        host = Host(path, space, phones)
        try:
            space.inside(lambda: Path(RESERVED).write_text(OF_OTHERS))
            host.machine.run(*install)
            yield host
        finally:
            host.machine.close()


def test_it_runs_as_soon_as_it_is_installed(host: Host) -> None:
    host.until_active()
    assert host.machine.run("systemctl", "is-enabled", "rtpengine").stdout == "enabled\n"
    assert host.ctl("list", "numsessions").startswith("Current sessions own: 0\n")
    assert host.show("NRestarts") == "0" and host.show("WatchdogUSec") == "30s"
    assert "192.0.2.1 ports 30000 to 39999" in host.log()


def test_its_ports_are_reserved_beside_those_of_others(host: Host) -> None:
    assert host.space.inside(lambda: Path(RESERVED).read_text()) == f"{OF_OTHERS},30000-39999\n"
    found = host.machine.run("rtpengine-ctl", "doctor", check=False).stdout
    assert re.search("^ok +port range", found, re.MULTILINE), found


def test_files_that_it_cannot_reach(host: Host) -> None:
    inside = ("nsenter", "-t", host.show("MainPID"), "-m", "--")
    for path in ("/etc/rtpengine/x", "/usr/x", "/var/lib/x"):
        assert host.machine.run(*inside, "touch", path, check=False).returncode == 1, path
    host.machine.run(*inside, "touch", "/run/rtpengine/x", "/tmp/x")
    assert not Path(f"{host.path}/tmp/x").exists()
    assert host.machine.run(*inside, "stat", "-c", "%U", "/run/rtpengine").stdout == "rtpengine\n"
    host.machine.run("rm", "/run/rtpengine/x")


def test_a_proxy_of_another_user_reaches_its_socket(host: Host) -> None:
    _configure(host, "listen-ng = 127.0.0.1:2223\n",
               "listen-ng = 127.0.0.1:2223; unix:/run/rtpengine/ng.sock users=nobody\n")
    script = "import socket; s = socket.socket(1, 1); s.connect('/run/rtpengine/ng.sock'); " \
             "s.sendall(b'1 d7:command4:pinge'); print(s.recv(99))"
    done = host.machine.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "python3", "-c", script)
    assert "pong" in done.stdout


def test_a_reload_changes_settings_and_keeps_the_process(host: Host) -> None:
    before = host.show("MainPID")
    path = host.path / CONFIG
    path.write_text(path.read_text().replace("\ntimeout = 60\n", "\ntimeout = 61\n"))
    host.machine.run("systemctl", "reload", "rtpengine")
    host.machine.until(lambda: host.ctl("list", "timeout") == "TIMEOUT=61\n", "the new timeout")
    assert host.show("MainPID") == before


def test_one_that_is_killed_comes_back(host: Host) -> None:
    before = host.show("MainPID")
    host.machine.run("sh", "-c", f"kill -9 {before}")
    host.until_active(but=before)
    assert host.show("NRestarts") == "1"


def test_an_upgrade_keeps_calls(host: Host, tmp_path: Path) -> None:
    _configure(host, "log-level = 6\n", f"log-level = 6\n{FLOWS}")
    with host.client() as client:
        call = host.call(client)
        before = host.show("MainPID")
        shutil.copy(_newer(host.path / "packages/rtpengined.deb", tmp_path), host.path / "packages/newer.deb")
        host.machine.run("dpkg", "-i", "/packages/newer.deb")
        host.until_active(but=before)
        log = host.log()
        assert "1 calls are left to the next process" in log and "1 calls of the process before go on" in log
        assert FLOWS in (host.path / CONFIG).read_text()
        assert host.ctl("list", "numsessions").startswith("Current sessions own: 1\n")
        host.heard(call)
        call.delete()


def test_it_goes_without_a_trace(host: Host) -> None:
    host.machine.run("apt-get", "purge", "-y", "-qq", *PACKAGES)
    assert host.machine.run("systemctl", "is-active", "rtpengine", check=False).stdout == "inactive\n"
    left = host.machine.run("find", "/", "/run", "-xdev", "-iname", "*rtpengine*", "-not", "-path",
                            "/packages/*", "-not", "-path", "/var/lib/apt/*", "-not", "-path", "/var/cache/*").stdout
    assert left.split() == [] and host.machine.run("getent", "passwd", "rtpengine", check=False).returncode == 2
    assert host.machine.run("systemctl", "--failed", "-q", "--no-legend").stdout == ""


def _configure(host: Host, old: str, new: str) -> None:
    """Change the settings, and have a process that knows them."""
    path, before = host.path / CONFIG, host.show("MainPID")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    host.machine.run("systemctl", "restart", "rtpengine")
    host.until_active(but=before)


def _newer(package: Path, folder: Path) -> Path:
    """The same package with a higher version."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", str(package), str(tree)], check=True, timeout=120)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub("^(Version: .*)$", r"\1+1", control.read_text(), flags=re.MULTILINE))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(tree), str(folder / "newer.deb")], check=True,
                   capture_output=True, timeout=120)
    return folder / "newer.deb"
