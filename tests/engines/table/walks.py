# SPDX-License-Identifier: GPL-3.0-or-later
"""Random walks: targets of any kind, packets of any kind, replacements and moves, all at once."""
from __future__ import annotations

import random
import struct
from collections import defaultdict
from functools import partial

from tests.engines.packets import rtp, sender_report
from tests.engines.scenario import FAILS, Out, Scenario, Spec, scenario
from tests.kernel.guest import abi
from tests.peers.srtp import CIPHERS, Indices, Keys, seal_rtcp, seal_rtp, suite

SOURCES = (1, 2, 3, 0x80000001)
STEPS = 60


class Walk:
    """One target and four sources."""

    def __init__(self, s: Scenario, seed: int) -> None:
        self.s, self.dice, self.table = s, random.Random(seed), 0
        self.received: defaultdict[tuple[int, bool], Indices] = defaultdict(Indices)
        self.sent: defaultdict[tuple[int, int], Indices] = defaultdict(Indices)
        self.at = dict.fromkeys(SOURCES, 65400)
        self.reports = dict.fromkeys(SOURCES, 0)
        self.keys = self.some_keys()
        self.out_keys = [self.some_keys() for _ in range(self.dice.randrange(1, 5))]
        s.add(self.spec())

    def some_keys(self) -> Keys | None:
        """Of any suite, or none."""
        if self.dice.random() < 0.3:
            return None
        return suite(self.dice.choice(list(CIPHERS)), self.dice.randrange(200), mki=self.dice.choice((b"", b"\1\2")))

    def spec(self) -> Spec:
        """The target with other destinations."""
        outs = tuple(Out(f"far{n}", f"b{self.dice.randrange(3) + 3 * n}", keys) for n, keys in enumerate(self.out_keys))
        return Spec(outs, keys=self.keys, expect="a", mismatch=abi.DROP, flags=abi.RTP | abi.STUN)

    def media(self) -> None:
        """Loss, reordering and repetition, over the wrap."""
        ssrc = self.dice.choice(SOURCES)
        self.at[ssrc] += self.dice.choice((1, 1, 1, 1, 2, 30))
        index = self.at[ssrc] - self.dice.choice((0, 0, 0, 0, 0, 1, 3, 40, 130))
        pt = self.dice.choice((0, 0, 8, 8, 99))
        plain = rtp(index & 0xFFFF, self.dice.randbytes(self.dice.randrange(50)), pt=pt, ssrc=ssrc, ts=index * 160)
        if self.keys and not self.received[ssrc, False].take(index):
            self.s.send(b"", wire=seal_rtp(self.keys, plain, index >> 16), drop="replay", table=self.table)
            return
        wire = seal_rtp(self.keys, plain, index >> 16) if self.keys else plain
        self.s.send(plain, wire=wire, drop="payload_type" if pt == 99 else "", out=self.leaving(plain, ssrc),
                    table=self.table)

    def leaving(self, plain: bytes, ssrc: int) -> dict[int, bytes | str]:
        """Outputs that may not use the index again."""
        seq = struct.unpack_from("!H", plain, 2)[0]
        out: dict[int, bytes | str] = {}
        for n, keys in enumerate(self.out_keys):
            indices = self.sent[n, ssrc]
            if keys and not indices.take(indices.guess(seq)):
                out[n] = FAILS
        return out

    def report(self) -> None:
        """RTCP, sometimes a second time."""
        ssrc = self.dice.choice(SOURCES)
        self.reports[ssrc] += 1
        index = max(0, self.reports[ssrc] - self.dice.choice((1, 1, 1, 2)))
        plain = sender_report(ssrc, index)
        fresh = not self.keys or self.received[ssrc, True].take(index)
        wire = seal_rtcp(self.keys, plain, index) if self.keys else plain
        self.s.send(plain if fresh else b"", wire=wire, drop="" if fresh else "replay", table=self.table)

    def junk(self) -> None:
        """What is not media, and media of others."""
        data = b"\x47" + self.dice.randbytes(20)
        fails: dict[int, bytes | str] = {n: FAILS for n, keys in enumerate(self.out_keys) if keys}
        self.s.send(data, wire=data, drop="malformed" if self.keys else "", out=fails, table=self.table)
        self.s.send(b"", wire=rtp(7, ssrc=9), source="a1", drop="source", table=self.table)
        if self.keys:
            stranger = self.keys.with_(key=bytes(len(self.keys.key)), salt=bytes(len(self.keys.salt)))
            if self.keys.aead or self.keys.rtp_tag:
                self.s.send(b"", wire=seal_rtp(stranger, rtp(9, ssrc=77)), drop="auth", table=self.table)

    def change(self) -> None:
        """A replacement, or a move to the other table."""
        if self.dice.random() < 0.5:
            self.s.add(self.spec(), replaces=True, table=self.table)
        else:
            self.s.move(self.table, 1 - self.table)
            self.table = 1 - self.table


def _walk(s: Scenario, seed: int) -> None:
    walk = Walk(s, seed)
    for _ in range(STEPS):
        walk.dice.choice((walk.media, walk.media, walk.media, walk.media, walk.report, walk.junk, walk.change))()


for _seed in range(12):
    scenario(name=f"walk_{_seed}", tables=2, secure=True)(partial(_walk, seed=_seed))
