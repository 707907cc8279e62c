# SPDX-License-Identifier: GPL-3.0-or-later
"""What candidates of ours are shown as."""
from __future__ import annotations

from controlplane.addresses import Address
from tests.unit.session.calls import V4, V6, Daemon, port_of, sdp
from tests.unit.session.ice_peers import ice_values
from tests.unit.session.test_ice import ICE

SHOWN = "100.64.0.1"


def addresses(body: str, kind: str) -> set[str]:
    """Those of the candidates but for the sender's own."""
    return {text.split()[4] for text in ice_values(body)["candidate"] if f"typ {kind}" in text} - {"192.0.2.10"}


def test_the_media_address_stands_for_each_of_our_addresses() -> None:
    """Of either family; seen with 10.5, ng ``media address``."""
    shown = Address.parse(SHOWN)
    assert addresses(Daemon().offer(sdp(), ice="force", media_address=shown), "host") == {SHOWN}
    body = Daemon().offer(sdp("192.0.2.10", 41000, *ICE), ice="optional", media_address=shown)
    assert addresses(body, "host") == {SHOWN}


def test_the_media_address_is_no_relay() -> None:
    """Seen with 10.5: relayed candidates stay at our addresses."""
    body = Daemon().offer(sdp("192.0.2.10", 41000, *ICE), ice="force-relay", media_address=Address.parse(SHOWN))
    assert addresses(body, "relay") == {V4, V6}


def test_lite_is_told_at_once() -> None:
    """Also in the middle of a call: seen with 10.5."""
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, *ICE))
    daemon.answer(sdp("198.51.100.20", 42000))
    body = daemon.offer(sdp("198.51.100.20", 42000), from_tag="B", to_tag="A", ice_lite="forward")
    assert "t=0 0\na=ice-lite\n" in body and "ICE-lite self" in daemon.send("query")["tags"]["A"]["medias"][0]["flags"]


def test_sockets_that_were_opened_for_ice_are_used_for_nothing_else() -> None:
    """One that declines ICE and has moved to the other family gets new ports, as with 10.5."""
    daemon = Daemon()
    offered = ice_values(daemon.offer(sdp(), ice="force"))["candidate"]
    daemon.answer(sdp("2001:db8::20", 42000))
    body = daemon.offer(sdp(), to_tag="B")
    assert f"c=IN IP6 {V6}\n" in body
    assert str(port_of(body)) not in [text.split()[5] for text in offered if V6 in text]


def test_families_and_ice() -> None:
    """Who does ICE keeps the family it had, also as ICE ends; seen with 10.5."""
    daemon = Daemon()
    daemon.offer(sdp(), ice="force")
    daemon.answer(sdp("2001:db8::20", 42000, *ICE))
    assert f"c=IN IP4 {V4}\n" in daemon.offer(sdp(), to_tag="B")
    daemon = Daemon()
    first = daemon.offer(sdp(), ice="force")
    body = daemon.offer(sdp(), ice="remove", address_family=6)
    assert f"c=IN IP4 {V4}\n" in body and port_of(body) == port_of(first)


def test_the_ports_told_to_a_party_with_ice_are_for_its_partner() -> None:
    """One that has moved is not shown on them once ICE has ended; seen with 10.5."""
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, *ICE))
    first = daemon.answer(sdp("198.51.100.20", 42000, *ICE))
    body = daemon.offer(sdp("198.51.100.20", 42010, *ICE), from_tag="B", to_tag="A", ice="remove")
    assert port_of(body) != port_of(first)


def test_a_reset_asks_for_ice_as_the_first_offer_does() -> None:
    """Seen with 10.5: what was agreed on before is forgotten."""
    for flags, asked in (("", True), ("reset", False)):
        daemon = Daemon()
        daemon.offer(sdp("192.0.2.10", 41000, *ICE))
        daemon.answer(sdp("198.51.100.20", 42000))
        body = daemon.offer(sdp("198.51.100.20", 42000), from_tag="B", to_tag="A", flags=flags)
        assert ("a=ice-ufrag:" in body) == asked
