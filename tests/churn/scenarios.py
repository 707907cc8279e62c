# SPDX-License-Identifier: GPL-3.0-or-later
"""Short calls of every kind, each a few requests; the last of them leaves nothing behind, but for the abandoned."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.peers.sdp import body

Ask = Callable[..., dict[str, Any]]
"""Sends a command with its keys and gives the reply; ``fails=True`` expects an error, otherwise there is none."""
ADDRESS = "127.0.0.1"
SDES = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:cXVpdGUgYSBzZWNyZXQga2V5IGluZGVlZCwgMzAgYnk="


def _delete(ask: Ask, call: str) -> None:
    ask("delete", call_id=call, from_tag="a", delete_delay=0)


def _setup(ask: Ask, call: str, offer: dict[str, Any], answer_body: str) -> None:
    ask("offer", call_id=call, from_tag="a", sdp=body(ADDRESS, 5000), **offer)
    ask("answer", call_id=call, from_tag="a", to_tag="b", sdp=answer_body)


def plain(ask: Ask, call: str) -> None:
    """A call that is looked at and put on hold."""
    _setup(ask, call, {}, body(ADDRESS, 5002))
    ask("query", call_id=call)
    ask("offer", call_id=call, from_tag="a", to_tag="b", sdp=body(ADDRESS, 5000, attributes=["sendonly"], version=2))
    ask("answer", call_id=call, from_tag="a", to_tag="b", sdp=body(ADDRESS, 5002, attributes=["recvonly"], version=2))
    _delete(ask, call)


def encrypted(ask: Ask, call: str) -> None:
    """SDES towards the answering side."""
    _setup(ask, call, {"transport_protocol": "RTP/SAVP", "DTLS": "off"},
           body(ADDRESS, 5002, protocol="RTP/SAVP", attributes=[SDES]))
    _delete(ask, call)


def webrtc(ask: Ask, call: str) -> None:
    """ICE and DTLS towards the answering side, which does not get as far as a handshake."""
    digest = ":".join(["AB"] * 32)
    _setup(ask, call, {"transport_protocol": "UDP/TLS/RTP/SAVPF", "ICE": "force", "SDES": ["off"],
                       "rtcp_mux": ["offer"]},
           body(ADDRESS, 5002, protocol="UDP/TLS/RTP/SAVPF", attributes=[
               "rtcp-mux", "setup:active", f"fingerprint:sha-256 {digest}", "ice-ufrag:abcd",
               "ice-pwd:abcdefghijklmnopqrstuvwx", f"candidate:1 1 UDP 2130706431 {ADDRESS} 5002 typ host"]))
    _delete(ask, call)


def refused(ask: Ask, call: str) -> None:
    """An offer that somebody declines, and requests about what is not there any more."""
    ask("offer", call_id=call, from_tag="a", sdp=body(ADDRESS, 5000))
    _delete(ask, call)
    for command in ("query", "subscribe request", "block media", "start forwarding"):
        ask(command, call_id=call, from_tag="a", fails=True)
    ask("answer", call_id=call, from_tag="a", sdp=body(ADDRESS, 5002), fails=True)


def abandoned(ask: Ask, call: str) -> None:
    """An offer that nobody comes back to."""
    ask("offer", call_id=call, from_tag="a", sdp=body(ADDRESS, 5000))


def blocked(ask: Ask, call: str) -> None:
    """Media and DTMF that may not pass for a while, and what needs codecs."""
    _setup(ask, call, {}, body(ADDRESS, 5002))
    for command in ("block media", "unblock media", "silence media", "unsilence media", "block DTMF", "unblock DTMF",
                    "start forwarding", "stop forwarding"):
        ask(command, call_id=call, from_tag="a")
    _delete(ask, call)


def published(ask: Ask, call: str) -> None:
    """One publisher with two subscribers, one of whom leaves."""
    ask("publish", call_id=call, from_tag="a", sdp=body(ADDRESS, 5000, attributes=["sendonly"]))
    for number, tag in enumerate(("s1", "s2"), 1):
        ask("subscribe request", call_id=call, from_tag="a", to_tag=tag)
        ask("subscribe answer", call_id=call, to_tag=tag, sdp=body(ADDRESS, 5000 + 2 * number, attributes=["recvonly"]))
    ask("unsubscribe", call_id=call, to_tag="s1")
    _delete(ask, call)


def connected(ask: Ask, call: str) -> None:
    """Two halves of calls that are joined."""
    for half in ("1", "2"):
        ask("offer", call_id=call + half, from_tag=half, sdp=body(ADDRESS, 5000))
        ask("answer", call_id=call + half, from_tag=half, to_tag=half + "b", sdp=body(ADDRESS, 5002))
    ask("connect", call_id=call + "1", from_tag="1", to_call_id=call + "2", to_tag="2")
    ask("delete", call_id=call + "1", delete_delay=0)
    ask("delete", call_id=call + "2", delete_delay=0, fails=None)


def created(ask: Ask, call: str) -> None:
    """A party that is offered media first and becomes one of a mesh with two others, who were two calls before."""
    ask("create", call_id=call, from_tag="x")
    ask("create answer", call_id=call, from_tag="x", sdp=body(ADDRESS, 5000))
    for half in ("1", "2"):
        ask("create", call_id=call + half, from_tag=half)
        ask("create answer", call_id=call + half, from_tag=half, sdp=body(ADDRESS, 5002))
    ask("mesh", calls=[call, call + "1", call + "2"], tags=[
        {"from": "x", "to": ["1", "2"]}, {"from": "1", "to": ["x"]}, {"from": "2", "to": ["x"]}])
    for half in ("", "1", "2"):
        ask("delete", call_id=call + half, delete_delay=0, fails=None)


def relayed(ask: Ask, call: str) -> None:
    """Media that go on to a third place, and what nothing is there for yet."""
    codec = {"codec": "PCMA", "payload type": 8, "clock rate": 8000, "channels": 1}
    ask("transform", call_id=call, media=[{
        "type": "audio", "codec": [{"input": codec, "output": codec}],
        "destination": {"family": "IP4", "address": ADDRESS, "port": 5000}}])
    for command in ("play media", "play DTMF", "start recording"):
        ask(command, call_id=call, from_tag="a", fails=True)
    ask("delete", call_id=call, delete_delay=0)


def watched(ask: Ask, call: str) -> None:
    """What looks at everything while a call is up."""
    _setup(ask, call, {"label": "caller"}, body(ADDRESS, 5002))
    ask("list", limit=10)
    ask("statistics")
    for line in (f"list sessions {call}", "list totals", "list interfaces", f"call {call} debug on",
                 f"call {call} debug off", f"terminate {call}"):
        ask("cli", body=line)


SCENARIOS = (plain, plain, encrypted, webrtc, refused, abandoned, blocked, published, connected, created, relayed,
             watched)
"""In turn; the plain one is as frequent as plain calls are."""
