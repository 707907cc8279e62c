# SPDX-License-Identifier: GPL-3.0-or-later
"""Where packets go: flags, sources, ranges, many outputs, replacements."""
from __future__ import annotations

import errno

from tests.engines.packets import DTLS, STUN, rtcp, rtp, sender_report
from tests.engines.scenario import Out, Scenario, scenario
from tests.kernel.guest import abi

KINDS = {"rtp": rtp(1), "rtcp": sender_report(), "stun": STUN, "dtls": DTLS, "junk": b"\xff" * 20, "empty": b"",
         "type": rtp(2, pt=99)}
TWO = (Out(), Out("far1", "b1"))


@scenario()
def both_directions(s: Scenario) -> None:
    """A call: each payload once, in order, from the right address."""
    s.add(expect="a", mismatch=abi.DROP)
    s.add(local="far", outputs=(Out("near", "a"),), expect="b", mismatch=abi.DROP)
    for n in range(20):
        s.send(rtp(n, bytes([n]) * 160))
        s.send(rtp(n, bytes([n]) * 33, ssrc=5, pt=8), to="far", source="b")
        if n % 5 == 0:
            s.send(sender_report())
            s.send(sender_report(5), to="far", source="b")


@scenario()
def every_flag(s: Scenario) -> None:
    """Who gets RTP, RTCP, STUN, DTLS, junk, nothing and an unknown payload type."""
    rows = [
        ("near", abi.RTP, "", {}, True),
        ("near1", 0, "", {}, False),
        ("near2", abi.RTP | abi.STUN, "stun", {}, True),
        ("near3", abi.RTP | abi.DTLS, "dtls", {}, True),
        ("near4", abi.RTP | abi.STUN | abi.DTLS, "stun dtls", {}, True),
        ("near5", abi.RTP | abi.RTP_ONLY, "stun dtls junk empty",
         dict.fromkeys(("stun", "dtls", "junk", "empty"), "malformed"), True),
        ("near6", abi.RTP | abi.RTP_ONLY | abi.STUN, "stun dtls junk empty",
         dict.fromkeys(("dtls", "junk", "empty"), "malformed"), True),
        ("near7", abi.RTP | abi.PT_FILTER, "type", {"type": "payload_type"}, True),
        ("near8", abi.STUN, "stun", {}, False),
    ]
    for local, flags, passed, notes, unknown in rows:
        s.add(local=local, flags=flags)
        for name, data in KINDS.items():
            up = name in passed.split()
            s.send(data, to=local, up=up, note=notes.get(name, ""),
                   drop="payload_type" if name == "type" and unknown and not up else "")


@scenario("passing")
def learning_passes_all(s: Scenario) -> None:
    """While sources are learned nothing is forwarded by an accelerator."""
    s.add(flags=abi.RTP | abi.LEARN, expect="a")
    for data in KINDS.values():
        s.send(data, up=True)
    s.send(rtp(5), up=True, source="a1")
    s.add(flags=abi.RTP, expect="a", replaces=True)
    s.send(rtp(6))


@scenario("terminal")
def learning_forwards(s: Scenario) -> None:
    """The relay forwards while it learns."""
    s.add(flags=abi.RTP | abi.LEARN, expect="a")
    for n in range(5):
        s.send(rtp(n), source=f"a{n}")


@scenario()
def only_known_sources(s: Scenario) -> None:
    """SSRCs that no tracker has are passed and counted as errors; no tracker is made for them. RTCP is not judged."""
    s.add(flags=abi.RTP | abi.SSRC_ONLY, ssrcs=(abi.ssrc_state(7, 0x1FFFF), abi.ssrc_state(8, 100)))
    for n in range(4):
        s.send(rtp(n, ssrc=7))
        s.send(rtp(101 + n, ssrc=8))
        s.send(rtp(n, ssrc=9), up=True, drop="ssrc")
        s.send(sender_report(9))


@scenario()
def strangers_dropped(s: Scenario) -> None:
    """From another port, or another side: dropped and counted, nothing else changes."""
    s.add(expect="a", mismatch=abi.DROP)
    for n in range(6):
        s.send(rtp(n))
        s.send(rtp(n + 500, ssrc=666, pt=99), source="a1", drop="source")
        s.send(STUN, source="a3", drop="source")
        s.send(b"", source="a2", drop="source")


@scenario()
def further_sources(s: Scenario) -> None:
    """Of several places that the peer may send from each is as good as the first, and no other is."""
    s.add(expect="a", mismatch=abi.DROP, sources=("a1", "a3"))
    for n in range(0, 12, 3):
        for k, source in enumerate(("a", "a1", "a3")):
            s.send(rtp(n + k), source=source)
            s.send(sender_report(), source=source)
        s.send(rtp(n + 500, ssrc=666), source="a2", drop="source")
    s.add(expect="a2", mismatch=abi.DROP, replaces=True)
    s.send(rtp(12), source="a2")
    for source in ("a", "a1", "a3"):
        s.send(rtp(13), source=source, drop="source")


@scenario()
def strangers_ignored(s: Scenario) -> None:
    """Where the source does not matter all is forwarded."""
    s.add(expect="a", mismatch=abi.IGNORE)
    for n in range(6):
        s.send(rtp(n), source=f"a{n % 3}")


@scenario("passing")
def strangers_passed(s: Scenario) -> None:
    """To the socket, which may learn from them."""
    s.add(expect="a", mismatch=abi.PASS)
    for n in range(6):
        s.send(rtp(n))
        s.send(rtp(n, ssrc=9), source="a1", up=True)


@scenario("terminal")
def strangers_forwarded(s: Scenario) -> None:
    """Where nothing lies behind there is nobody to pass them to."""
    s.add(expect="a", mismatch=abi.PASS)
    for n in range(6):
        s.send(rtp(n), source=f"a{n % 2}")


@scenario()
def ranges(s: Scenario) -> None:
    """RTP and RTCP have outputs of their own, that may overlap."""
    outputs = tuple(Out(f"far{n}", f"b{n}") for n in range(4))
    s.add(outputs=outputs, ranges=(0, 2, 2, 4))
    s.add(local="near1", outputs=outputs, ranges=(0, 3, 1, 4))
    s.add(local="near2", outputs=outputs, ranges=(3, 4, 0, 1))
    for local in ("near", "near1", "near2"):
        for n in range(3):
            s.send(rtp(n), to=local)
            s.send(sender_report(), to=local)
            s.send(STUN, to=local)


@scenario("passing")
def no_output_passes(s: Scenario) -> None:
    """What has no output goes up: RTCP alone, or everything."""
    s.add(outputs=(Out(),), ranges=(0, 1, 0, 0))
    s.send(rtp(1))
    s.send(sender_report(), up=True)
    s.add(local="near1", outputs=())
    for data in KINDS.values():
        s.send(data, to="near1", up=True)


@scenario("terminal")
def no_output_ends(s: Scenario) -> None:
    """What has no output ends here, received and counted."""
    s.add(outputs=(Out(),), ranges=(0, 1, 0, 0))
    s.send(rtp(1))
    s.send(sender_report())
    s.add(local="near1", outputs=())
    s.send(rtp(2), to="near1")
    s.send(sender_report(), to="near1")


@scenario()
def blackhole(s: Scenario) -> None:
    """Wanted nowhere: consumed, tracked, counted as such; STUN still goes up."""
    s.add(outputs=(), flags=abi.RTP | abi.BLACKHOLE | abi.STUN)
    for n in range(5):
        s.send(rtp(n), note="blackhole")
        s.send(sender_report(), note="blackhole")
        s.send(STUN, up=True)
    s.add(local="near1", outputs=(Out(),), ranges=(0, 1, 0, 0), flags=abi.RTP | abi.BLACKHOLE)
    s.send(rtp(1), to="near1")
    s.send(sender_report(), to="near1", note="blackhole")


@scenario()
def thirty_two_outputs(s: Scenario) -> None:
    """The most there can be; one more is refused."""
    outputs = tuple(Out(f"far{n}", f"b{n}") for n in range(32))
    s.refuse(errno.ERANGE, outputs=outputs + (Out(),))
    s.add(outputs=outputs)
    for n in range(4):
        s.send(rtp(n, bytes([n]) * (1 + 400 * n)))
        s.send(sender_report())


@scenario()
def replaced(s: Scenario) -> None:
    """Counters go on, also those of outputs at the same place with the same source; others begin at zero."""
    s.add(outputs=TWO)
    s.send(rtp(1))
    s.refuse(errno.EEXIST, outputs=TWO)
    s.add(outputs=(Out("far", "b2"), Out("far3", "b3")), replaces=True)
    s.send(rtp(2))
    s.add(outputs=(Out("far", "b2"),), replaces=True, payload_types=((8, 8000), (96, 90000)))
    s.send(rtp(3), drop="payload_type")
    s.send(rtp(4, pt=96))
    s.add(outputs=(), flags=abi.RTP | abi.BLACKHOLE, replaces=True)
    s.send(rtp(5), note="blackhole")
    s.add(outputs=TWO, replaces=True)
    s.send(rtp(6))


@scenario()
def removed_and_made_anew(s: Scenario) -> None:
    """A new target begins at zero, in whatever memory it lies."""
    for n in range(5):
        s.add(outputs=TWO[:1 + n % 2])
        s.send(rtp(n, ssrc=n))
        s.send(rtp(n, ssrc=n, pt=99), drop="payload_type")
        s.check(remove=True)
    s.add()
    s.send(rtp(9))


@scenario()
def half_a_pair_refused(s: Scenario) -> None:
    """A refused replacement leaves the target as it was."""
    s.add()
    s.send(rtp(1))
    s.refuse(errno.EINVAL, replaces=True, count=2)
    s.refuse(errno.EINVAL, replaces=True, flags=1 << 30)
    s.refuse(errno.EINVAL, replaces=True, payload_types=((8, 1), (0, 1)))
    s.refuse(errno.ERANGE, replaces=True, payload_types=tuple((n, 8000) for n in range(33)))
    s.send(rtp(2))
    s.send(rtcp(0, 201, b"SSRC"))
