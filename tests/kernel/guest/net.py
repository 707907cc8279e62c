# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of the guest: two peers in namespaces of their own, the proxy between them.

    netns A                     the guest itself                     netns B
    10.1.0.2, fd00:1::2 ea ---- va 10.1.0.1, fd00:1::1
                                10.2.0.1, fd00:2::1 vb ---- eb 10.2.0.2, fd00:2::2
"""
import ctypes
import os
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from tests.kernel.guest.abi import Where

Seen = TypeVar("Seen")

A4, B4, A6, B6 = "10.1.0.2", "10.2.0.2", "fd00:1::2", "fd00:2::2"
PROXY = {A4: "10.1.0.1", B4: "10.2.0.1", A6: "fd00:1::1", B6: "fd00:2::1"}
CLONE_NEWNET = 0x40000000
SO_RCVBUFFORCE = 33
_libc = ctypes.CDLL(None, use_errno=True)


def sh(command: str, check: bool = True) -> str:
    """Runs a shell command and returns its output (both streams)."""
    done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if check and done.returncode:
        raise AssertionError(f"{command}: exit {done.returncode}: {done.stdout}")
    return done.stdout


def setup() -> None:
    """Makes namespaces, links and addresses (once per guest)."""
    lines = ["sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0"]
    for n, name, v4, v6 in ((1, "A", A4, A6), (2, "B", B4, B6)):
        link, end = "v" + name.lower(), "e" + name.lower()
        lines += [
            f"ip netns add {name}",
            f"ip -n {name} link set lo up",
            f"ip link add {link} type veth peer name {end} netns {name}",
            f"ip addr add 10.{n}.0.1/24 dev {link}",
            f"ip -n {name} addr add {v4}/24 dev {end}",
            f"ip addr add fd00:{n}::1/64 dev {link} nodad",
            f"ip -n {name} addr add {v6}/64 dev {end} nodad",
            f"ip link set {link} up",
            f"ip -n {name} link set {end} up",
            f"ip -n {name} route add default via 10.{n}.0.1",
            f"ip -n {name} -6 route add default via fd00:{n}::1",
        ]
    sh("set -e\n" + "\n".join(lines))
    # Keeps the kernel from patching its code each time a hook comes or goes: an emulated CPU may be amid the old code.
    sh("nft 'add table netdev kept; add chain netdev kept in { type filter hook ingress device lo priority 0; }'",
       check=False)


def forget_rules() -> None:
    """Deletes every table of nft but the one that setup() keeps."""
    for line in sh("nft list tables").splitlines():
        if line != "table netdev kept":
            sh(f"nft delete {line}")


def enter(netns: str) -> None:
    """Moves this thread into a namespace ("" is the guest's own)."""
    fd = os.open(f"/run/netns/{netns}" if netns else "/proc/1/ns/net", os.O_RDONLY)
    try:
        if _libc.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(fd)


def udp(where: Where, netns: str = "", timeout: float = 2.0) -> socket.socket:
    """A bound UDP socket in a namespace."""
    enter(netns)
    try:
        s = socket.socket(socket.AF_INET6 if ":" in where[0] else socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        s.bind(where)
        s.settimeout(timeout)
        return s
    finally:
        enter("")


def netns_of(ip: str) -> str:
    """The namespace that has a peer's address."""
    return {A4: "A", A6: "A", B4: "B", B6: "B"}.get(ip, "")


def peer(where: Where, timeout: float = 2.0) -> socket.socket:
    """A socket of a peer, in the namespace its address belongs to."""
    return udp(where, netns_of(where[0]), timeout)


def rtp(seq: int, pt: int = 0, ssrc: int = 0x11223344, payload: bytes = b"\xd5" * 160, ts: int | None = None) -> bytes:
    """An RTP packet (RFC 3550 section 5.1)."""
    return struct.pack(">BBHII", 0x80, pt, seq & 0xFFFF, (seq * 160 if ts is None else ts) & 0xFFFFFFFF, ssrc) + payload


def rtcp(ssrc: int = 0x11223344) -> bytes:
    """A sender report without report blocks (RFC 3550 section 6.4.1)."""
    return struct.pack(">BBHIQIII", 0x80, 200, 6, ssrc, 1, 2, 3, 4)


def receive(sock: socket.socket, count: int) -> list[bytes]:
    """Up to `count` datagrams, fewer when none comes for the socket's timeout."""
    got: list[bytes] = []
    try:
        while len(got) < count:
            got.append(sock.recv(65536))
    except TimeoutError:
        pass
    return got


def silent(sock: socket.socket, seconds: float = 0.3) -> bool:
    """Nothing arrives for a while."""
    before = sock.gettimeout()
    sock.settimeout(seconds)
    try:
        sock.recv(65536)
        return False
    except TimeoutError:
        return True
    finally:
        sock.settimeout(before)


def settled(look: Callable[[], Seen]) -> Seen:
    """What it has seen when it has seen the same for half a second."""
    deadline, seen = time.monotonic() + 60, look()
    since = time.monotonic()
    while time.monotonic() < since + 0.5:
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)
        if (now := look()) != seen:
            seen, since = now, time.monotonic()
    return seen


class Sender(threading.Thread):
    """Sends RTP from one socket in the background until stop(); `sent` counts. If tolerant, the way may be missing."""

    def __init__(self, sock: socket.socket, to: Where, gap: float = 0.001, tolerant: bool = False) -> None:
        super().__init__(daemon=True)
        self.sock, self.to, self.gap, self.sent, self.tolerant = sock, to, gap, 0, tolerant
        self._end = threading.Event()

    def run(self) -> None:
        """The thread."""
        while not self._end.is_set():
            try:
                self.sock.sendto(rtp(self.sent), self.to)
                self.sent += 1
            except OSError:
                if not self.tolerant:
                    raise
            self._end.wait(self.gap)

    def stop(self) -> int:
        """Ends and returns the number sent."""
        self._end.set()
        self.join()
        return self.sent


IPTABLES = {"legacy": ("iptables-legacy", "ip6tables-legacy"), "nft": ("iptables-nft", "ip6tables-nft")}


class Rule:
    """The rules -j RTPENGINE in INPUT of both families, while inside `with`."""

    def __init__(self, table: int = 0, backend: str = "legacy") -> None:
        self.spec = f"INPUT -p udp -j RTPENGINE --id {table}"
        self.tools = IPTABLES[backend]

    def __enter__(self) -> "Rule":
        for tool in self.tools:
            sh(f"{tool} -I {self.spec}")
        return self

    def __exit__(self, *_: object) -> None:
        for tool in self.tools:
            sh(f"{tool} -D {self.spec}")
