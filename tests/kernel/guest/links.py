# SPDX-License-Identifier: GPL-3.0-or-later
"""Further links to peer A, each of which hands the IP stack socket buffers of another shape.

Link n has 10.n.0.1 and fd00:n::1 on the guest's side, .2 and ::2 in namespace A (the tap: behind a file descriptor).
"""
import fcntl
import os
import socket
import struct
from dataclasses import dataclass

from tests.kernel.guest import net
from tests.kernel.guest.net import sh

IFF_TAP, IFF_NAPI, IFF_NAPI_FRAGS, IFF_NO_PI, IFF_VNET_HDR = 2, 0x10, 0x20, 0x1000, 0x4000
TUNSETIFF = 0x400454CA


@dataclass(frozen=True)
class Link:
    """A link by its number; `near` is the guest's device, `far` the one in A."""

    number: int
    near: str
    far: str

    def here(self, family: int) -> str:
        """The guest's address."""
        return f"10.{self.number}.0.1" if family == 4 else f"fd00:{self.number}::1"

    def there(self, family: int) -> str:
        """The peer's."""
        return f"10.{self.number}.0.2" if family == 4 else f"fd00:{self.number}::2"

    def macs(self) -> bytes:
        """Destination and source of a frame that A sends."""
        return _mac("", self.near) + (_mac("A", self.far) if self.far else b"\2\0\0\0\0\1")


PLAIN = Link(1, "va", "ea")
GRO = Link(11, "g11", "e11")        # datagrams are merged into one large buffer
LIST = Link(12, "g12", "e12")       # datagrams are chained to a list
MIRROR = Link(13, "g13", "e13")     # a copy goes elsewhere, the data are shared
VLAN = Link(14, "va.7", "ea.7")
TUNNEL = Link(15, "g15", "e15")     # VXLAN
TAP = Link(16, "g16", "")           # buffers in as many pieces as the writer likes
LINKS = (PLAIN, GRO, LIST, MIRROR, VLAN, TUNNEL, TAP)


def _mac(netns: str, device: str) -> bytes:
    with frame_socket(netns, device) as s:
        return s.getsockname()[4][:6]


def _address(link: Link) -> list[str]:
    lines = [f"ip link set {link.near} up"]
    lines += [f"ip addr add {link.here(f)}/{24 if f == 4 else 64} dev {link.near}" + (" nodad" if f == 6 else "")
              for f in (4, 6)]
    if link.far:
        lines += [f"ip -n A link set {link.far} up"]
        lines += [f"ip -n A addr add {link.there(f)}/{24 if f == 4 else 64} dev {link.far}"
                  + (" nodad" if f == 6 else "") for f in (4, 6)]
    else:
        lines += [f"ip neigh add {link.there(f)} lladdr 02:00:00:00:00:01 dev {link.near}" for f in (4, 6)]
    return lines


def open_tap(name: str) -> int:
    """A tap device whose writer decides how a frame lies in memory; the descriptor."""
    sh("modprobe tun", check=False)
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags = IFF_TAP | IFF_NO_PI | IFF_NAPI | IFF_NAPI_FRAGS | IFF_VNET_HDR
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    return fd


class Links:
    """All links, inside `with`; `tap` is the descriptor behind TAP."""

    def __init__(self) -> None:
        self.tap = -1

    def __enter__(self) -> "Links":
        self.tap = open_tap(TAP.near)
        lines = []
        for link in (GRO, LIST, MIRROR):
            lines.append(f"ip link add {link.near} type veth peer name {link.far} netns A")
        for link, feature in ((GRO, "rx-udp-gro-forwarding"), (LIST, "rx-gro-list")):
            lines.append(f"ethtool -K {link.near} gro on {feature} on")
            lines.append(f"ip netns exec A ethtool -K {link.far} tx-udp-segmentation off")
        lines += ["ip link add mirror0 type dummy && ip link set mirror0 up",
                  f"tc qdisc add dev {MIRROR.near} clsact",
                  f"tc filter add dev {MIRROR.near} ingress matchall action mirred egress mirror dev mirror0",
                  "ip link add link va name va.7 type vlan id 7", "ip -n A link add link ea name ea.7 type vlan id 7",
                  f"ip link add {TUNNEL.near} type vxlan id 5 remote {net.A4} local 10.1.0.1 dstport 4789",
                  f"ip -n A link add {TUNNEL.far} type vxlan id 5 remote 10.1.0.1 local {net.A4} dstport 4789"]
        for link in LINKS[1:]:
            lines += _address(link)
        sh("set -e\n" + "\n".join(lines))
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.tap)
        for name in (GRO.near, LIST.near, MIRROR.near, VLAN.near, TUNNEL.near, "mirror0"):
            sh(f"ip link del {name}")
        for name in (VLAN.far, TUNNEL.far):
            sh(f"ip -n A link del {name}")


def raw_socket(family: int) -> socket.socket:
    """A socket in A that sends whole datagrams."""
    net.enter("A")
    try:
        return socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    finally:
        net.enter("")


def frame_socket(netns: str, device: str, offload: bool = False) -> socket.socket:
    """A socket for whole frames of a device; with `offload` they begin with a virtio_net_hdr."""
    net.enter(netns)
    try:
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        if offload:
            s.setsockopt(263, 15, 1)        # SOL_PACKET, PACKET_VNET_HDR
        s.bind((device, 3))
        return s
    finally:
        net.enter("")
