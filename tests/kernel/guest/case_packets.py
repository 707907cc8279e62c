# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets and socket buffers out of the ordinary."""
import random
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import Control, Target, output
from tests.kernel.guest.hook import Hook
from tests.kernel.guest.net import sh
from tests.kernel.guest.tables import table

A, B = (net.A4, 10000), (net.B4, 20000)
NEAR, FAR = ("10.1.0.1", 30000), ("10.2.0.1", 30002)


@contextmanager
def forwarding(flags: int = abi.RTP) -> Iterator[tuple[Control, socket.socket, socket.socket, socket.socket]]:
    """A target from A to B; yields control, the socket it bypasses, A's and B's."""
    with table(), net.Rule(), Control() as control, net.udp(NEAR) as relay, net.peer(A) as a, net.peer(B) as b:
        control.add(Target(NEAR, [output(FAR, B)], flags=flags))
        yield control, relay, a, b


def malformed() -> list[bytes]:
    """RTP and RTCP that is wrong in every field, and every length."""
    header = net.rtp(1, payload=b"")
    found = [header[:n] for n in range(1, 13)]
    found += [bytes([0x80 | cc]) + header[1:] + bytes(n) for cc in range(16) for n in (0, 4 * cc, max(0, 4 * cc - 1))]
    found += [bytes([0x90]) + header[1:] + struct.pack(">HH", profile, length) + bytes(n)
              for profile in (0xBEDE, 0x1000, 0) for length in (0, 1, 5, 0xFFFF) for n in (0, 3, 4, 20)]
    found += [bytes([0x90]) + header[1:] + b"\xbe\xde\0\1" + bytes([ext, 0, 0, 0]) for ext in (0x00, 0xF0, 0xFF, 0x1F)]
    found += [bytes([0xA0]) + header[1:] + bytes([0, pad]) for pad in (0, 1, 3, 255)]
    found += [bytes([v << 6]) + header[1:] + b"x" for v in (0, 1, 3)]
    found += [struct.pack(">BBH", 0x80, pt, length) + bytes(n) for pt in (194, 200, 205, 223)
              for length in (0, 1, 6, 65535) for n in (0, 3, 4, 24)]
    found += [b"\0\1" + struct.pack(">HI", length, 0x2112A442) + bytes(12) for length in (0, 4, 65535)]
    return found + [net.rtp(2, payload=bytes(1460)), b"\0", b"\xff" * 1472]


def odd_payloads() -> None:
    """Whatever the payload, it arrives unchanged (or goes up where only RTP is wanted)."""
    packets = malformed()
    with forwarding() as (control, relay, a, b):
        for data in packets:
            a.sendto(data, NEAR)
        assert net.receive(b, len(packets)) == packets
        a.sendto(b"", NEAR)         # an empty datagram is one, too
        assert b.recv(10) == b""
        control.add(Target(NEAR, [output(FAR, B)], flags=0x4F), abi.REPLACE)
        for data in packets:
            a.sendto(data, NEAR)
        relay.settimeout(0.5)
        b.settimeout(0.5)
        assert len(net.receive(b, 999)) + len(net.receive(relay, 999)) == len(packets)


def random_payloads() -> None:
    """A thousand random datagrams to a target that looks at everything."""
    dice = random.Random(3)
    starts = (0x80, 0x90, 0x9F, 0, 22, 0xFF)
    packets = [bytes([dice.choice(starts)]) + dice.randbytes(dice.randrange(80)) for _ in range(1000)]
    with forwarding() as (control, _, a, b):
        for at in range(0, 1000, 100):
            for data in packets[at:at + 100]:
                a.sendto(data, NEAR)
            assert net.receive(b, 100) == packets[at:at + 100]
        assert control.state(NEAR).counters.packets == 1000


def ip4(payload: bytes, *, options: bytes = b"", udp_len: int | None = None, check: int = 0, fragment: int = 0,
        protocol: int = 17, trailer: bytes = b"", ident: int = 77,
        addresses: tuple[str, str] = (net.A4, NEAR[0])) -> bytes:
    """An IPv4 datagram from A to NEAR with a UDP header to be chosen; the kernel fills in the header checksum."""
    size = 8 + len(payload) if udp_len is None else udp_len
    body = struct.pack(">HHHH", 10000, NEAR[1], size & 0xFFFF, check) + payload + trailer
    head = struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 0, ident, fragment, 64, protocol, 0,
                       *map(socket.inet_aton, addresses)) + options
    return head + body


def raw_ip() -> socket.socket:
    """A socket in A that sends whole IPv4 datagrams."""
    net.enter("A")
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    finally:
        net.enter("")


def odd_headers() -> None:
    """Lengths that lie, checksums absent and wrong, options, fragments, other protocols."""
    data = net.rtp(1)
    with forwarding() as (control, relay, _, b), raw_ip() as raw:
        def send(packet: bytes) -> None:
            raw.sendto(packet, (NEAR[0], 0))

        for forwarded in (ip4(data), ip4(data, options=b"\x01\x01\x01\x00"), ip4(data, options=b"\x94\x04\0\0")):
            send(forwarded)
            assert b.recv(2048) == data
        send(ip4(data, trailer=b"tail", udp_len=8 + len(data)))     # shorter than the IP says: the socket's business
        assert relay.recv(2048) == data
        for lost in (ip4(data, udp_len=7), ip4(data, udp_len=0), ip4(data, udp_len=8 + len(data) + 1),
                     ip4(data, udp_len=65535), ip4(data, check=0x1234), ip4(b"", udp_len=4), ip4(data, protocol=136)):
            send(lost)
        send(ip4(data)[:24])        # ends inside the UDP header
        send(ip4(data, fragment=0x2000)[:44])       # a first fragment alone
        send(ip4(data, fragment=0x0003, ident=78))            # a later one
        assert net.silent(b) and net.silent(relay, 0.1)
        assert control.state(NEAR).counters.packets == 3


def udp_check(data: bytes) -> int:
    """The right checksum of ip4(data)."""
    head = socket.inet_aton(net.A4) + socket.inet_aton(NEAR[0]) + struct.pack(">BBH", 0, 17, 8 + len(data))
    words = head + struct.pack(">HHHH", 10000, NEAR[1], 8 + len(data), 0) + data
    total = sum(struct.unpack(f">{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def checksums() -> None:
    """A right checksum in software is verified and forwarded; what leaves has a right one again."""
    data = net.rtp(1)
    with forwarding() as (_, _, a, b), raw_ip() as raw:
        raw.sendto(ip4(data, check=udp_check(data)), (NEAR[0], 0))
        assert b.recv(2048) == data
        sh("ethtool -K vb tx off 2>/dev/null; ethtool -K ea tx off 2>/dev/null", check=False)
        a.sendto(data, NEAR)
        assert b.recv(2048) == data


def checksum_in_a_tunnel() -> None:
    """That the outer datagram has none, which is right, says nothing of the inner one, by rule or at the hook."""
    ends, near = (net.A4, "10.1.0.1"), ("10.9.0.1", NEAR[1])
    add = "t9 type vxlan id 9 remote {} local {} dstport 4799 noudpcsum"
    sh(f"ip link add {add.format(*ends)}; ip addr add 10.9.0.1/24 dev t9; ip link set t9 up;"
       f"ip -n A link add {add.format(*ends[::-1])}; ip -n A addr add 10.9.0.2/24 dev t9; ip -n A link set t9 up")
    try:
        for way in (lambda _: net.Rule(), lambda control: Hook(control, "t9")):
            with table(), Control() as control, way(control), net.udp(near) as relay, net.peer(B) as b, \
                    raw_ip() as raw:
                control.add(Target(near, [output(FAR, B)]))
                for number, check in ((1, 0x1234), (2, 0)):
                    raw.sendto(ip4(net.rtp(number), check=check, addresses=("10.9.0.2", near[0])), (near[0], 0))
                assert b.recv(2048) == net.rtp(2)
                assert control.state(near).counters.packets == 1
                assert net.silent(relay, 0.1)
    finally:
        sh("ip link del t9; ip -n A link del t9")


def large() -> None:
    """Datagrams that come in fragments are put together, forwarded whole and cut up again, also into IPv6."""
    with forwarding() as (control, _, a, b), net.peer((net.B6, 20000)) as b6:
        for size in (1473, 3000, 9000, 60000):
            data = net.rtp(1, payload=random.Random(size).randbytes(size))
            a.sendto(data, NEAR)
            assert b.recv(65536) == data
        control.add(Target(NEAR, [output(("fd00:2::1", 9), (net.B6, 20000))]), abi.REPLACE)
        for size in (1440, 1473, 9000):
            data = net.rtp(1, payload=random.Random(size).randbytes(size))
            a.sendto(data, NEAR)
            assert b6.recv(65536) == data


def _reassembled(netns: str) -> int:
    """Fragments that have come to a namespace."""
    names, values = (line.split() for line in sh(f"ip netns exec {netns} cat /proc/net/snmp").splitlines()[:2])
    return int(values[names.index("ReasmReqds")])


def too_large() -> None:
    """What has become longer than an IP packet can say is not sent, not even a part of it."""
    key = abi.keys(2, 2, bytes(16), bytes(14))
    with forwarding() as (control, _, a, b):
        for number, (size, whole) in enumerate(((65485, True), (65486, False))):
            control.add(Target(NEAR, [output(FAR, B, encrypt=key)]), abi.REPLACE)
            before = _reassembled("B")
            a.sendto(net.rtp(2 * number, payload=bytes(size)), NEAR)
            if whole:
                assert len(b.recv(65536)) == 12 + size + 10
            a.sendto(net.rtp(2 * number + 1), NEAR)
            assert len(b.recv(65536)) == 172 + 10
            assert (_reassembled("B") > before) == whole
        sent = control.state(NEAR).outputs[0].counters
        assert (sent.packets, sent.errors) == (3, 1), sent


UDP_SEGMENT = 103


@contextmanager
def gathering(feature: str) -> Iterator[Callable[[], None]]:
    """What A sends is held back, and let go at once when the result is called, to a device that may put it together."""
    sh(f"ethtool -K va gro on {feature} on; ip netns exec A tc qdisc add dev ea root plug; nft add table ip seen;"
       "nft 'add chain ip seen in { type filter hook prerouting priority -400; }';"
       "nft add rule ip seen in udp dport 30000 counter")
    try:
        yield lambda: sh("ip netns exec A tc qdisc change dev ea root plug release_indefinite") and None
    finally:
        sh(f"ethtool -K va gro off {feature} off; ip netns exec A tc qdisc del dev ea root;"
           "nft delete table ip seen")


def seen() -> int:
    """Packets, however large, that the stack has had for NEAR while gathering()."""
    return int(sh("nft list table ip seen").partition("counter packets ")[2].split()[0])


def coalesced() -> None:
    """Datagrams that come as one are taken apart and each forwarded; trap 5: lists of whole skbs go up as they are."""
    packets = [net.rtp(n, payload=random.Random(n).randbytes(160)) for n in range(16)]
    with forwarding() as (control, relay, a, b):
        a.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 172)
        a.sendto(b"".join(packets) + net.rtp(16, payload=b"short"), NEAR)
        assert net.receive(b, 17) == [*packets, net.rtp(16, payload=b"short")]
        a.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
        for feature, reached in (("rx-gro-list", relay), ("rx-udp-gro-forwarding", b)):
            with gathering(feature) as release:
                for data in packets:
                    a.sendto(data, NEAR)
                release()
                assert net.receive(reached, 16) == packets, feature
                assert 0 < seen() < 16, "nothing was put together"
        assert net.silent(relay, 0.1) and net.silent(b, 0.1)
        state = control.state(NEAR)
        assert (state.counters.packets, state.outputs[0].counters.packets) == (33, 33), state
        assert (state.ssrcs[0].packets, state.ssrcs[0].lost) == (33, 0), state


def coalesced_to_several() -> None:
    """Taken apart for two outputs; a tap keeps the original."""
    everything = 3
    with forwarding() as (control, _, a, b), net.peer((net.B6, 20000)) as b6, \
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(everything)), \
            gathering("rx-udp-gro-forwarding") as release:
        control.add(Target(NEAR, [output(("fd00:2::1", 9), (net.B6, 20000)), output(FAR, B)]), abi.REPLACE)
        packets = [net.rtp(n, payload=random.Random(n).randbytes(160)) for n in range(12)]
        for data in packets:
            a.sendto(data, NEAR)
        release()
        assert net.receive(b, 12) == packets and net.receive(b6, 12) == packets
        assert seen() < 12


def coalesced_with_what_passes() -> None:
    """If one of them is for user space all go there, in their order; each counts as passed."""
    with forwarding(abi.RTP | abi.STUN) as (control, relay, a, b):
        stun = struct.pack(">HHI", 1, 152, 0x2112A442) + bytes(164)
        a.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 172)
        sent = [net.rtp(1), stun, net.rtp(2)]
        a.sendto(b"".join(sent), NEAR)
        assert net.receive(relay, 3) == sent
        assert net.silent(b, 0.1)
        assert (control.state(NEAR).counters.packets, control.state(NEAR).counters.passed) == (0, 3)


def tapped() -> None:
    """With packet taps on both sides buffers are cloned: payloads stay whole, for the tap, too."""
    everything = 3
    with forwarding() as (_, _, a, b), \
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(everything)) as tap:
        tap.settimeout(1)
        for n in range(20):
            a.sendto(net.rtp(n), NEAR)
        assert net.receive(b, 20) == [net.rtp(n) for n in range(20)]
        seen = [p[14:] for p in net.receive(tap, 40)]
        came = [p[28:] for p in seen if p[16:20] == socket.inet_aton(NEAR[0])]
        left = [p[28:] for p in seen if p[16:20] == socket.inet_aton(net.B4)]
        assert came == left == [net.rtp(n) for n in range(20)]


def extension_headers() -> None:
    """IPv6 with an extension header goes to the socket."""
    near = ("fd00:1::1", 30000)
    with table(), net.Rule(), Control() as control, net.udp(near) as relay, net.peer((net.A6, 10000)) as a:
        control.add(Target(near, [output(("fd00:2::1", 9), (net.B6, 20000))]))
        a.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, b"\0\0\1\4\0\0\0\0")
        a.sendto(net.rtp(1), near)
        assert relay.recv(2048) == net.rtp(1)
        assert control.state(near).counters.packets == 0
