# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.addresses import Endpoint
from controlplane.errors import PeerError
from controlplane.ice.candidate import parse, priority_of, usable
from tests.unit.ice.messages import EXTENDED, HOST, RELAY


@pytest.mark.parametrize("text", [HOST, RELAY, EXTENDED])
def test_prints_what_it_read(text):
    assert str(parse(text)) == text


def test_reads_all_of_it():
    candidate = parse(EXTENDED)
    assert candidate.endpoint == Endpoint.parse("192.0.2.9:9999")
    assert candidate.related == Endpoint.parse("0.0.0.0:0")
    assert candidate.extensions == (("generation", "0"), ("ufrag", "Ab"), ("network-cost", "999"))


@pytest.mark.parametrize("text", [
    "", "typ host", "f 1 UDP 1 192.0.2.1 5 typ", "f 1 UDP 1 192.0.2.1 5 host typ", "f 0 UDP 1 192.0.2.1 5 typ host",
    "f 257 UDP 1 192.0.2.1 5 typ host", "f 1 UDP 4294967296 192.0.2.1 5 typ host", "f 1 UDP 0 192.0.2.1 5 typ host",
    "f 1 UDP 1 192.0.2.1 65536 typ host", "f 1 UDP 1 192.0.2.256 5 typ host", "f x UDP 1 192.0.2.1 5 typ host",
    "f 1 UDP 1 192.0.2.1 5 typ host generation", "f 1 UDP 1 host.example 5 typ host",
    f"{'f' * 33} 1 UDP 1 192.0.2.1 5 typ host", "f 1 UDP ٣ 192.0.2.1 5 typ host",
    "f 1 UDP 1 0b0f2f6c-5f5a-4a7e-8f0e-1fbd5c0e8f0e.local 5 typ host"])
def test_refuses(text):
    with pytest.raises(PeerError):
        parse(text)


def test_only_what_can_be_paired_is_usable():
    tcp = "f 1 tcp 1 192.0.2.1 9 typ host tcptype active"
    others = [tcp, "f 1 UDP 1 192.0.2.1 5 typ future", "f 1 UDP 1 192.0.2.1 0 typ host", "f 1 UDP 1 0.0.0.0 5 typ host",
              "f 1 UDP 1 name.local 5 typ host", "nonsense"]
    assert [str(each) for each in usable([*others, HOST, RELAY])] == [HOST, RELAY]


@pytest.mark.parametrize("kind, index, component, priority", [
    ("host", 0, 1, 2130706431), ("host", 1, 1, 2130706175), ("host", 0, 2, 2130706430), ("host", 1, 2, 2130706174),
    ("prflx", 0, 1, 1862270975), ("srflx", 0, 1, 1694498815), ("relay", 0, 1, 16777215)])
def test_priorities(kind, index, component, priority):
    assert priority_of(kind, index, component) == priority
