# SPDX-License-Identifier: GPL-3.0-or-later
"""``/metrics`` beside the reference daemon: every name, type and label set that it has, ours has too."""
from __future__ import annotations

import socket
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.peers import debian
from tests.peers.call import Call
from tests.peers.daemon import Command, Daemon, free_port, own_command, reference_command
from tests.peers.rtp import Endpoint

pytestmark = pytest.mark.e2e
Key = tuple[str, tuple[tuple[str, str], ...]]


def scrape(command: Command) -> tuple[dict[str, str], dict[Key, float], str]:
    """Type by family, value by name and labels, and content type, after a call in which both parties sent."""
    port = free_port(socket.SOCK_STREAM)
    a, b = Endpoint(seed=1), Endpoint(seed=2)
    try:
        with Daemon(command, options=[f"--listen-http=127.0.0.1:{port}"]) as daemon, daemon.client() as client:
            call = Call(client, a, b)
            call.offer()
            call.answer()
            call.talk()
            call.delete()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as reply:
                text = reply.read().decode()
                families = list(text_string_to_metric_families(text))
                kind = reply.headers.get_content_type()
    finally:
        a.close()
        b.close()
    return (dict(line.split()[2:] for line in text.splitlines() if line.startswith("# TYPE ")),
            {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
             for family in families for sample in family.samples}, kind)


def test_everything_of_the_reference_is_there() -> None:
    try:
        reference = reference_command()
    except debian.Unobtainable as reason:
        pytest.skip(f"the reference daemon cannot be had: {reason}")
    their_types, theirs, their_kind = scrape(reference)
    types, ours, kind = scrape(own_command())
    assert len(theirs) > 60 and theirs.keys() <= ours.keys()
    assert {name: types[name] for name in their_types} == their_types
    assert kind == their_kind == "text/plain"
    same = [key for key in theirs if key[0] in (
        "rtpengine_sessions", "rtpengine_sessions_total", "rtpengine_closed_sessions_total",
        "rtpengine_packets_total", "rtpengine_bytes_total", "rtpengine_zero_packet_streams_total",
        "rtpengine_one_way_sessions_total", "rtpengine_ports_used")]
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    assert ours["rtpengine_packets_total", (("type", "userspace"),)] == 20
