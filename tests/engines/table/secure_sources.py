# SPDX-License-Identifier: GPL-3.0-or-later
"""SRTP indices: replays, roll-overs, many sources, new keys."""
from __future__ import annotations

import random
from functools import partial

from tests.engines.packets import rtp, sender_report
from tests.engines.scenario import FAILS, Out, Scenario, scenario
from tests.kernel.guest import abi
from tests.peers.srtp import Indices, Keys, seal_rtcp, seal_rtp, suite

IN, OUT = suite("AES_CM_128", 1), suite("AES_CM_128", 2)
PAIRS = {"cm": (IN, OUT), "gcm": (suite("AES_GCM_128", 1), suite("AES_GCM_256", 2)),
         "f8": (suite("AES_F8", 1), suite("AES_F8", 2)), "plain_in": (None, OUT), "plain_out": (IN, None)}


def _at(s: Scenario, keys: Keys, index: int, drop: str = "", **more: object) -> None:
    """A packet with this index, of the target's keys."""
    plain = rtp(index & 0xFFFF, **more)     # type: ignore[arg-type]
    s.send(plain, wire=seal_rtp(keys, plain, index >> 16), drop=drop)


@scenario(secure=True)
def replayed(s: Scenario) -> None:
    """T13: each index once; 127 behind the highest at most."""
    s.add(keys=IN)
    known = Indices()
    for index in (1000, 1001, 1000, 1001, 1010, 1009, 1005, 1005, 1009, 1010, 1003, 1200, 1073, 1072, 1199, 1073, 1010,
                  1327, 1200, 1201, 1199, 1200):
        _at(s, IN, index, drop="" if known.take(index) else "replay")
    s.send(b"", wire=seal_rtp(IN, rtp(1328))[:-1] + b"!", drop="auth")
    _at(s, IN, 1328)


@scenario(secure=True)
def replayed_reports(s: Scenario) -> None:
    """The same for SRTCP, each source for itself."""
    s.add(keys=IN)
    known = Indices()
    for index in (5, 6, 5, 9, 7, 7, 200, 73, 72, 199, 200, 199):
        drop = "" if known.take(index) else "replay"
        s.send(sender_report(), wire=seal_rtcp(IN, sender_report(), index), drop=drop)
        s.send(sender_report(2), wire=seal_rtcp(IN, sender_report(2), index), drop=drop)


def _wrap(s: Scenario, pair: tuple[Keys | None, Keys | None]) -> None:
    """ROC wrap: loss over it, reordering across it, late packets of before; twice. What comes twice is sent once."""
    keys, out = pair
    s.add(keys=keys, outputs=(Out(keys=out), Out("far1", "b1")))
    dice = random.Random(3)
    for lap in range(2):
        base = lap << 16
        order = list(range(base + 65500, base + 65580))
        for n in range(0, 80, 8):
            part = order[n:n + 8]
            dice.shuffle(part)
            order[n:n + 8] = part
        for index in order:
            if index % 7 == 0 or index & 0xFFFF == 0:
                continue
            plain = rtp(index & 0xFFFF, ts=index)
            s.send(plain, wire=seal_rtp(keys, plain, index >> 16) if keys else plain)
            if index % 11 == 0:
                again = {} if keys else {"out": {0: FAILS}}
                s.send(plain, wire=seal_rtp(keys, plain, index >> 16) if keys else plain,
                       drop="replay" if keys else "", **again)      # type: ignore[arg-type]
        for index in range(base + 65580, base + 65536 + 65500, 9000):
            plain = rtp(index & 0xFFFF, ts=index)
            s.send(plain, wire=seal_rtp(keys, plain, index >> 16) if keys else plain)


for _name, _pair in PAIRS.items():
    scenario(name=f"roll_over_{_name}", secure=True)(partial(_wrap, pair=_pair))


@scenario(secure=True)
def begins_before_a_roll_over(s: Scenario) -> None:
    """The first packet heard may be one just before or behind the wrap, and those before it may still come."""
    for n, first in enumerate((65535, 65534, 65530)):
        keys = suite("AES_CM_128", 60 + n)
        s.add(local=f"near{n}", keys=keys)
        for index in (first, 65536, 65533, 65537, 65532, 65600):
            plain = rtp(index & 0xFFFF, ts=index)
            s.send(plain, to=f"near{n}", wire=seal_rtp(keys, plain, index >> 16))


@scenario(secure=True)
def switch_and_back(s: Scenario) -> None:
    """T13: an SSRC that returns goes on in its own roll-over, whatever the others did meanwhile."""
    s.add(keys=IN, outputs=(Out(keys=OUT),))
    for base in range(65400, 65800, 100):
        for ssrc in (1, 2):
            for index in range(base, base + 40, 5):
                _at(s, IN, index, ssrc=ssrc)
    _at(s, IN, 65400, "replay", ssrc=1)


@scenario(secure=True)
def more_sources_than_places(s: Scenario) -> None:
    """Twenty sources in eight places: none loses its roll-over, none can be replayed."""
    s.add(keys=IN, outputs=(Out(keys=OUT),), flags=abi.RTP)
    for lap in range(3):
        for ssrc in range(1, 21):
            for n in range(2):
                _at(s, IN, 65534 + 2 * lap + n, ssrc=ssrc)
            s.send(sender_report(ssrc))
    for ssrc in range(1, 21):
        _at(s, IN, 65535, "replay", ssrc=ssrc)
        s.send(b"", wire=seal_rtcp(IN, sender_report(ssrc), 2), drop="replay")


@scenario(secure=True)
def forged_sources_take_no_place(s: Scenario) -> None:
    """A hundred SSRCs with wrong tags push out none that is good."""
    s.add(keys=IN)
    for ssrc in range(1, 9):
        _at(s, IN, 4000, ssrc=ssrc)
    for ssrc in range(100, 200):
        s.send(b"", wire=seal_rtp(OUT, rtp(1, ssrc=ssrc)), drop="auth")
    for ssrc in range(1, 9):
        _at(s, IN, 4000, "replay", ssrc=ssrc)
        _at(s, IN, 4001, ssrc=ssrc)


@scenario(secure=True)
def new_keys_same_source(s: Scenario) -> None:
    """T13: re-keying. The old keys are worth nothing from then on; under the new ones indices begin anew."""
    old, new = IN, suite("AES_CM_128", 8)
    s.add(keys=old, outputs=(Out(keys=OUT),))
    for n in range(65530, 65545):
        _at(s, old, n)
        s.send(sender_report())
    s.add(keys=new, outputs=(Out(keys=OUT),), replaces=True)
    _at(s, old, 65545, "auth")
    for n in range(9, 15):
        _at(s, new, n)
        s.send(sender_report())
    _at(s, new, 9, "replay")
    s.add(keys=new, outputs=(Out(keys=suite("AES_GCM_128", 5)),), replaces=True)
    for n in range(15, 20):
        _at(s, new, n)
        s.send(sender_report())


@scenario(secure=True)
def same_keys_after_replacement(s: Scenario) -> None:
    """Under the same keys what was seen stays seen and what was used stays used, whatever else is new."""
    s.add(keys=IN, outputs=(Out(keys=OUT),))
    for n in range(65530, 65545):
        _at(s, IN, n)
        s.send(sender_report())
        s.add(keys=IN, outputs=(Out(dst=f"b{n % 3}", keys=OUT), Out("far1", "b7")), replaces=True)
        _at(s, IN, n, "replay")
    s.add(outputs=(Out(keys=OUT),), replaces=True)
    s.send(rtp(65544 - 65536), out={0: FAILS})
    s.send(rtp(65545 - 65536))


@scenario(secure=True)
def duplicates_are_not_encrypted_twice(s: Scenario) -> None:
    """T14: a plain stream with duplicates and restarts never has an index used twice."""
    s.add(outputs=(Out(keys=OUT), Out("far1", "b1", suite("AES_GCM_128", 2))))
    for n, fails in ((10, False), (11, False), (11, True), (9, False), (9, True), (500, False), (373, False),
                     (372, True), (11, True), (501, False)):
        s.send(rtp(n), out={0: FAILS, 1: FAILS} if fails else {})


@scenario(secure=True)
def long_loss(s: Scenario) -> None:
    """Steps up to half the number space keep the roll-over."""
    s.add(keys=IN, outputs=(Out(keys=OUT),))
    index = 100
    for step in (1, 200, 5000, 32000, 32767, 1, 32000, 20000, 65, 32767):
        index += step
        _at(s, IN, index)
