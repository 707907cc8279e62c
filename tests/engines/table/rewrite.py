# SPDX-License-Identifier: GPL-3.0-or-later
"""What outputs change: rules, sources, header extensions, MID, feedback; plain and before encryption."""
from __future__ import annotations

import random
import struct

from tests.core.test_extmap import Case, edited, some_case
from tests.engines.packets import SSRC, extension, rtcp, rtp, sender_report
from tests.engines.scenario import FAILS, LEFT_OUT, Out, Scenario, scenario
from tests.kernel.guest import abi
from tests.kernel.guest.case_rewrite import extensions, maps, mid, others, rule, rules, ssrc_map
from tests.peers.srtp import suite


@scenario()
def sources_and_numbers(s: Scenario) -> None:
    """SSRC and sequence number, over the wrap, of those named and no others."""
    s.add(outputs=(Out(more=maps(ssrc_map(SSRC, 0xCAFE, 10), ssrc_map(7, 8, 0xFFFF))), Out("far1", "b1")))
    for seq in range(65520, 65560):
        for ssrc, new, offset in ((SSRC, 0xCAFE, 10), (7, 8, -1), (9, 9, 0)):
            s.send(rtp(seq, ssrc=ssrc), out={0: rtp(seq + offset, ssrc=new, ts=seq * 160)})


@scenario()
def sources_without_a_name(s: Scenario) -> None:
    """Every SSRC but those named is another one on the other side, and itself again when it comes back in a report."""
    mask = 0x5A5A0001
    s.add(outputs=(Out(more=maps(ssrc_map(SSRC, 0xCAFE, 10), others(mask))),
                   Out("far1", "b1", more=maps(others(mask)))))
    for ssrc in (7, 0xFFFFFFFF, 0):
        s.send(rtp(1, ssrc=ssrc), out={n: rtp(1, ssrc=ssrc ^ mask) for n in (0, 1)})
    s.send(rtp(1), out={0: rtp(11, ssrc=0xCAFE, ts=160), 1: rtp(1, ssrc=SSRC ^ mask)})

    def reports(sender: int, source: int, up: int = 0) -> bytes:
        return (rtcp(1, 201, struct.pack(">IIIIIII", sender, source, 0, 0x10100 + up, 1, 2, 3))
                + rtcp(15, 206, struct.pack(">II4s4sI", sender, 0, b"REMB", b"\1abc", source)))
    s.send(reports(7, 7 ^ mask), out={n: reports(7 ^ mask, 7) for n in (0, 1)})
    s.send(reports(7, SSRC), out={0: reports(7 ^ mask, 0xCAFE, 10), 1: reports(7 ^ mask, SSRC ^ mask)})


@scenario()
def sources_in_reports(s: Scenario) -> None:
    """The same in reports, descriptions, goodbyes and feedback."""
    s.add(outputs=(Out(more=maps(ssrc_map(1, 11, 5), ssrc_map(2, 12, 0xFFFE))), Out("far1", "b1")))

    def compound(first: int, second: int, up: int, down: int) -> bytes:
        report = struct.pack(">IIIIII", second, 0, 0x10100 + down, 1, 2, 3)
        return (rtcp(1, 200, struct.pack(">IQIII", first, 1, 2, 3, 4) + report)
                + rtcp(2, 202, struct.pack(">I", first) + b"\1\1x\0" + struct.pack(">I", second) + b"\1\2xy\0\0\0\0")
                + rtcp(2, 203, struct.pack(">II", second, 77)) + rtcp(1, 204, struct.pack(">I", first) + b"name")
                + rtcp(1, 205, struct.pack(">IIHH", second, first, 0x100 + up, 0xFFFF))
                + rtcp(4, 206, struct.pack(">IIII", first, 0, second, 7))
                + rtcp(15, 206, struct.pack(">II4s4sII", first, 0, b"REMB", b"\2abc", second, 99))
                + rtcp(0, 207, struct.pack(">IBBHIHH", first, 1, 0, 2, second, 0x200 + down, 0x300 + down)))

    s.send(compound(1, 2, 0, 0), out={0: compound(11, 12, 5, -2)})
    s.send(compound(3, 4, 0, 0))
    s.send(compound(1, 2, 0, 0)[:-4] + b"\0", out={0: FAILS})


@scenario()
def payload_rules(s: Scenario) -> None:
    """Blackholed and short payloads stay; patterns spare the padding; what lies about padding has no payload."""
    some = rules(rule(0, blackhole=True), rule(8, min_payload=20), rule(9, pattern=b"abc"),
                 rule(10, min_payload=1, pattern=b"\xd5"))
    s.add(outputs=(Out(more=some), Out("far1", "b1")), payload_types=tuple((n, 8000) for n in (0, 8, 9, 10)))
    s.send(rtp(1), out={0: LEFT_OUT})
    s.send(rtp(2, b"x" * 19, pt=8), out={0: LEFT_OUT})
    s.send(rtp(3, b"x" * 20, pt=8))
    s.send(rtp(4, b"1234567", pt=9), out={0: rtp(4, b"abcabca", pt=9)})
    s.send(rtp(5, b"1234567", pt=9, padding=b"\0\0\3"), out={0: rtp(5, b"abcabca", pt=9, padding=b"\0\0\3")})
    s.send(rtp(6, b"x" * 1400, pt=10), out={0: rtp(6, b"\xd5" * 1400, pt=10)})
    for n, padding in enumerate((b"\0", b"\x05", b"\xff", b"\1")):
        s.send(rtp(7 + n, b"", pt=10, padding=padding), out={0: LEFT_OUT})
        s.send(rtp(7 + n, b"abc", pt=9, padding=padding),
               out={} if padding != b"\1" else {0: rtp(7 + n, b"abc", pt=9, padding=padding)})
    s.send(rtp(20, b"", pt=9))
    s.send(rtp(21, b"", pt=10), out={0: LEFT_OUT})
    s.send(rtp(22, b"with", pt=9, csrcs=bytes(8), extension=extension(b"\x10A")),
           out={0: rtp(22, b"abca", pt=9, csrcs=bytes(8), extension=extension(b"\x10A"))})


@scenario()
def feedback_stays(s: Scenario) -> None:
    """Reports go on without it; feedback alone is left out; a compound that does not add up is not sent."""
    report, pli, nack = rtcp(0, 201, b"SSRC"), rtcp(1, 206, b"SSRCmedi"), rtcp(1, 205, b"SSRCmedi\0\1\0\0")
    s.add(outputs=(Out(flags=abi.STRIP_FEEDBACK), Out("far1", "b1")))
    s.send(report + pli, out={0: report})
    s.send(pli, out={0: LEFT_OUT})
    s.send(pli + nack, out={0: LEFT_OUT})
    s.send(nack + report + pli + report, out={0: report + report})
    s.send(sender_report())
    s.send(report + pli + b"\x80\xc9\0\7", out={0: FAILS})
    s.send(report + b"\x80", out={0: FAILS})


@scenario()
def header_extensions(s: Scenario) -> None:
    """A MID put in, replaced, converted to the two-byte form; what is not allowed stays behind."""
    rows = [
        (mid(3, b"m"), b"", extension(b"\x30m")),
        (mid(3, b"m"), extension(b"\x10A\x31xy"), extension(b"\x30m\x10A")),
        (mid(20, b"m"), extension(b"\x10A\x20B"), extension(b"\x14\1m\1\1A\2\1B", 0x1000)),
        (mid(3, b"m" * 40), extension(b"\x10A"), extension(b"\3\x28" + b"m" * 40 + b"\1\1A", 0x1000)),
        (extensions(2), extension(b"\x10A\x20B"), extension(b"\x20B")),
        (extensions(), extension(b"\x10A\x20B"), b""),
        (extensions(2) + mid(3, b"m"), extension(b"\x10A", 0xC0DE), extension(b"\x10A", 0xC0DE)),
        (extensions(1), extension(b"\x10A\xf0B\x10C"), extension(b"\x10A")),
        (extensions(1), extension(b"\x00\x00\x10A"), extension(b"\x00\x00\x10A")),
        (extensions(200), extension(b"\xc8\1A\1\2BC", 0x1001), extension(b"\xc8\1A", 0x1001)),
    ]
    for n, (more, before, after) in enumerate(rows):
        s.add(local=f"near{n}", outputs=(Out(more=more), Out("far1", "b1")))
        for k in range(3):
            csrcs = bytes(range(4 * k))
            s.send(rtp(k, csrcs=csrcs, extension=before), to=f"near{n}",
                   out={0: rtp(k, csrcs=csrcs, extension=after)})
        s.send(sender_report(), to=f"near{n}")


@scenario()
def header_extensions_of_all_kinds(s: Scenario) -> None:
    """T16: valid, odd and broken ones leave as a second implementation says."""
    dice, done = random.Random(11), 0
    while done < 60:
        case = some_case(dice)
        case = Case(case.packet, case.allowed, case.mid, 65535)
        wanted = edited(case)
        if len(case.packet) > 1400 or wanted is None or not case.mid and case.allowed is None:
            continue
        if len(wanted) - len(case.packet) > (len(case.mid[1]) + 4 if case.mid else 0):
            continue        # elements that are converted may find no room
        more = (b"" if case.allowed is None else extensions(*case.allowed)) + (mid(*case.mid) if case.mid else b"")
        s.add(outputs=(Out(more=more),), flags=0, replaces=bool(done))
        s.send(case.packet, out={0: wanted})
        done += 1


@scenario(secure=True)
def changed_and_encrypted(s: Scenario) -> None:
    """All of it between decryption and encryption: under the new SSRC and number."""
    into, out = suite("AES_CM_128", 1), suite("AES_GCM_128", 2)
    more = (maps(ssrc_map(SSRC, 0xCAFE, 100)) + rules(rule(8, blackhole=True), rule(9, pattern=b"\0"))
            + extensions(2) + mid(3, b"video"))
    s.add(keys=into, outputs=(Out(keys=out, more=more, flags=abi.STRIP_FEEDBACK), Out("far1", "b1", out)),
          payload_types=((0, 8000), (8, 8000), (9, 8000)))
    for seq in range(65400, 65600):
        wanted = rtp(seq + 100, ssrc=0xCAFE, ts=seq * 160, extension=extension(b"\x34video\x20B"))
        s.send(rtp(seq, extension=extension(b"\x10A\x20B")), out={0: wanted})
    s.send(rtp(65600, pt=8), out={0: LEFT_OUT})
    s.send(rtp(65601, b"speech", pt=9),
           out={0: rtp(65701, bytes(6), pt=9, ssrc=0xCAFE, ts=65601 * 160, extension=extension(b"\x34video"))})
    feedback = rtcp(1, 206, b"SSRCmedi")
    s.send(sender_report() + feedback, out={0: sender_report(0xCAFE)})
    s.send(feedback, out={0: LEFT_OUT})


@scenario()
def each_output_for_itself(s: Scenario) -> None:
    """32 outputs, each with changes of its own; none sees another's."""
    s.add(outputs=tuple(Out(f"far{n}", f"b{n}", more=maps(ssrc_map(SSRC, n, n)) + mid(1, b"m" * (n + 1))
                            + rules(rule(0, pattern=bytes([n])), rule(8, blackhole=n % 3 == 0))) for n in range(32)))
    for seq in (65520, 65535, 0):
        s.send(rtp(seq), out={n: edited(Case(rtp(seq + n, bytes([n]) * 20, ssrc=n, ts=seq * 160), None,
                                             (1, b"m" * (n + 1)), 999)) or b"" for n in range(32)})
        s.send(rtp(seq, pt=8), out={n: LEFT_OUT if n % 3 == 0 else edited(
            Case(rtp(seq + n, pt=8, ssrc=n, ts=seq * 160), None, (1, b"m" * (n + 1)), 999)) or b""
            for n in range(32)})
