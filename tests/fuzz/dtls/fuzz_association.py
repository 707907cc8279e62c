# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target for whatever may come to a socket that waits for a ClientHello."""
import time

from controlplane.addresses import Endpoint
from controlplane.dtls import records
from controlplane.dtls.association import Association, Phase, Role
from controlplane.dtls.identity import Identity, IdentityOptions

SOURCE, LOCAL = Endpoint.parse("192.0.2.2:2000"), Endpoint.parse("192.0.2.1:1000")
_identity = Identity.make(IdentityOptions(), time.time())


def one_input(data: bytes) -> None:
    """``data`` holds packets, each behind two bytes of length; nothing that they are can end in keys."""
    association = Association(_identity)
    association.set_path(LOCAL, SOURCE, time.time())
    association.set_role(Role.PASSIVE, time.time())
    while len(data) > 2:
        size = int.from_bytes(data[:2], "big")
        packet, data = data[2:2 + size], data[2 + size:]
        whole = records.records(packet)
        assert whole is None or b"".join(whole) == packet
        association.receive(packet, SOURCE, time.time())
        assert all(len(sent.data) <= _identity.mtu for sent in association.take_datagrams())
    assert association.keys is None and association.phase is Phase.HANDSHAKING
