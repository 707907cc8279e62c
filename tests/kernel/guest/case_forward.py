# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls between two namespaces, forwarded by the module; nothing may reach the guest's own sockets."""
import socket

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import Control, Target, output
from tests.kernel.guest.tables import table

A, B = (net.A4, 10000), (net.B4, 20000)
NEAR, FAR = ("10.1.0.1", 30000), ("10.2.0.1", 30002)
IP_RECVTTL = 12


def call(backend: str, left: str, right: str) -> None:
    """A call in both directions: every payload arrives, in order, once, from the right address."""
    a, b = (left, 10000), (right, 20000)
    near, far = (net.PROXY[left], 30000), (net.PROXY[right], 30002)
    with table() as number, net.Rule(number, backend), Control(number) as control, net.udp(near) as relay, \
            net.peer(a) as sa, net.peer(b) as sb:
        control.add(Target(near, [output(far, b)], expect=a))
        control.add(Target(far, [output(near, a)], expect=b))
        for n in range(50):
            sa.sendto(net.rtp(n), near)
            sb.sendto(net.rtp(n, ssrc=5, pt=8), far)
        assert net.receive(sb, 50) == [net.rtp(n) for n in range(50)]
        assert net.receive(sa, 49) == [net.rtp(n, ssrc=5, pt=8) for n in range(49)]
        last, source = sa.recvfrom(2048)
        assert last == net.rtp(49, ssrc=5, pt=8) and source[:2] == near, source
        state = control.state(near)
        assert (state.counters.packets, state.counters.bytes) == (50, 50 * 172), state
        assert (state.outputs[0].counters.packets, state.outputs[0].counters.errors) == (50, 0), state
        assert net.silent(relay)


def v4_legacy() -> None:
    """IPv4 through iptables-legacy."""
    call("legacy", net.A4, net.B4)


def v4_nft() -> None:
    """IPv4 through iptables-nft."""
    call("nft", net.A4, net.B4)


def v6_legacy() -> None:
    """IPv6 through ip6tables-legacy."""
    call("legacy", net.A6, net.B6)


def v6_nft() -> None:
    """IPv6 through ip6tables-nft."""
    call("nft", net.A6, net.B6)


def bridged() -> None:
    """IPv4 on one side, IPv6 on the other, both ways round."""
    call("legacy", net.A4, net.B6)
    call("nft", net.A6, net.B4)


def rtcp() -> None:
    """RTCP goes to its own output, or up where there is none."""
    with table(), net.Rule(), Control() as control, net.udp(NEAR) as relay, net.peer(A) as a, net.peer(B) as b, \
            net.peer((net.B4, 20001)) as b1:
        control.add(Target(NEAR, [output(FAR, B), output(("10.2.0.1", 30003), (net.B4, 20001))], ranges=(0, 1, 1, 2)))
        a.sendto(net.rtp(1), NEAR)
        a.sendto(net.rtcp(), NEAR)
        assert b.recv(2048) == net.rtp(1)
        assert b1.recv(2048) == net.rtcp()
        control.add(Target(NEAR, [output(FAR, B)], ranges=(0, 1, 0, 0)), abi.REPLACE)
        a.sendto(net.rtcp(), NEAR)
        assert relay.recv(2048) == net.rtcp()
        assert control.state(NEAR).counters.passed == 1
        assert net.silent(b) and net.silent(b1)


def many_outputs() -> None:
    """32 outputs, each gets each packet, one family or the other."""
    places = [((net.B4, net.B6)[n % 2], 20000 + n) for n in range(32)]
    socks = [net.peer(p) for p in places]
    with table(), net.Rule(), Control() as control, net.peer(A) as a:
        control.add(Target(NEAR, [output((net.PROXY[p[0]], 31000 + n), p) for n, p in enumerate(places)]))
        for n in range(10):
            a.sendto(net.rtp(n), NEAR)
        for s in socks:
            got = net.receive(s, 10)
            assert got == [net.rtp(n) for n in range(10)], (s.getsockname(), [p[3] for p in got])
            s.close()
        assert [o.counters.packets for o in control.state(NEAR).outputs] == [10] * 32


def mismatch() -> None:
    """A foreign source is let through, dropped or passed up."""
    with table(), net.Rule(), Control() as control, net.udp(NEAR) as relay, net.peer(A) as a, net.peer(B) as b, \
            net.peer((net.A4, 10002)) as other:
        for mode, reaches in ((abi.IGNORE, b), (abi.DROP, None), (abi.PASS, relay)):
            control.add(Target(NEAR, [output(FAR, B)], expect=A, mismatch=mode), abi.REPLACE)
            before = control.state(NEAR).counters
            other.sendto(net.rtp(7, ssrc=9), NEAR)
            a.sendto(net.rtp(8), NEAR)
            if reaches:
                assert reaches.recv(2048) == net.rtp(7, ssrc=9), mode
            assert b.recv(2048) == net.rtp(8), mode
            after = control.state(NEAR).counters
            assert after.errors - before.errors == (mode == abi.DROP)
            assert after.passed - before.passed == (mode == abi.PASS)
        assert net.silent(relay) and net.silent(b)


STUN = bytes.fromhex("000100002112a442") + bytes(12)
DTLS = b"\x16\xfe\xfd" + bytes(20)


def what_passes() -> None:
    """Each flag: who gets RTP, RTCP, STUN, DTLS, junk and an unknown payload type."""
    kinds = {"rtp": net.rtp(1), "rtcp": net.rtcp(), "stun": STUN, "dtls": DTLS, "junk": b"\xff" * 20,
             "pt": net.rtp(2, pt=99)}
    table_of = [
        (abi.RTP, set()), (0, set()), (abi.RTP | abi.RTP_ONLY, {"stun", "dtls", "junk"}),
        (abi.RTP | abi.STUN, {"stun"}),
        (abi.RTP | abi.DTLS, {"dtls"}), (abi.RTP | abi.PT_FILTER, {"pt"}), (abi.RTP | abi.LEARN, set(kinds)),
    ]
    with table(), net.Rule(), Control() as control, net.udp(NEAR) as relay, net.peer(A) as a, net.peer(B) as b:
        for flags, passed in table_of:
            control.add(Target(NEAR, [output(FAR, B)], flags=flags), abi.REPLACE)
            for name, data in kinds.items():
                a.sendto(data, NEAR)
                assert (relay if name in passed else b).recv(2048) == data, (flags, name)
        control.add(Target(NEAR, []), abi.REPLACE)
        a.sendto(net.rtp(3), NEAR)
        assert relay.recv(2048) == net.rtp(3)
        control.add(Target(NEAR, [], flags=abi.RTP | abi.BLACKHOLE), abi.REPLACE)
        before = control.state(NEAR).counters.packets
        a.sendto(net.rtp(4), NEAR)
        assert net.silent(relay) and net.silent(b)
        assert control.state(NEAR).counters.packets == before + 1


def replace_under_traffic() -> None:
    """200 replacements while packets run: none lost, none twice, the counters go on."""
    with table(), net.Rule(), Control() as control, net.udp(NEAR) as relay, net.peer(A) as a, net.peer(B) as b:
        control.add(Target(NEAR, [output(FAR, B)], expect=A))
        sender = net.Sender(a, NEAR)
        sender.start()
        for n in range(200):
            outputs = [output(FAR, B), output(FAR, (net.B4, 9))][:1 + n % 2]
            control.add(Target(NEAR, outputs, expect=A, ranges=(0, 1, 0, 1)), abi.REPLACE)
        sent = sender.stop()
        assert net.receive(b, sent) == [net.rtp(n) for n in range(sent)]
        state = control.state(NEAR)
        assert (state.counters.packets, state.outputs[0].counters.packets) == (sent, sent), (sent, state)
        assert (state.ssrcs[0].packets, state.ssrcs[0].lost, state.ssrcs[0].duplicates) == (sent, 0, 0), state
        assert net.silent(relay) and net.silent(b)


def delete_under_traffic() -> None:
    """While a target comes and goes every packet reaches the peer or the socket, exactly once."""
    with table(), net.Rule(), Control() as control, net.udp(NEAR) as relay, net.peer(A) as a, net.peer(B) as b:
        sender = net.Sender(a, NEAR)
        sender.start()
        for _ in range(100):
            control.add(Target(NEAR, [output(FAR, B)], expect=A))
            control.remove(NEAR)
        sent = sender.stop()
        both = net.receive(b, sent) if not net.silent(b, 0) else []
        relay.settimeout(0.3)
        both += net.receive(relay, sent)
        seen = sorted(int.from_bytes(p[2:4], "big") for p in both)
        missing = set(range(sent)) - set(seen)
        assert len(seen) == len(set(seen)) and len(missing) <= 1, (sent, missing)


def header_fields() -> None:
    """TTL one lower, TOS as the output says, no DF; a TTL that has run out ends the way."""
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B) as b:
        control.add(Target(NEAR, [output(FAR, B, tos=0xB8)]))
        for option in (IP_RECVTTL, socket.IP_RECVTOS):
            b.setsockopt(socket.IPPROTO_IP, option, 1)
        for ttl, arrives in ((64, 63), (255, 64), (5, 4), (1, None)):
            a.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            a.sendto(net.rtp(ttl), NEAR)
            if arrives is None:
                assert net.silent(b)
                assert control.state(NEAR).outputs[0].counters.errors == 1
                continue
            _, notes, _, _ = b.recvmsg(2048, 256)
            fields = {kind: data[0] for _, kind, data in notes}
            assert (fields[socket.IP_TTL], fields[socket.IP_TOS]) == (arrives, 0xB8), (ttl, fields)


def no_table() -> None:
    """A rule without its table, a table without the target: packets go to the socket."""
    with net.Rule(9), net.udp(NEAR) as relay, net.peer(A) as a:
        a.sendto(net.rtp(1), NEAR)
        assert relay.recv(2048) == net.rtp(1)
        with table(9):
            a.sendto(net.rtp(2), NEAR)
            assert relay.recv(2048) == net.rtp(2)


def two_tables() -> None:
    """Tables do not see each other's targets."""
    with table(1), table(2), net.Rule(1), Control(1) as one, Control(2) as two, net.udp(NEAR) as relay, \
            net.peer(A) as a, net.peer(B) as b:
        two.add(Target(NEAR, [output(FAR, B)]))
        a.sendto(net.rtp(1), NEAR)
        assert relay.recv(2048) == net.rtp(1)
        one.add(Target(NEAR, [output(FAR, B)]))
        a.sendto(net.rtp(2), NEAR)
        assert b.recv(2048) == net.rtp(2)
        assert two.state(NEAR).counters.packets == 0
