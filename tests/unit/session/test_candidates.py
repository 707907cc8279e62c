# SPDX-License-Identifier: GPL-3.0-or-later
"""What candidates of ours are shown as."""
from __future__ import annotations

from controlplane.addresses import Address
from tests.unit.session.calls import V4, V6, Daemon, sdp
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
