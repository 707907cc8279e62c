# SPDX-License-Identifier: GPL-3.0-or-later
"""What outputs change: rules by payload type, sources, header extensions, RTCP; and which ones a packet goes to."""
import random
import struct

from tests.core.test_extmap import Case, edited, some_case
from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import Control, Target, output, part
from tests.kernel.guest.tables import error, table

A, B = (net.A4, 10000), (net.B4, 20000)
NEAR, FAR = ("10.1.0.1", 30000), ("10.2.0.1", 30002)
SSRC = 0x11223344


def ssrc_map(old: int, new: int, offset: int = 0) -> bytes:
    """rtpe_ssrc_map."""
    return struct.pack(">II", old, new) + struct.pack("<H6x", offset)


def others(mask: int, old: int = 0, offset: int = 0) -> bytes:
    """rtpe_ssrc_map for every SSRC that has none."""
    return struct.pack(">II", old, mask) + struct.pack("<HH4x", offset, 1)


def rule(number: int, blackhole: bool = False, min_payload: int = 0, pattern: bytes = b"") -> bytes:
    """rtpe_rule."""
    return struct.pack("<BBHB3x16s", number, blackhole, min_payload, len(pattern), pattern)


def extensions(*ids: int) -> bytes:
    """RTPE_PART_EXTENSIONS."""
    return part(abi.EXTENSIONS, sum(1 << n for n in ids).to_bytes(32, "little"))


def mid(number: int, text: bytes) -> bytes:
    """RTPE_PART_MID."""
    return part(abi.MID, struct.pack("<BB6x256s", number, len(text), text))


def group(rtp: tuple[int, int], rtcp: tuple[int, int], text: bytes = b"") -> bytes:
    """rtpe_group."""
    return struct.pack("<5B3x256s", *rtp, *rtcp, len(text), text)


def maps(*entries: bytes) -> bytes:
    """RTPE_PART_SSRC_MAP."""
    return part(abi.SSRC_MAP, b"".join(entries), len(entries))


def rules(*entries: bytes) -> bytes:
    """RTPE_PART_RULES."""
    return part(abi.RULES, b"".join(entries), len(entries))


def extended(elements: bytes, seq: int = 1, pt: int = 0, profile: int = 0xBEDE, payload: bytes = b"payload",
             ssrc: int = SSRC) -> bytes:
    """RTP with a header extension (RFC 8285)."""
    padded = elements + bytes(-len(elements) % 4)
    return struct.pack(">BBHIIHH", 0x90, pt, seq, 1, ssrc, profile, len(padded) // 4) + padded + payload


def rtcp(count: int, kind: int, body: bytes) -> bytes:
    """One RTCP packet."""
    return struct.pack(">BBH", 0x80 | count, kind, len(body) // 4) + body


def many_outputs() -> None:
    """One packet in, 32 different ones out, in both families: each copy is rewritten for itself."""
    places = [((net.B4, net.B6)[n % 2], 20000 + n) for n in range(32)]
    socks = [net.peer(p) for p in places]
    outputs = [output((net.PROXY[p[0]], 30002 + n), p, more=maps(ssrc_map(SSRC, n, n)) + mid(1, b"m" * (n + 1))
                      + rules(rule(0, pattern=bytes([n])), rule(8, blackhole=n % 3 == 0)))
               for n, p in enumerate(places)]
    with table(), net.Rule(), Control() as control, net.peer(A) as a:
        control.add(Target(NEAR, outputs))
        for seq in (65520, 65535, 0):
            a.sendto(net.rtp(seq), NEAR)
            a.sendto(net.rtp(seq, pt=8), NEAR)
            for n, sock in enumerate(socks):
                case = Case(net.rtp(seq + n, ssrc=n, ts=seq * 160, payload=bytes([n]) * 160), None,
                            (1, b"m" * (n + 1)), 1000)
                assert sock.recv(2048) == edited(case), (seq, n)
                if n % 3:
                    assert sock.recv(2048)[1] == 8
        state = control.state(NEAR)
        for n, o in enumerate(state.outputs):
            assert (o.counters.packets, o.counters.passed) == ((6, 0) if n % 3 else (3, 3)), (n, o)
        assert all(net.silent(sock, 0.01) for sock in socks)
    for sock in socks:
        sock.close()


def payload_rules() -> None:
    """Blackholed and short payloads do not leave and are counted as passed by; patterns spare the padding."""
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B) as b, net.udp(NEAR) as relay:
        control.add(Target(NEAR, [output(FAR, B, more=rules(
            rule(0, blackhole=True), rule(8, min_payload=20), rule(9, pattern=b"abc"), rule(127, pattern=b"\xd5")))]))
        padded = b"\xa0" + net.rtp(5, pt=9)[1:12] + b"1234567\0\0\3"
        for packet in (net.rtp(1), net.rtp(2, pt=8, payload=b"x" * 19), net.rtp(3, pt=8, payload=b"x" * 20),
                       net.rtp(4, pt=9, payload=b"1234567"), padded, net.rtp(6, pt=127, payload=b"x" * 1400),
                       net.rtp(7, pt=96)):
            a.sendto(packet, NEAR)
        assert net.receive(b, 5) == [
            net.rtp(3, pt=8, payload=b"x" * 20), net.rtp(4, pt=9, payload=b"abcabca"), padded[:12] + b"abcabca\0\0\3",
            net.rtp(6, pt=127, payload=b"\xd5" * 1400), net.rtp(7, pt=96)]
        state = control.state(NEAR)
        assert state.counters.packets == 7 and state.outputs[0].counters.passed == 2, state
        assert net.silent(relay) and net.silent(b, 0.01)


def sources() -> None:
    """SSRC and sequence number over the wrap, of those sources that are named and no others."""
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B) as b:
        control.add(Target(NEAR, [output(FAR, B, more=maps(ssrc_map(SSRC, 0xCAFE, 10), ssrc_map(7, 8, 0xFFFF)))]))
        for seq in range(65520, 65560):
            for ssrc, new, offset in ((SSRC, 0xCAFE, 10), (7, 8, -1), (9, 9, 0)):
                a.sendto(net.rtp(seq, ssrc=ssrc), NEAR)
                assert b.recv(2048) == net.rtp(seq + offset, ssrc=new, ts=seq * 160), (seq, ssrc)


def sources_in_rtcp() -> None:
    """The same sources and numbers in reports, descriptions, goodbyes and feedback."""
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B) as b:
        control.add(Target(NEAR, [output(FAR, B, more=maps(ssrc_map(1, 11, 5), ssrc_map(2, 12, 0xFFFE)))]))

        def compound(first: int, second: int, offset: int) -> bytes:
            report = struct.pack(">IIIIII", second, 0, 0x10100 + offset, 1, 2, 3)
            return (rtcp(1, 200, struct.pack(">IQIII", first, 1, 2, 3, 4) + report)
                    + rtcp(1, 202, struct.pack(">I", first) + b"\1\1x\0") + rtcp(1, 203, struct.pack(">I", second))
                    + rtcp(1, 205, struct.pack(">IIHH", first, second, 0x100 + offset, 0xFFFF))
                    + rtcp(15, 206, struct.pack(">II4s4sII", first, 0, b"REMB", b"\2abc", second, 99)))

        a.sendto(compound(1, 2, 0), NEAR)
        assert b.recv(2048) == compound(11, 12, -2)


def feedback() -> None:
    """Feedback stays behind; a compound that does not add up is not sent, and counted."""
    report, pli = rtcp(0, 201, b"SSRC"), rtcp(1, 206, b"SSRCmedi")
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B) as b, net.udp(NEAR) as relay:
        control.add(Target(NEAR, [output(FAR, B, flags=abi.STRIP_FEEDBACK)]))
        for packet in (report + pli, pli, report + pli + b"\x80\xc9\0\7", report + pli + report):
            a.sendto(packet, NEAR)
        assert net.receive(b, 2) == [report, report + report]
        state = control.state(NEAR)
        assert (state.outputs[0].counters.passed, state.outputs[0].counters.errors) == (1, 1), state
        assert state.drops == {"send": 1} and net.silent(relay) and net.silent(b, 0.01)


def header_extensions() -> None:
    """A MID put in, replaced, converted to the two-byte form; what is not allowed stays behind."""
    rows = [
        (mid(3, b"m"), net.rtp(1), extended(b"\x30m", 1, payload=b"\xd5" * 160)),
        (mid(3, b"m"), extended(b"\x10A\x31xy"), extended(b"\x30m\x10A")),
        (mid(20, b"m"), extended(b"\x10A\x20B"), extended(b"\x14\1m\1\1A\2\1B", profile=0x1000)),
        (mid(3, b"m" * 40), extended(b"\x10A"), extended(b"\3\x28" + b"m" * 40 + b"\1\1A", profile=0x1000)),
        (extensions(2), extended(b"\x10A\x20B"), extended(b"\x20B")),
        (extensions(), extended(b"\x10A\x20B"), net.rtp(1, ts=1, payload=b"payload")),
        (extensions(2) + mid(3, b"m"), extended(b"\x10A", profile=0xC0DE), extended(b"\x10A", profile=0xC0DE)),
    ]
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B) as b:
        for more, sent, expected in rows:
            control.add(Target(NEAR, [output(FAR, B, more=more)]), abi.REPLACE)
            expected = expected[:4] + sent[4:8] + expected[8:]      # the timestamp does not matter here
            a.sendto(sent, NEAR)
            got = b.recv(2048)
            assert got == expected, (sent.hex(), got.hex(), expected.hex())


def header_extensions_of_all_kinds() -> None:
    """T16: valid, odd and broken headers leave as the second implementation says, or not at all."""
    dice = random.Random(16)
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B, 5) as b:
        for n in range(400):
            case = some_case(dice)
            if case.allowed is None and case.mid is None:
                continue        # nothing is looked at then
            case = Case(case.packet, case.allowed, case.mid, 65535)
            more = (b"" if case.allowed is None else extensions(*case.allowed)) + (mid(*case.mid) if case.mid else b"")
            control.add(Target(NEAR, [output(FAR, B, more=more)]), abi.REPLACE)
            a.sendto(case.packet, NEAR)
            if control.state(NEAR).outputs[0].counters.errors:      # many elements that had to be converted
                assert len(edited(case) or b"") - len(case.packet) > 14, case
                control.remove(NEAR)
                continue
            got = b.recv(65536)
            assert got == edited(case), (n, case, got.hex())


def large_packets() -> None:
    """A packet that outgrows the MTU is cut up by the stack, as one of our own."""
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B) as b:
        control.add(Target(NEAR, [output(FAR, B, more=mid(200, b"m" * 255))]))
        for size in (1200, 1440, 1472 - 12, 4000, 20000):
            packet = net.rtp(1, payload=bytes(range(256)) * (size // 256))
            a.sendto(packet, NEAR)
            assert b.recv(65536) == edited(Case(packet, None, (200, b"m" * 255), 1000)), size


def media_sections() -> None:
    """By MID, by what the source's MID was, by payload type, else the first; RTCP by its sources."""
    places = [(net.B4, 20000 + n) for n in range(4)]
    socks = [net.peer(p, 0.5) for p in places]
    types = b"".join(struct.pack("<BBHI", number, section, 0, 8000) for number, section in ((0, 0), (97, 1)))
    groups = part(abi.GROUPS, group((0, 1), (2, 3), b"a") + group((1, 2), (3, 4), b"v"), 2)

    def where(control: Control, packet: bytes) -> int:
        a.sendto(packet, NEAR)
        (found,) = [n for n, sock in enumerate(socks) if not net.silent(sock, 0.05)]
        return found

    with table(), net.Rule(), Control() as control, net.peer(A) as a:
        target = Target(NEAR, [output((FAR[0], 30002 + n), p) for n, p in enumerate(places)], ranges=(0, 0, 0, 0),
                        payload_types=(), mid_id=4, more=part(abi.PAYLOAD_TYPES, types, 2) + groups)
        control.add(target)
        assert where(control, net.rtp(1)) == 0
        assert where(control, net.rtp(2, pt=97, ssrc=2)) == 1
        assert where(control, net.rtp(2, pt=50, ssrc=3)) == 0
        assert where(control, extended(b"\x40v", 2)) == 1
        assert where(control, net.rtp(3)) == 1
        assert where(control, rtcp(0, 201, struct.pack(">I", SSRC))) == 3
        assert where(control, rtcp(0, 201, struct.pack(">I", 2))) == 3
        assert where(control, rtcp(0, 201, struct.pack(">I", 3))) == 2
        control.add(target, abi.REPLACE)
        assert where(control, net.rtp(4)) == 1
        assert where(control, extended(b"\x40a", 5)) == 0
        assert where(control, net.rtp(6)) == 0
    for sock in socks:
        sock.close()


def refused() -> None:
    """What ADD_TARGET does not take in these parts."""
    bad = [
        (mid(0, b"m"), "EINVAL"), (mid(15, b"m"), "EINVAL"), (mid(1, b""), "EINVAL"),
        (maps(ssrc_map(1, 2), ssrc_map(1, 3)), "EINVAL"), (maps(*[ssrc_map(n, 0) for n in range(33)]), "ERANGE"),
        (maps(others(1), ssrc_map(1, 2)), "EINVAL"), (maps(others(1, old=5)), "EINVAL"),
        (maps(others(1, offset=5)), "EINVAL"), (maps(struct.pack("<IIHH4x", 0, 1, 0, 2)), "EINVAL"),
        (rules(rule(128)), "EINVAL"), (rules(rule(8), rule(8)), "EINVAL"),
        (rules(*[rule(n) for n in range(33)]), "ERANGE"),
        (rules(struct.pack("<BBHB3x16s", 1, 0, 0, 17, b"")), "EINVAL"),
    ]
    with table(), Control() as control:
        targets = [(Target(NEAR, [output(FAR, B, more=more)]), name) for more, name in bad]
        for groups, name in ((group((0, 2), (0, 1)), "EINVAL"), (group((1, 0), (0, 1)), "EINVAL"),
                             (group((0, 1), (0, 1), b"a") * 2, "EINVAL"), (group((0, 1), (0, 1)) * 9, "ERANGE")):
            more = part(abi.GROUPS, groups, len(groups) // 264)
            targets.append((Target(NEAR, [output(FAR, B)], ranges=(0, 0, 0, 0), more=more), name))
        for made, name in targets:
            assert error(lambda made=made: control.add(made)) == name, made     # type: ignore[misc]
        assert control.one(abi.GET, abi.addr(NEAR)) < 0
