# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted of a stream: loss, order, restarts, types, sources. The books say how much."""
from __future__ import annotations

import random

from tests.engines.packets import rtp, sender_report
from tests.engines.scenario import Out, Scenario, scenario
from tests.kernel.guest import abi


@scenario()
def loss_and_order(s: Scenario) -> None:
    """Gaps, late and repeated packets, inside the window and outside."""
    s.add()
    for n in [1, 2, 3, 5, 4, 5, 9, 7, 6, 8, 8, 60, 28, 29, 61, 30, 62, 61, 318, 319, 63, 318, 200]:
        s.send(rtp(n))
    s.check()
    for n in range(320, 700, 3):
        s.send(rtp(n))


@scenario()
def wrap_with_loss_and_reordering(s: Scenario) -> None:
    """T13: the extended number over 65535, twice."""
    s.add()
    order = [65530, 65531, 65533, 65535, 65534, 2, 0, 1, 65532, 65535, 4, 40, 41, 5]
    for n in order + [41 + 250 * k for k in range(1, 270)] + [(n + 20) % 65536 for n in order]:
        s.send(rtp(n))


@scenario()
def restarts(s: Scenario) -> None:
    """A jump larger than any loss is a new beginning, in both directions."""
    s.add()
    for n in (1000, 1256, 1513, 1512, 1256, 1255, 30000, 30001, 500, 501, 65000, 10, 266, 523):
        s.send(rtp(n))


@scenario()
def clocks(s: Scenario) -> None:
    """Jitter by the clock of the type, none without one; steps of another clock do not count."""
    s.add(payload_types=((0, 8000), (96, 90000), (97, 0)))
    dice = random.Random(5)
    for n in range(60):
        s.send(rtp(n, ts=n * 160), gap_us=dice.randrange(40000))
        s.send(rtp(n, pt=96, ssrc=2, ts=n * 3000), gap_us=dice.randrange(9000))
        s.send(rtp(n, pt=97, ssrc=3, ts=dice.randrange(1 << 32)))
        s.send(rtp(n, ssrc=4, ts=n * 160 + (1 << 20) * (n > 30)))


@scenario()
def payload_types(s: Scenario) -> None:
    """Each known type for itself, 32 of them; an unknown one is forwarded and an error."""
    s.add(payload_types=tuple((n * 4, 8000) for n in range(32)))
    for n in range(100):
        s.send(rtp(n, bytes(n), pt=n), drop="payload_type" if n % 4 else "")


@scenario()
def more_sources_than_trackers(s: Scenario) -> None:
    """Eight are tracked; a ninth takes the place of the one silent longest, which begins anew."""
    s.add()
    for n in range(3):
        for ssrc in range(1, 9):
            s.send(rtp(n, ssrc=ssrc))
    s.check()
    for ssrc in (100, 4, 101, 1, 2, 100, 102, 103, 104, 105, 106, 107, 8):
        s.send(rtp(50 + ssrc, ssrc=ssrc))
        s.check()


@scenario()
def sources_come_and_go(s: Scenario) -> None:
    """SSRC switch and back: each goes on where it was."""
    s.add()
    for n in range(120):
        s.send(rtp(65500 + n, ssrc=(1, 2, 1, 3)[n // 10 % 4]))


@scenario()
def exact_bytes(s: Scenario) -> None:
    """Packets of all sizes, both kinds, to three outputs: every byte is in the sums."""
    s.add(outputs=(Out(), Out("far1", "b1"), Out("far2", "b2")), ranges=(0, 2, 1, 3))
    dice = random.Random(9)
    for n in range(80):
        s.send(rtp(n, dice.randbytes(dice.choice((0, 1, 20, 160, 1000, 1400)))))
        s.send(sender_report() * dice.randrange(1, 4))
        s.send(b"\x47" + dice.randbytes(dice.randrange(90)))


@scenario()
def other_than_rtp_counts_as_sums_only(s: Scenario) -> None:
    """Without RTPE_TARGET_RTP nothing is looked at."""
    s.add(flags=0)
    for n in range(10):
        s.send(rtp(n))
        s.send(sender_report())


@scenario()
def one_of_many(s: Scenario) -> None:
    """The counters of a target are its own."""
    for n in range(20):
        s.add(local=f"near{n}", outputs=(Out(f"far{n % 3}", f"b{n}"),), flags=abi.RTP)
    for n in range(100):
        s.send(rtp(n, bytes(n)), to=f"near{n * 7 % 20}")
