# SPDX-License-Identifier: GPL-3.0-or-later
import time

from controlplane.dtls.association import MAX_UNASKED
from tests.unit.dtls.net import OURS, THEIRS, pair
from tests.unit.dtls.test_association import ONE, OTHER, established


def test_where_ice_has_checked_the_path_many_that_begin_at_once_need_cookies() -> None:
    """Forged ones keep nobody out: the peer is told its cookie by the answers to them."""
    network, server, client = pair(ONE, OTHER)
    server.set_path(OURS, THEIRS, time.time(), checked=True)
    hello = client.take_datagrams()[0].data
    for number in range(MAX_UNASKED):
        server.receive(altered_bare(hello, number), THEIRS, time.time())
    assert len(server._handshakes) == MAX_UNASKED
    server.take_datagrams()
    server.receive(altered_bare(hello, 99), THEIRS, time.time())
    (request,) = server.take_datagrams()
    assert ONE.cookie(THEIRS) in request.data and len(server._handshakes) == MAX_UNASKED
    client.receive(request.data, OURS, time.time())
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)


def altered_bare(hello: bytes, number: int) -> bytes:
    """The same from another client, without a cookie."""
    return hello[:27] + number.to_bytes(32, "big") + hello[59:]
