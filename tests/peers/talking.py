# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls through a daemon whose parties hear and see each other, or do not."""
from __future__ import annotations

import asyncio
import itertools
import time
from typing import Protocol

from tests.peers.ngclient import NgClient

SOUNDS, PICTURES = 15, 4
"""Frames that have to arrive of each: a third of a second."""
PATIENCE = 60.0
QUIET = 0.3
_numbers = itertools.count(1)


class Party(Protocol):
    """What it sends, and what it has received: how loud, and how bright. ``luma`` None: no pictures."""

    level: float
    luma: int | None
    levels: list[float]
    lumas: list[float]


class Silent(Protocol):
    """``received``: how many RTP packets have come."""

    @property
    def received(self) -> int: ...


class Call:
    """A call between A and B, either of which may make offers."""

    def __init__(self, client: NgClient) -> None:
        self._client = client
        self.call_id = f"talking-{next(_numbers)}"

    def offer(self, body: str, caller: str = "A", **keys: object) -> str:
        """The SDP that the other one gets."""
        tags = {"from-tag": caller, **({"to-tag": "A"} if caller == "B" else {})}     # the first offer is A's
        offered: str = self._client.call("offer", call_id=self.call_id, sdp=body, **tags, **keys)["sdp"]
        return offered

    def answer(self, body: str, caller: str = "A", **keys: object) -> str:
        """The same; ``caller`` is who made the offer."""
        tags = {"from-tag": caller, "to-tag": "AB".replace(caller, "")}
        answered: str = self._client.call("answer", call_id=self.call_id, sdp=body, **tags, **keys)["sdp"]
        return answered

    def trickle(self, fragment: str, tag: str = "A") -> None:
        """What a party says later of its candidates."""
        reply = self._client.call("offer", call_id=self.call_id, from_tag=tag, sdp=fragment, flags=["fragment"])
        assert reply == {"result": "ok"}

    def flags(self, tag: str) -> list[set[str]]:
        """What a query says of each of a party's media."""
        medias = self._client.call("query", call_id=self.call_id)["tags"][tag]["medias"]
        return [set(media["flags"]) | {flag for stream in media["streams"] for flag in stream["flags"]}
                for media in medias]

    def ports(self, tag: str) -> list[int]:
        """The daemon's ports for RTP towards a party."""
        medias = self._client.call("query", call_id=self.call_id)["tags"][tag]["medias"]
        return [media["streams"][0]["local port"] for media in medias]

    def end(self) -> None:
        self._client.call("delete", call_id=self.call_id, **{"delete-delay": 0})


def _arrived(listener: Party, speaker: Party, since: tuple[int, int]) -> tuple[int, int]:
    """How many frames since then were as the speaker has sent them."""
    sounds = sum(0.7 < level / speaker.level < 1.3 for level in listener.levels[since[0]:])
    pictures = sum(abs(luma - (speaker.luma or 0)) < 8 for luma in listener.lumas[since[1]:])
    return sounds, pictures


async def hears(listener: Party, speaker: Party) -> None:
    """From now on enough of what the speaker sends arrives."""
    since = len(listener.levels), len(listener.lumas)
    wanted = SOUNDS, PICTURES if speaker.luma is not None else 0
    end = time.monotonic() + PATIENCE
    while True:
        found = _arrived(listener, speaker, since)
        if found[0] >= wanted[0] and found[1] >= wanted[1]:
            return
        assert time.monotonic() < end, (found, listener.levels[-5:], listener.lumas[-5:])
        await asyncio.sleep(0.02)


async def talk(one: Party, other: Party) -> None:
    """Each hears and sees the other."""
    await asyncio.gather(hears(one, other), hears(other, one))


async def quiet(listener: Silent) -> None:
    """Nothing arrives any more, whoever sends, once what is under way has come."""
    end = time.monotonic() + PATIENCE
    before = -1
    while before != (before := listener.received):
        assert time.monotonic() < end
        await asyncio.sleep(QUIET)
