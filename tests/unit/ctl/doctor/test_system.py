# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports, limits, network devices, connection tracking, the clock."""
from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from ctl.doctor import clock, host, limits, network, ports
from ctl.doctor.finding import State

from .fakes import PID, Fake, replies

ROOT = Path(__file__).parents[4]
LOCAL, RESERVED = "/proc/sys/net/ipv4/ip_local_port_range", "/proc/sys/net/ipv4/ip_local_reserved_ports"
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref\n"
ROW = "  1: {}:{:04X} 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 {} 2 0000000000000000 0\n"


@pytest.mark.parametrize("local, reserved, mended", [
    ("32768\t60999\n", "\n", "30000-39999"), ("32768\t60999\n", "30000-39000\n", "30000-39000,30000-39999"),
    ("32768\t60999\n", "5,30000-39999,7\n", ""), ("32768 60999", "32768-50000", ""), ("40000\t60999\n", "\n", "")])
def test_ports_that_the_kernel_gives_away(fake: Fake, local: str, reserved: str, mended: str) -> None:
    fake.file(LOCAL, local)
    fake.file(RESERVED, reserved)
    (finding,) = fake.look(ports.ephemeral)
    assert finding[0] == ("warning" if mended else "ok")
    if mended:
        assert finding[2] == (f"sysctl -w net.ipv4.ip_local_reserved_ports={mended}   and reserve-ports = true in the "
                              "settings, which does the same at each start")


def test_ports_of_others(fake: Fake) -> None:
    assert fake.look(ports.occupied)[0][0] == "ok"
    fake.file("/proc/net/udp", HEAD + ROW.format("010200C0", 30000, 77) + ROW.format("00000000", 5060, 78))
    fake.file("/proc/net/udp6", HEAD + ROW.format("0" * 32, 39999, 79))
    (finding,) = fake.look(ports.occupied)
    assert finding[:2] == ("warning", "other programs hold 2 of the media ports: 192.0.2.1:30000, [::]:39999")
    assert finding[2] == "ss -lunp 'sport >= :30000 and sport <= :39999'"


def test_ports_of_the_daemon(fake: Fake) -> None:
    fake.replies = replies()
    fake.file("/proc/net/udp", HEAD + ROW.format("010200C0", 30000, 77) + ROW.format("0100007F", 30002, 78))
    fake.link(f"/proc/{PID}/fd/3", "socket:[77]")
    fake.link(f"/proc/{PID}/fd/4", "/dev/null")
    assert fake.look(ports.occupied)[0][0] == "ok", "one is its own, and the other on an address that has no media"
    fake.file("/proc/net/udp", HEAD + ROW.format("010200C0", 30004, 79))
    assert fake.look(ports.occupied)[0][0] == "warning"


def test_addresses_are_read_as_the_kernel_writes_them() -> None:
    real = host.Host(lambda command: "")
    kind = socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as four, socket.socket(socket.AF_INET6, kind) as six:
        four.bind(("127.0.0.1", 0))
        six.bind(("::1", 0))
        found = {(each.address, each.port) for each in ports._sockets(real)}
        assert {four.getsockname()[:2], six.getsockname()[:2]} <= found


@pytest.mark.parametrize("limit, used, state", [
    ("150000", 0, "ok"), ("unlimited", 0, "ok"), ("1024", 0, "warning"), ("1024", 900, "problem")])
def test_open_files(fake: Fake, limit: str, used: int, state: str) -> None:
    fake.replies = replies(used=used)
    fake.file(f"/proc/{PID}/limits", f"Limit            Soft Limit\nMax open files   {limit}  4096 files\n")
    (finding,) = fake.look(limits.open_files)
    assert finding[0] == state
    if state != "ok":
        assert "calls end to be taken at about 128" in finding[1]
        assert finding[2].startswith(f"prlimit --pid {PID} --nofile=10512 ")


def test_open_files_of_nobody(fake: Fake) -> None:
    assert fake.look(limits.open_files) == []


def test_buffers(fake: Fake) -> None:
    for name in ("rmem_max", "wmem_max"):
        fake.file(f"/proc/sys/net/core/{name}", "212992\n")
    receive, send = fake.look(limits.buffers)
    assert receive[0] == send[0] == "warning" and "net.core.wmem_max=4194304" in send[2]
    for name in ("rmem_max", "wmem_max"):
        fake.file(f"/proc/sys/net/core/{name}", "4194304\n")
    assert fake.look(limits.buffers)[0][0] == "ok"


def test_the_buffers_are_those_that_the_daemon_asks_for() -> None:
    ng = re.search(r"^_BUFFER = (\d+) << (\d+)$", (ROOT / "controlplane/servers/ng_udp.py").read_text(), re.MULTILINE)
    media = re.search(r"^#define RECEIVE_BUFFER \((\d+) << (\d+)\)$",
                      (ROOT / "controlplane/relay/socket.c").read_text(), re.MULTILINE)
    assert ng and media
    assert {wanted for _, wanted, _ in limits.BUFFERS} == {int(ng[1]) << int(ng[2])}
    assert f"below {int(media[1]) << int(media[2])} of media" in limits.BUFFERS[0][2]


def card(fake: Fake, receive: int, rps: str = "0", name: str = "eth0") -> None:
    fake.file(f"/sys/class/net/{name}/operstate", "up\n")
    fake.file(f"/sys/class/net/{name}/device/vendor")
    for number in range(receive):
        fake.file(f"/sys/class/net/{name}/queues/rx-{number}/rps_cpus", rps + "\n")
    fake.file(f"/sys/class/net/{name}/queues/tx-0/xps_cpus", "0\n")


@pytest.mark.parametrize("receive, rps, cores, state", [
    (1, "0", "0-3", "warning"), (1, "00000000,00000000", "0-3", "warning"), (1, "f", "0-3", "ok"),
    (4, "0", "0-3", "ok"), (1, "0", "0", "ok")])
def test_receive_queues(fake: Fake, receive: int, rps: str, cores: str, state: str) -> None:
    fake.file("/sys/devices/system/cpu/online", cores)
    fake.file("/sys/class/net/lo/queues/rx-0/rps_cpus", "0\n")
    card(fake, receive, rps)
    (finding,) = fake.look(network.queues)
    assert finding[0] == state
    if state != "ok":
        assert finding[2] == ("ethtool -L eth0 combined 4 || "
                              "echo f > /sys/class/net/eth0/queues/rx-0/rps_cpus")


@pytest.mark.parametrize("online, cores", [("0", 1), ("0-3", 4), ("0,2-4,7", 5), ("", 1)])
def test_processors(fake: Fake, online: str, cores: int) -> None:
    fake.file("/sys/devices/system/cpu/online", online)
    assert fake.host.cores == cores


@pytest.mark.parametrize("cores, mask", [(1, "1"), (4, "f"), (32, "ffffffff"), (36, "f,ffffffff"),
                                         (64, "ffffffff,ffffffff")])
def test_masks(cores: int, mask: str) -> None:
    assert network._mask(cores) == mask


@pytest.mark.parametrize("count, state", [(10, "ok"), (750, "warning"), (950, "problem")])
def test_connection_tracking(fake: Fake, count: int, state: str) -> None:
    assert fake.look(network.tracking) == [("ok", "connections are not tracked", "")]
    fake.file("/proc/sys/net/netfilter/nf_conntrack_count", f"{count}\n")
    fake.file("/proc/sys/net/netfilter/nf_conntrack_max", "1000\n")
    (finding,) = fake.look(network.tracking)
    assert finding[0] == state and finding[1].startswith(f"{count} of 1000 connections")
    if state != "ok":
        assert "iptables -t raw -I PREROUTING -p udp --dport 30000:39999 -j CT --notrack" in finding[2]
        assert "ip6tables -t raw -I OUTPUT -p udp --sport 30000:39999 -j CT --notrack" in finding[2]


@pytest.mark.parametrize("status, state, text", [
    (0x2001, "ok", "it is synchronised, to within 0.005 s"), (0x40, "warning", "nothing keeps the clock right"),
    (0x11, "warning", "a leap second is due"), (0x21, "warning", "a second is left out")])
def test_clock(fake: Fake, status: int, state: str, text: str) -> None:
    fake.clock = host.Clock(0, status, 5000)
    (finding,) = fake.look(clock.synchronised)
    assert finding[0] == state and finding[1].startswith(text)


def test_a_clock_that_cannot_be_asked(fake: Fake) -> None:
    fake.clock = None
    assert fake.look(clock.synchronised)[0][0] == State.UNKNOWN.value


def test_the_clock_of_this_host() -> None:
    found = host.read_clock()
    assert found is None or 0 <= found.state <= 5 and 0 <= found.status < 1 << 16 and found.max_error >= 0


@pytest.mark.parametrize("now, state, mend", [
    ("tsc", "ok", ""),
    ("hpet", "warning", "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource")])
def test_clock_source(fake: Fake, now: str, state: str, mend: str) -> None:
    assert fake.look(clock.source) == []
    folder = "/sys/devices/system/clocksource/clocksource0"
    fake.file(f"{folder}/current_clocksource", now + "\n")
    fake.file(f"{folder}/available_clocksource", "tsc hpet acpi_pm \n")
    assert fake.look(clock.source)[0][::2] == (state, mend)
