# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets taken at a device's ingress hook: forwarded like those of the rule, or left to the stack."""
import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import ADD_HOOK, DEL_HOOK, Control, Target, output
from tests.kernel.guest.case_forward import DTLS, STUN
from tests.kernel.guest.case_packets import (FAR, NEAR, UDP_SEGMENT, A, B, gathering, ip4, malformed, raw_ip, seen,
                                             udp_check)
from tests.kernel.guest.hook import Hook, name
from tests.kernel.guest.net import sh
from tests.kernel.guest.tables import table

IP_RECVTTL = 12


@contextmanager
def ingress(flags: int = abi.RTP) -> Iterator[tuple[Control, socket.socket, socket.socket, socket.socket]]:
    """A target from A to B with the hook in place of the rule; yields control, the socket it bypasses, A's and B's."""
    with table(), Control() as control, Hook(control, "va", "vb"), net.udp(NEAR) as relay, net.peer(A) as a, \
            net.peer(B) as b:
        control.add(Target(NEAR, [output(FAR, B)], flags=flags))
        yield control, relay, a, b


def _call(left: str, right: str) -> None:
    a, b = (left, 10000), (right, 20000)
    near, far = (net.PROXY[left], 30000), (net.PROXY[right], 30002)
    with table(), Control() as control, Hook(control, "va", "vb"), net.udp(near) as relay, net.peer(a) as sa, \
            net.peer(b) as sb:
        control.add(Target(near, [output(far, b)], expect=a))
        control.add(Target(far, [output(near, a)], expect=b))
        for n in range(50):
            sa.sendto(net.rtp(n), near)
            sb.sendto(net.rtp(n, ssrc=5, pt=8), far)
        assert net.receive(sb, 50) == [net.rtp(n) for n in range(50)]
        got = [sa.recvfrom(2048) for _ in range(50)]
        assert [(data, where[:2]) for data, where in got] == [(net.rtp(n, ssrc=5, pt=8), near) for n in range(50)]
        state = control.state(near)
        assert (state.counters.packets, state.counters.bytes) == (50, 50 * 172), state
        assert (state.outputs[0].counters.packets, state.outputs[0].counters.errors) == (50, 0), state
        assert net.silent(relay)


def calls() -> None:
    """Both families and between them."""
    for left, right in ((net.A4, net.B4), (net.A6, net.B6), (net.A4, net.B6), (net.A6, net.B4)):
        _call(left, right)


def control() -> None:
    """Each error; the status shows the devices; a hook outlives its daemon and counts once."""
    with table():
        with Control() as c:
            assert c.one(ADD_HOOK, name("none")) == -errno.ENODEV
            assert c.one(DEL_HOOK, name("va")) == c.one(DEL_HOOK, name("none")) == -errno.ENOENT
            assert c.one(ADD_HOOK, name("")) == c.one(ADD_HOOK, b"x" * 16) == -errno.EINVAL
            assert c.one(ADD_HOOK, name("va")) == 0
            assert c.one(ADD_HOOK, name("va")) == -errno.EEXIST
            assert c.one(ADD_HOOK, name("vb")) == 0
            assert hooks_shown() == ["va", "vb"]
            assert c.one(DEL_HOOK, name("va")) == 0
            assert hooks_shown() == ["vb"]
            c.add(Target(FAR, [output(NEAR, A)]))
        with net.peer(A) as a, net.peer(B) as b:
            b.sendto(net.rtp(1), FAR)
            assert a.recv(2048) == net.rtp(1)
        with Control() as c:
            assert c.one(ADD_HOOK, name("vb")) == -errno.EEXIST and hooks_shown() == ["vb"]
            sh("for n in $(seq 16); do ip link add hook$n type dummy; done")
            try:
                statuses = [c.one(ADD_HOOK, name(f"hook{n}")) for n in range(1, 17)]
                assert statuses == [0] * 15 + [-errno.ENOSPC], statuses
            finally:
                sh("for n in $(seq 16); do ip link del hook$n; done")
            assert hooks_shown() == ["vb"]
    with table(), Control() as c:
        assert hooks_shown() == []


def hooks_shown() -> list[str]:
    with open("/proc/rtpengine/0/status", encoding="ascii") as f:
        return next(line for line in f if line.startswith("Hooks:")).split()[1:]


def verdicts() -> None:
    """The same packets pass as with the rule; what another port gets, goes to the socket."""
    kinds = {"rtp": net.rtp(1), "rtcp": net.rtcp(), "stun": STUN, "dtls": DTLS, "junk": b"\xff" * 20}
    with ingress(abi.RTP | abi.RTP_ONLY | abi.STUN | abi.DTLS) as (c, relay, a, b), \
            net.udp(("10.1.0.1", 30001)) as other:
        for kind, data in kinds.items():
            a.sendto(data, NEAR)
            assert (b if kind in ("rtp", "rtcp") else relay).recv(2048) == data, kind
        a.sendto(net.rtp(2), ("10.1.0.1", 30001))
        assert other.recv(2048) == net.rtp(2)
        assert (c.state(NEAR).counters.packets, c.state(NEAR).counters.passed) == (2, 3)
        c.remove(NEAR)
        a.sendto(net.rtp(3), NEAR)
        assert relay.recv(2048) == net.rtp(3)


def odd_payloads() -> None:
    """Whatever the payload, it arrives unchanged; an empty one, too."""
    with ingress() as (_, _, a, b):
        for data in [*malformed(), b""]:
            a.sendto(data, NEAR)
            assert b.recv(2048) == data, data.hex()


def short_frames() -> None:
    """What a driver added to fill a frame is not sent on."""
    data = net.rtp(1, payload=b"")
    frame = ip4(data, check=0)
    with ingress() as (_, relay, _, b), link("A", "ea") as wire:
        for filler in (0, 1, 18, 500):
            wire.send(_ethernet(_whole_ip4(frame) + bytes(filler)))
            assert b.recv(2048) == data
        assert net.silent(relay, 0.1)


@contextmanager
def link(netns: str, device: str) -> Iterator[socket.socket]:
    """A socket that sends whole frames."""
    net.enter(netns)
    try:
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        s.bind((device, 0))
    finally:
        net.enter("")
    with s:
        yield s


def _mac(device: str) -> bytes:
    with open(f"/sys/class/net/{device}/address", encoding="ascii") as f:
        return bytes.fromhex(f.read().strip().replace(":", ""))


def _ethernet(payload: bytes, kind: int = 0x0800, to: bytes | None = None) -> bytes:
    return (to or _mac("va")) + b"\x02\0\0\0\0\x07" + struct.pack(">H", kind) + payload


def _whole_ip4(packet: bytes, **fields: int) -> bytes:
    """With length and header checksum filled in, which the kernel does only for its raw sockets."""
    raw = bytearray(packet)
    raw[2:4] = struct.pack(">H", fields.get("length", len(raw)))
    raw[10:12] = b"\0\0"
    words = struct.unpack(f">{(raw[0] & 15) * 2}H", raw[:(raw[0] & 15) * 4])
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    raw[10:12] = struct.pack(">H", (~(total + (total >> 16)) & 0xFFFF) ^ fields.get("spoil", 0))
    return bytes(raw)


def frames_left_alone() -> None:
    """Frames for others, broadcast, tagged, with wrong IP headers: none is forwarded, none counts."""
    data = net.rtp(1)
    good = ip4(data)
    source = bytearray(good)
    with ingress() as (c, relay, _, b), link("A", "ea") as wire:
        wire.send(_ethernet(_whole_ip4(good)))
        assert b.recv(2048) == data
        for to in (b"\xff" * 6, bytes.fromhex("01005e000001")):       # the stack takes these
            wire.send(_ethernet(_whole_ip4(good), to=to))
            assert relay.recv(2048) == data
        wire.send(_ethernet(_whole_ip4(good), to=b"\x02\0\0\0\0\x99"))
        wire.send(_ethernet(struct.pack(">HH", 5, 0x0800) + _whole_ip4(good), kind=0x8100))
        wire.send(_ethernet(_whole_ip4(good, spoil=1)))
        wire.send(_ethernet(_whole_ip4(good, length=len(good) + 1)))
        wire.send(_ethernet(_whole_ip4(good, length=27)))
        wire.send(_ethernet(_whole_ip4(good)[:25]))
        wire.send(_ethernet(b"\x55" + _whole_ip4(good)[1:]))
        for ip in ("224.0.0.9", "255.255.255.255", "0.0.0.0", "127.0.0.1"):
            source[12:16] = socket.inet_aton(ip)
            wire.send(_ethernet(_whole_ip4(bytes(source))))
        assert net.silent(b) and net.silent(relay, 0.1)
        assert c.state(NEAR).counters.packets == 1


def odd_headers() -> None:
    """Lengths that lie and wrong checksums are left alone; options and fragments go through the stack to the socket."""
    data = net.rtp(1)
    with ingress() as (c, relay, a, b), raw_ip() as raw:
        def send(packet: bytes) -> None:
            raw.sendto(packet, (NEAR[0], 0))

        send(ip4(data, check=udp_check(data)))
        assert b.recv(2048) == data
        send(ip4(data, options=b"\x01\x01\x01\x00"))
        assert relay.recv(2048) == data
        large = net.rtp(2, payload=bytes(3000))
        a.sendto(large, NEAR)
        assert relay.recv(65536) == large
        for lost in (ip4(data, udp_len=7), ip4(data, udp_len=8 + len(data) + 1), ip4(data, check=0x1234),
                     ip4(data, protocol=136)):
            send(lost)
        assert net.silent(b) and net.silent(relay, 0.1)
        assert c.state(NEAR).counters.packets == 1


def with_a_rule() -> None:
    """What the hook leaves alone the rule may take: fragments are put together and forwarded."""
    with net.Rule(), ingress() as (c, relay, a, b):
        for data in (net.rtp(1), net.rtp(2, payload=bytes(3000))):
            a.sendto(data, NEAR)
            assert b.recv(65536) == data
        assert c.state(NEAR).counters.packets == 2
        assert net.silent(relay, 0.1)


def out_of_fragments() -> None:
    """A large datagram that fits the way in and not the way out is cut up."""
    sh("ip link set va mtu 9000; ip -n A link set ea mtu 9000")
    try:
        with ingress() as (_, _, a, b):
            data = net.rtp(1, payload=os.urandom(6000))
            a.sendto(data, NEAR)
            assert b.recv(65536) == data
    finally:
        sh("ip link set va mtu 1500; ip -n A link set ea mtu 1500")


def coalesced() -> None:
    """What GSO or GRO put together is taken apart and each forwarded; the stack sees nothing of it."""
    packets = [net.rtp(n) for n in range(12)]
    with ingress() as (c, relay, a, b):
        a.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 172)
        a.sendto(b"".join(packets), NEAR)
        assert net.receive(b, 12) == packets
        a.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
        with gathering("rx-udp-gro-forwarding") as release:
            for data in packets:
                a.sendto(data, NEAR)
            release()
            assert net.receive(b, 12) == packets
            assert seen() == 0
        assert net.silent(relay, 0.1)
        assert c.state(NEAR).counters.packets == 24


def header_fields() -> None:
    """TTL one lower, TOS as the output says; a TTL that has run out ends the way."""
    with ingress() as (c, _, a, b):
        c.add(Target(NEAR, [output(FAR, B, tos=0xB8)]), abi.REPLACE)
        for option in (IP_RECVTTL, socket.IP_RECVTOS):
            b.setsockopt(socket.IPPROTO_IP, option, 1)
        for ttl, arrives in ((64, 63), (5, 4), (1, None)):
            a.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            a.sendto(net.rtp(ttl), NEAR)
            if arrives is None:
                assert net.silent(b)
                continue
            _, notes, _, _ = b.recvmsg(2048, 256)
            assert {kind: data[0] for _, kind, data in notes} == {socket.IP_TTL: arrives, socket.IP_TOS: 0xB8}


def vlan() -> None:
    """A hook on the device with the tags leaves them to the VLAN's device, whose own hook takes them."""
    sh("ip link add link va name va.5 type vlan id 5; ip addr add 10.6.0.1/24 dev va.5; ip link set va.5 up;"
       "ip -n A link add link ea name ea.5 type vlan id 5; ip -n A addr add 10.6.0.2/24 dev ea.5;"
       "ip -n A link set ea.5 up")
    near = ("10.6.0.1", 30000)
    try:
        with table(), Control() as c, net.udp(near) as relay, net.udp(("10.6.0.2", 10000), "A") as a, net.peer(B) as b:
            c.add(Target(near, [output(FAR, B)]))
            with Hook(c, "va"):
                a.sendto(net.rtp(1), near)
                assert relay.recv(2048) == net.rtp(1)
            with Hook(c, "va", "va.5"):
                a.sendto(net.rtp(2), near)
                assert b.recv(2048) == net.rtp(2)
            assert c.state(near).counters.packets == 1
    finally:
        sh("ip link del va.5; ip -n A link del ea.5")


def bridge_port() -> None:
    """On a port of a bridge, and on the bridge itself."""
    sh("ip link add br9 type bridge; ip link add pa type veth peer name pb netns A;"
       "ip link set br9 address $(cat /sys/class/net/pa/address); ip link set pa master br9; ip link set pa up;"
       "ip addr add 10.8.0.1/24 dev br9; ip link set br9 up; ip -n A addr add 10.8.0.2/24 dev pb;"
       "ip -n A link set pb up")
    near = ("10.8.0.1", 30000)
    try:
        with table(), Control() as c, net.udp(near) as relay, net.udp(("10.8.0.2", 10000), "A", 5) as a, \
                net.peer(B) as b:
            c.add(Target(near, [output(FAR, B)]))
            for device in ("pa", "br9"):
                before = c.state(near).counters.packets
                with Hook(c, device):
                    a.sendto(net.rtp(1), near)
                    assert b.recv(2048) == net.rtp(1), device
                    assert c.state(near).counters.packets == before + 1
            a.sendto(net.rtp(2), near)
            assert relay.recv(2048) == net.rtp(2)
    finally:
        sh("ip link del br9; ip link del pa")


def martians() -> None:
    """Own addresses as a source, and loops as a destination, are left to the stack, which lets none in."""
    own, loop = (FAR[0], 10000), ("127.0.0.1", NEAR[1])
    with ingress() as (c, relay, _, b), link("A", "ea") as wire, net.udp(loop) as inner:
        def send(number: int, source: str, to: str) -> None:
            wire.send(_ethernet(_whole_ip4(ip4(net.rtp(number), addresses=(source, to)))))

        for expected, further in ((own, ()), (A, (own,)), (A, ())):
            c.add(Target(NEAR, [output(FAR, B)], expect=expected, mismatch=abi.DROP, sources=further), abi.REPLACE)
            send(1, own[0], NEAR[0])
        c.add(Target(loop, [output(FAR, B)]))
        send(1, net.A4, loop[0])
        send(2, net.A4, NEAR[0])
        assert b.recv(2048) == net.rtp(2)
        assert c.state(NEAR).counters.packets == 1 and c.state(loop).counters.packets == 0
        assert net.silent(relay, 0.1) and net.silent(inner, 0.1)


def without_ipv6() -> None:
    """A device whose IPv6 is switched off takes none at the hook either."""
    near, peer = ("fd00:2::1", 30000), (net.A6, 10000)
    with table(), Control() as c, Hook(c, "va"), net.udp(near) as relay, net.udp(peer, "A") as a, net.peer(B) as b, \
            net.udp(("fd00:1::1", 30000)):
        c.add(Target(near, [output(FAR, B)]))
        a.sendto(net.rtp(1), near)
        assert b.recv(2048) == net.rtp(1)
        sh("ip -n A -6 neigh change fd00:1::1 dev ea nud permanent; sysctl -qw net.ipv6.conf.va.disable_ipv6=1")
        try:
            a.sendto(net.rtp(2), near)
            assert net.silent(b, 0.1) and net.silent(relay, 0.1)
            assert c.state(near).counters.packets == 1
        finally:
            sh("sysctl -qw net.ipv6.conf.va.disable_ipv6=0; ip -n A -6 neigh del fd00:1::1 dev ea;"
               "ip addr replace fd00:1::1/64 dev va nodad")


def reverse_path_filter() -> None:
    """Where it is on, a source that routing expects elsewhere is left to the stack, which drops it."""
    data = net.rtp(1)
    odd = bytearray(ip4(data))
    odd[12:16] = socket.inet_aton(net.B4)
    with ingress() as (c, relay, a, b), link("A", "ea") as wire:
        for mode, forwarded in ((0, True), (1, False)):
            sh(f"sysctl -qw net.ipv4.conf.va.rp_filter={mode}")
            wire.send(_ethernet(_whole_ip4(bytes(odd))))
            assert net.silent(b) != forwarded, mode
            a.sendto(data, NEAR)
            assert b.recv(2048) == data
        sh("sysctl -qw net.ipv4.conf.va.rp_filter=0")
        assert net.silent(relay, 0.1)


def ipsec() -> None:
    """With a policy for what comes in packets go through the stack."""
    with ingress() as (c, relay, a, b):
        sh("ip xfrm policy add dir in dst 10.1.0.1/32 proto udp sport 9 action block")
        try:
            a.sendto(net.rtp(1), NEAR)
            assert relay.recv(2048) == net.rtp(1)
        finally:
            sh("ip xfrm policy flush")
        a.sendto(net.rtp(2), NEAR)
        assert b.recv(2048) == net.rtp(2)
        assert c.state(NEAR).counters.packets == 1
