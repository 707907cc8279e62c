# SPDX-License-Identifier: GPL-3.0-or-later
"""More subscribers, and larger bundles, than engines can make copies for at once."""
from __future__ import annotations

import pytest

from controlplane.dataplane import abi
from controlplane.errors import PeerError
from controlplane.ng.medias import MeshEntry
from controlplane.relay._native import lib
from controlplane.session.media import MAX_COPIES, MAX_GROUPS
from tests.unit.session.calls import Daemon, established, sdp

MOST = MAX_COPIES - 1
"""Subscribers of a medium that is not bundled, beside a partner."""


def audience(daemon: Daemon, source: str, size: int, mux: bool = False) -> None:
    for number in range(size):
        tag = f"S{number}"
        daemon.send("subscribe request", from_tag=source, to_tag=tag)
        daemon.send("subscribe answer", to_tag=tag, sdp=sdp(
            "198.51.100.30", 43000 + 2 * number, "a=recvonly", *["a=rtcp-mux"] * mux))


def check_fits(daemon: Daemon) -> None:
    """An engine takes them all."""
    for target in daemon.targets.values():
        assert len(abi.outputs_of(target)) <= MAX_COPIES and abi.add_target(target)


def test_the_limits_are_those_of_the_engines() -> None:
    assert (MAX_COPIES, MAX_GROUPS) == (lib.RTPE_MAX_OUTPUTS, lib.RTPE_MAX_GROUPS)


@pytest.mark.parametrize("mux", [False, True])
def test_all_subscribers_there_may_be_hear_the_source(mux: bool) -> None:
    """With the partner; where RTCP comes by the same port, it is for as many as there is room for."""
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, *["a=rtcp-mux"] * mux))
    daemon.answer(sdp("198.51.100.20", 42000, *["a=rtcp-mux"] * mux))
    audience(daemon, "A", MOST, mux)
    check_fits(daemon)
    assert len(daemon.sends_to(daemon.local("A"))) == MAX_COPIES
    assert daemon.sends_to(daemon.local("A"))[0] == "198.51.100.20:42000"
    if not mux:
        assert len(daemon.sends_to(daemon.local("A", 1), rtcp=True)) == MAX_COPIES


def test_one_more_is_refused_until_another_has_gone() -> None:
    daemon = established()
    audience(daemon, "A", MOST)
    daemon.send("publish", from_tag="late", sdp=sdp("198.51.100.40", 44000))
    with pytest.raises(PeerError, match="Too many subscriptions"):
        daemon.send("subscribe request", from_tag="A", to_tag="late")
    with pytest.raises(PeerError, match="Too many subscriptions"):
        daemon.send("connect", from_tag="A", to_tag="late", flags="directional")
    daemon.send("subscribe request", from_tag="A", to_tag="S3")  # renews its own
    daemon.send("unsubscribe", to_tag="S5")
    daemon.send("subscribe request", from_tag="A", to_tag="late")
    check_fits(daemon)


def test_all_with_all() -> None:
    daemon = Daemon()
    tags = [f"P{number}" for number in range(40)]
    for number in range(0, 40, 2):
        daemon.offer(sdp("192.0.2.10", 41000 + 2 * number), from_tag=tags[number], to_tag=tags[number + 1])
        daemon.answer(sdp("192.0.2.20", 41000 + 2 * number), from_tag=tags[number], to_tag=tags[number + 1])
    with pytest.raises(PeerError, match="Too many subscriptions"):
        daemon.send("mesh", calls=("c1",), mesh=[MeshEntry(tag, tuple(tags)) for tag in tags])
    check_fits(daemon)
    assert len(daemon.sends_to(daemon.local("P0"))) == MAX_COPIES, "what was linked before is served"


@pytest.mark.parametrize("count", [MAX_GROUPS, MAX_GROUPS + 1, 20])
def test_a_bundle_of_many_media(count: int) -> None:
    """The engines tell the first of them apart; those go on when there are more, and the client is told."""
    def body(address: str, port: int) -> str:
        head = sdp(address, port).partition("m=")[0] + "a=group:BUNDLE " + " ".join(map(str, range(count))) + "\n"
        return head + "".join(f"m=video {port} RTP/AVP 96\na=rtpmap:96 VP8/90000\na=rtcp-mux\na=mid:{number}\n"
                              "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\n" for number in range(count))

    daemon = Daemon()
    daemon.offer(body("192.0.2.10", 41000), bundle="accept")
    daemon.answer(body("198.51.100.20", 42000), bundle="accept")
    assert daemon.warnings == ["more than 8 media in a bundle"] * (count > MAX_GROUPS)
    check_fits(daemon)
    bundle = daemon.targets[daemon.local("A")].bundle
    assert len(bundle) == MAX_GROUPS and all(len(media.rtp_outputs) == 1 for media in bundle)
