# SPDX-License-Identifier: GPL-3.0-or-later
"""Handshakes that are offered to a peer which may as well do without (a restart of ICE)."""
import time
from math import inf

import pytest

from controlplane.dtls.association import PATIENCE, Phase, Role
from tests.unit.dtls.net import OURS, THEIRS, identity, pair
from tests.unit.dtls.test_association import established


@pytest.mark.parametrize("role", list(Role))
def test_a_peer_that_is_offered_another_handshake_may_go_on_as_before(role: Role) -> None:
    net, server, client = pair(identity(), identity())
    net.run()
    ours, theirs = (server, client) if role is Role.PASSIVE else (client, server)
    keys = ours.keys
    ours.renew()
    ours.set_role(role, time.time())
    ours.set_path(net.address(ours), net.address(theirs), time.time())
    assert bool(ours.take_datagrams()) == (role is Role.ACTIVE)
    assert ours.phase is Phase.ESTABLISHED and ours.keys is keys and ours.peer == net.address(theirs)
    ours.on_time(time.time() + PATIENCE + 1)
    assert ours.phase is Phase.ESTABLISHED and ours.keys is keys and not ours.reason and ours.next_at == inf


def test_a_peer_that_is_offered_another_handshake_may_take_it() -> None:
    net, server, client = pair(identity(), identity())
    net.run()
    former = server.keys
    for each, role in ((server, Role.ACTIVE), (client, Role.PASSIVE)):
        each.renew()
        each.set_role(role, time.time())
        each.set_path(net.address(each), THEIRS if each is server else OURS, time.time())
    net.run()
    established(server, client)
    assert server.keys != former


def test_what_has_not_led_to_keys_yet_goes_on() -> None:
    net, server, client = pair(identity(), identity())
    client.renew()
    net.run()
    established(server, client)
