# SPDX-License-Identifier: GPL-3.0-or-later
"""aioice as the other agent: independent of ours, and on loopback, which it would leave out by itself."""
from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from unittest import mock

import aioice

LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def on_loopback(families: Iterable[int] = (4,)) -> AbstractContextManager[object]:
    """Within, agents find candidates there and nowhere else."""
    addresses = [LOOPBACK[family] for family in families]
    return mock.patch("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: addresses)


async def gathered(families: Iterable[int] = (4,), **options: object) -> aioice.Connection:
    """A connection whose host candidates are on loopback."""
    connection = aioice.Connection(use_ipv4=4 in families, use_ipv6=6 in families, **options)
    with on_loopback(families):
        await connection.gather_candidates()
    return connection


def attributes(connection: aioice.Connection) -> list[str]:
    """What the agent's SDP says about it, without ``a=``."""
    return [f"ice-ufrag:{connection.local_username}", f"ice-pwd:{connection.local_password}",
            *(f"candidate:{each.to_sdp()}" for each in connection.local_candidates)]


async def learn(connection: aioice.Connection, texts: Iterable[str]) -> None:
    """Tell the agent what the other side's SDP says, and that this is all."""
    for text in texts:
        name, _, value = text.partition(":")
        if name == "ice-ufrag":
            connection.remote_username = value
        elif name == "ice-pwd":
            connection.remote_password = value
        elif name == "ice-lite":
            connection.remote_is_lite = True
        elif name == "candidate":
            await connection.add_remote_candidate(aioice.Candidate.from_sdp(value))
    await connection.add_remote_candidate(None)
