# SPDX-License-Identifier: GPL-3.0-or-later
"""Interception: which packets are copied, decrypted and whole, and what a reader that does not read costs."""
from __future__ import annotations

from functools import partial

from tests.engines.packets import STUN, rtcp, rtp, sender_report
from tests.engines.scenario import LEFT_OUT, Out, Scenario, scenario
from tests.kernel.guest import abi
from tests.kernel.guest.case_rewrite import maps, rule, rules, ssrc_map
from tests.peers.srtp import Keys, seal_rtp, suite

FEEDBACK = rtcp(1, 206, b"SSRCmedi")


def _recorded(s: Scenario, keys: Keys | None) -> None:
    """Everything in one stream, RTCP in another; what outputs change is not in the copies, what is dropped neither."""
    s.intercept("all")
    s.intercept("reports")
    s.add(streams=("all", "reports"), keys=keys, flags=abi.RTP | abi.STUN, expect="a", mismatch=abi.DROP,
          outputs=(Out(keys=suite("AES_CM_128", 4), more=maps(ssrc_map(5, 6)) + rules(rule(8, pattern=b"s"))),))
    for n in range(10):
        s.send(rtp(n, bytes(n * 100)))
        s.send(rtp(n, b"loud", pt=8, ssrc=7), out={0: rtp(n, b"ssss", pt=8, ssrc=7)})
        s.send(rtp(n, ssrc=8), source="a1", drop="source")
        s.send(b"", wire=STUN, up=True)
        if n % 4 == 0:
            s.send(sender_report(2 + n) + FEEDBACK)
    if keys:
        s.send(b"", wire=seal_rtp(keys, rtp(3, bytes(300))), drop="replay")
        s.send(b"", wire=rtp(40), drop="auth")
    s.copies("all")
    s.copies("reports")


scenario(name="recorded")(partial(_recorded, keys=None))
scenario(name="recorded_decrypted", secure=True)(partial(_recorded, keys=suite("AES_GCM_256", 3)))


@scenario()
def reports_recorded(s: Scenario) -> None:
    """RTCP alone; pure feedback is left out if it is consumed elsewhere."""
    s.intercept("reports")
    s.intercept("others")
    s.add(streams=("", "reports"))
    s.add(local="near1", streams=("", "others"), flags=abi.RTP | abi.CONSUME_FEEDBACK)
    for local in ("near", "near1"):
        for data in (rtp(1), sender_report(), FEEDBACK, sender_report() + FEEDBACK, FEEDBACK * 2):
            s.send(data, to=local)
    s.recorded["others"] = [copy for copy in s.recorded["others"] if copy[2] not in (FEEDBACK, FEEDBACK * 2)]
    s.copies("reports")
    s.copies("others")


def _reported(s: Scenario, keys: Keys | None) -> None:
    """RTP of some payload types beside RTCP, whatever an output does with them."""
    s.intercept("all")
    s.intercept("reports")
    s.add(streams=("all", "reports"), reported=(8,), keys=keys,
          outputs=(Out(), Out("far1", "b1", more=rules(rule(8, True)))))
    for n in range(5):
        s.send(rtp(n, b"voice"))
        s.send(rtp(n, b"event", pt=8, ssrc=7), out={1: LEFT_OUT})
        s.send(rtp(n, b"unknown", pt=99, ssrc=9), drop="payload_type")
        s.send(sender_report(2 + n))
    s.copies("all")
    s.copies("reports")


scenario(name="reported_types")(partial(_reported, keys=None))
scenario(name="reported_types_decrypted", secure=True)(partial(_reported, keys=suite("AES_CM_128", 3)))


@scenario()
def recorded_without_outputs(s: Scenario) -> None:
    """A target may be there for its stream alone."""
    s.intercept("all")
    s.add(outputs=(), streams=("all", ""), ranges=(0, 0, 0, 0))
    for n in range(5):
        s.send(rtp(n))
        s.send(sender_report())
        s.send(b"whatever")
    s.copies("all")


@scenario()
def nobody_reads(s: Scenario) -> None:
    """The oldest packets give way; forwarding goes on."""
    s.intercept("all", max_packets=4)
    s.add(streams=("all", ""))
    for n in range(50):
        s.send(rtp(n))
    s.copies("all", last=4)
    for n in range(50, 53):
        s.send(rtp(n))
    s.copies("all")


@scenario()
def one_stream_of_many_targets(s: Scenario) -> None:
    """Copies of several targets, each with its own addresses."""
    s.intercept("all")
    for n in range(4):
        s.add(local=f"near{n}", streams=("all", ""))
    for n in range(20):
        s.send(rtp(n, bytes([n])), to=f"near{n % 4}", source=f"a{n % 3}")
    s.copies("all")


@scenario()
def recording_begins_and_ends(s: Scenario) -> None:
    """A replacement starts and stops it under way."""
    s.intercept("all")
    for n in range(6):
        s.add(streams=("all" if n % 2 else "", ""), replaces=n > 0)
        s.send(rtp(n))
        s.send(sender_report())
    s.copies("all")
