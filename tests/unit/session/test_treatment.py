# SPDX-License-Identifier: GPL-3.0-or-later
"""What flags do to packets (echo, waiting for NAT, piercing it, ...), and counters that outlive ports."""
from __future__ import annotations

import pytest

from controlplane.events import NOTHING, Counters, Datagram, SsrcStats, StreamStats
from controlplane.session.piercing import PIERCING
from tests.unit.session.calls import Daemon, ep, established, sdp


@pytest.mark.parametrize("value, offerer, answerer", [
    ("blackhole", "nowhere", "nowhere"), ("forward", "nowhere", "back"), ("backwards", "back", "nowhere"),
    ("both", "back", "back")])
def test_media_echo(value: str, offerer: str, answerer: str) -> None:
    daemon = Daemon()
    daemon.offer(sdp(), media_echo=value)
    daemon.answer(sdp("198.51.100.20", 42000))
    for tag, way, own in (("A", offerer, "192.0.2.10:41000"), ("B", answerer, "198.51.100.20:42000")):
        target = daemon.targets[daemon.local(tag)]
        assert daemon.sends_to(daemon.local(tag)) == ([own] if way == "back" else [])
        assert target.discard == (way == "nowhere")
        assert len({output.ssrc_mask for output in (*target.rtp_outputs, *target.rtcp_outputs)}) <= 1
        assert all(output.ssrc_mask for output in target.rtp_outputs)
    assert ("echo" if offerer == "back" else "blackhole") in daemon.send("query")["tags"]["A"]["medias"][0]["flags"]


def test_waiting_for_the_first_packet() -> None:
    daemon = Daemon()
    daemon.offer(sdp(), flags="nat-wait")
    daemon.answer(sdp("198.51.100.20", 42000), flags="nat-wait")
    a, b = daemon.local("A"), daemon.local("B")
    assert not daemon.sends_to(a) and not daemon.sends_to(b)
    daemon.packet(a, "192.0.2.10:41000")
    assert daemon.sends_to(b) == ["192.0.2.10:41000"] and not daemon.sends_to(a)
    daemon.packet(b, "198.51.100.20:42000")
    assert daemon.sends_to(a) == ["198.51.100.20:42000"]


def test_piercing_until_something_comes() -> None:
    daemon = Daemon()
    daemon.offer(sdp(), flags="pierce-nat")
    daemon.answer(sdp("198.51.100.20", 42000))
    a = daemon.local("A")
    wanted = Datagram(a, ep("192.0.2.10:41000"), PIERCING)
    assert wanted in daemon.last.datagrams and len(PIERCING) == 12
    sent = []
    for _ in range(3):
        daemon.pass_time(1.0)
        sent.append(wanted in daemon.last.datagrams)
    assert all(sent)
    for stream in (0, 1):
        daemon.packet(daemon.local("A", stream), f"192.0.2.10:{41000 + stream}")
    daemon.pass_time(1.5)
    assert not daemon.last.datagrams


def test_feedback() -> None:
    daemon = Daemon()
    daemon.offer(sdp(protocol="RTP/AVPF"), transport_protocol="RTP/AVP")
    daemon.answer(sdp("198.51.100.20", 42000))
    assert daemon.targets[daemon.local("A")].rtcp_outputs[0].strip_feedback
    assert not daemon.targets[daemon.local("B")].rtcp_outputs[0].strip_feedback
    daemon.answer(sdp("198.51.100.20", 42000, "a=rtcp-fb:8 nack"))
    assert not daemon.targets[daemon.local("A")].rtcp_outputs[0].strip_feedback


def counted(packets: int, ssrc: int = 7, last: float = 5.0) -> StreamStats:
    source = SsrcStats(ssrc, packets, 172 * packets, 0, 0, 0, packets, 0.0, 8, 0, last)
    return StreamStats(Counters(packets, 172 * packets, 0, last), NOTHING, NOTHING, NOTHING, (source,))


def packets(daemon: Daemon, tag: str) -> int:
    stats = daemon.send("query")["tags"][tag]["medias"][0]["streams"][0]["stats"]
    return int(stats["packets"])


def test_counters_go_on_over_new_ports() -> None:
    daemon = established()
    first = daemon.local("B")
    daemon.calls.update_stats({first: counted(10)}, daemon.now)
    daemon.offer(sdp("192.0.2.10", 45000), to_tag="B")
    second = daemon.local("B")
    assert second != first and packets(daemon, "B") == 10
    daemon.calls.update_stats({first: counted(12), second: counted(3)}, daemon.now)
    reply = daemon.send("query")
    assert packets(daemon, "B") == 15
    ingress = reply["tags"]["B"]["medias"][0]["ingress SSRCs"]
    assert [(source["SSRC"], source["packets"]) for source in ingress] == [(7, 15)]
    assert set(daemon.calls.sockets_of(daemon.call)) >= {first, second}
    daemon.offer(sdp("192.0.2.10", 41000), to_tag="B")
    assert daemon.local("B") == first and packets(daemon, "B") == 15
    daemon.calls.update_stats({first: counted(20)}, daemon.now)
    assert packets(daemon, "B") == 23


def test_counters_of_closed_sockets_stay() -> None:
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, "a=rtcp-mux"))
    a, rtcp = daemon.local("A"), daemon.local("A", 1)
    daemon.calls.update_stats({rtcp: counted(4)}, daemon.now)
    daemon.answer(sdp("198.51.100.20", 42000, "a=rtcp-mux"))
    assert rtcp in daemon.last.closed and daemon.local("A") == a
    daemon.calls.update_stats({rtcp: counted(5)}, daemon.now)
    daemon.calls.update_stats({rtcp: counted(1)}, daemon.now)  # somebody else's by now
    streams = daemon.send("query")["tags"]["A"]["medias"][0]["streams"]
    assert [stream["stats"]["packets"] for stream in streams] == [0, 5]


def test_a_rejected_section_keeps_its_counters() -> None:
    daemon = established()
    daemon.calls.update_stats({daemon.local("A"): counted(10)}, daemon.now)
    daemon.offer(sdp("192.0.2.10", 0) + "m=video 41002 RTP/AVP 97\n", to_tag="B")
    assert packets(daemon, "A") == 10


def test_trickled_candidates_are_no_body() -> None:
    fragment = "a=ice-ufrag:x\na=candidate:1 1 udp 1 192.0.2.10 41000 typ host\n"
    daemon = Daemon()
    for command in ("offer", "publish", "subscribe answer", "create answer"):
        assert daemon.send(command, sdp=fragment, from_tag="A", flags="fragment") == {}
    assert not daemon.calls.calls
