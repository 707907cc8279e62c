# SPDX-License-Identifier: GPL-3.0-or-later
"""What MQTT publishes: the statistics, and every call with its sources."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from controlplane.addresses import Address
from controlplane.events import SsrcStats
from controlplane.exports.locals import Locals
from controlplane.report import json as report_json
from controlplane.report.metrics import Fixed
from controlplane.report.snapshot import Snapshot
from controlplane.rtcp.history import History
from controlplane.session.call import Call
from controlplane.session.media import Media
from controlplane.session.party import Party
from controlplane.session.quality import clock_rate, heard_by, heard_of
from controlplane.session.sources import heard

Tree = dict[str, Any]
SCOPES = ("global", "summary", "call", "media")
_COUNTED = ("packets", "bytes", "lost", "lost_rtcp", "duplicates")
_Key = tuple[str, str, int, str, int]
_STATUS = {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly", (False, False): "inactive"}


class Publications:
    """Remembers what was published, for what has happened since."""

    def __init__(self) -> None:
        self._locals = Locals()
        self._before: dict[_Key, tuple[int, ...]] = {}
        self._after: dict[_Key, tuple[int, ...]] = {}
        self._at: float | None = None
        self._names: dict[Address, str] = {}

    def messages(self, scope: str, snapshot: Snapshot, calls: Iterable[Call]) -> Iterator[bytes | None]:
        """The messages of one of SCOPES, and None wherever others may be served in between."""
        self._names = {each.ports.address: each.ports.name for each in snapshot.interfaces}
        self._after = {}
        parts: list[Any] = []
        if scope != "summary":
            for call in calls:
                if scope == "media":
                    yield from [_written(snapshot.now, media) for media in self._medias(call, snapshot.now)]
                elif scope == "call":
                    yield _written(snapshot.now, self._call(call, snapshot.now))
                else:
                    parts.append(orjson.Fragment(_dumped(self._call(call, snapshot.now))))
                yield None
        summary = self._summary(snapshot)
        yield _written(snapshot.now, summary | {"calls": parts} if scope == "global" else summary)
        self._before, self._at = self._after, snapshot.now

    def _summary(self, snapshot: Snapshot) -> Tree:
        tree: Tree = _numbers(report_json.document(snapshot))
        elapsed = None if self._at is None else snapshot.now - self._at
        for interface, node in zip(snapshot.interfaces, tree["interfaces"]):
            node |= self._locals.since(interface, elapsed)
        return tree

    def _call(self, call: Call, now: float) -> Tree:
        return {"call_id": _text(call.call_id), "legs": [
            {**_leg(party), "medias": [self._media(call, party, media, now) for media in party.medias]}
            for party in call.parties]}

    def _medias(self, call: Call, now: float) -> Iterator[Tree]:
        for party in call.parties:
            for media in party.medias:
                yield {"call_id": _text(call.call_id), **_leg(party), **self._media(call, party, media, now)}

    def _media(self, call: Call, party: Party, media: Media, now: float) -> Tree:
        stream = media.streams[0] if media.streams else None
        local = stream.local if stream is not None else None
        endpoint = stream.endpoint if stream is not None else None
        keys = media.carrier.keys
        node: Tree = {
            "media_index": media.index, "type": _text(media.type), "protocol": _text(media.protocol),
            "interface": media.interface or (self._names.get(local.address, "") if local else ""),
            "status": _STATUS[media.send, media.recv]}
        for direction, sources in (("ingress", [(each, heard_of(media, each.ssrc)) for each in media.ingress]),
                                   ("egress", [(each, heard_by(media, each.ssrc)) for each in heard(media)])):
            key = (call.call_id, party.tag or "", media.index, direction)
            node[direction] = {**_traffic(media, direction), "SSRC": [
                self._source((*key, source.ssrc), media, source, history, now) for source, history in sources]}
        return node | {
            "address": str(local.address) if local else None, "port": local.port if local else None,
            "endpoint_address": str(endpoint.address) if endpoint else None,
            "endpoint_port": endpoint.port if endpoint else None,
            "crypto_suite": keys.suite if keys is not None else None, "transcoding": False}

    def _source(self, key: _Key, media: Media, source: SsrcStats, history: History | None, now: float) -> Tree:
        counted = (source.packets, source.bytes, source.lost, history.lost if history else 0, source.duplicates)
        metrics: Tree = dict(zip(_COUNTED, counted))
        before = self._before.get(key)
        if before is not None and self._at is not None and now > self._at:
            metrics |= {f"{name}_per_second": max(0, new - old) / (now - self._at)
                        for name, new, old in zip(_COUNTED, counted, before)}
        self._after[key] = counted
        rate = clock_rate(media, source.last_payload_type)
        if rate:
            metrics["jitter"] = 1000 * source.jitter / rate
        if history and (last := history.last) is not None:
            metrics |= {name: value for name, value in (
                ("MOS", last.mos / 10), ("RTT", last.round_trip / 1000), ("RTT_leg", last.leg / 1000)) if value}
        return {"SSRC": source.ssrc, **_codec(media, source.last_payload_type), "metrics": metrics}


def _leg(party: Party) -> Tree:
    return {"tag": _text(party.tag or ""), "label": _text(party.label or "")}


def _traffic(media: Media, direction: str) -> Tree:
    """What all streams received or sent."""
    found = {"bytes": 0, "packets": 0, "errors": 0}
    for stream in media.streams:
        stats = stream.stats
        counters = stats.user_in + stats.kernel_in if direction == "ingress" else stats.user_out + stats.kernel_out
        for name in found:
            found[name] += getattr(counters, name)
    return found


def _codec(media: Media, number: int) -> Tree:
    for each in (media, *media.peers):
        if each.description is not None:
            for codec in each.description.payload_types:
                if codec.number == number:
                    return {"codec": _text(codec.encoding), "clock_rate": codec.clock_rate,
                            "codec_params": str(codec.channels) if codec.channels > 1 else "",
                            "codec_format": _text(codec.fmtp or "")}
    return {"codec": "", "clock_rate": 0, "codec_params": "", "codec_format": ""}


def _numbers(tree: Any) -> Any:
    """The document with numbers in place of their text."""
    if isinstance(tree, dict):
        return {key: _numbers(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_numbers(value) for value in tree]
    if isinstance(tree, Fixed):
        return float(tree) if "." in tree else int(tree)
    return _text(tree) if isinstance(tree, str) else tree


def _text(text: str) -> str:
    """Text that JSON can hold, of whatever bytes a peer sent."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _written(now: float, tree: Tree) -> bytes:
    return _dumped({"timestamp": now, **tree})


def _dumped(tree: Tree) -> bytes:
    return orjson.dumps(tree)
