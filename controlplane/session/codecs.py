# SPDX-License-Identifier: GPL-3.0-or-later
"""Which codecs of an offer or answer the other party is shown (ng ``codec``), as far as none is converted."""
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from controlplane.sdp.model import PayloadType

Codecs = tuple[PayloadType, ...]
SUPPLEMENTAL = frozenset(("telephone-event", "cn", "red"))
"""Formats that accompany an audio codec and never stand for themselves."""
CONVERTING = ("ignore", "consume", "accept", "set")
"""Members of ``codec`` that mean nothing unless something is converted."""
_WHOLE = frozenset(("all", "full"))
_AUDIO_RATES = {"g722": 16000}
"""What is sampled faster than its RTP clock runs (RFC 3551 section 4.5.2)."""
_ALIASES = {"g729a": "g729"}


class Chosen(NamedTuple):
    """The codecs to show, and what was asked for that only a conversion could give."""

    codecs: Codecs
    missing: tuple[str, ...] = ()


def identity(codec: PayloadType, any_number: bool = False) -> tuple[int, str, int, int]:
    """What two codecs have in common if one stands for the other; ``any_number``: under any payload type."""
    name = codec.encoding.lower()
    return 0 if any_number else codec.number, _ALIASES.get(name, name), codec.clock_rate, codec.channels


def is_supplemental(codec: PayloadType) -> bool:
    """True for DTMF events, comfort noise and redundancy."""
    return codec.encoding.lower() in SUPPLEMENTAL


def _names(codec: PayloadType) -> tuple[str, str, str]:
    name = codec.encoding.lower()
    return name, f"{name}/{codec.clock_rate}", f"{name}/{codec.clock_rate}/{codec.channels}"


def _short(spec: str) -> str:
    """The part of ``NAME/CLOCK/CHANNELS/BITRATE/...`` that identifies a codec."""
    parts = spec.lower().split("/")[:3]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return "/".join(parts)


def matches(codec: PayloadType, spec: str) -> bool:
    """True if ``spec`` (``opus``, ``opus/48000``, ``opus/48000/2``, in any case) names ``codec``."""
    return _short(spec) in _names(codec)


class _List:
    """A list of codecs being edited; remembers the clock rates of those that were touched."""

    def __init__(self, offered: Codecs):
        self.offered = offered
        self.codecs = list(offered)
        self.rates: set[int] = set()
        self.every_rate = False
        self.by_name: set[int] = set()

    def touch(self, codec: PayloadType) -> None:
        if is_supplemental(codec):
            self.every_rate = True
        else:
            self.rates.add(_AUDIO_RATES.get(codec.encoding.lower(), codec.clock_rate))

    def remove(self, specs: Iterable[str], kept: Collection[str]) -> None:
        """Take out what ``specs`` name (``all`` and ``full``: everything) unless ``kept`` names it too."""
        named = {_short(spec) for spec in specs}
        if not named:
            return
        whole = bool(named & _WHOLE)
        self.every_rate |= whole
        left = []
        for codec in self.codecs:
            names = _names(codec)
            if not (whole or any(name in named for name in names)) or any(name in kept for name in names):
                left.append(codec)
                continue
            self.touch(codec)
            if "full" in named or any(name in named for name in names):
                self.by_name.add(codec.number)
        self.codecs = left

    def insert(self, codec: PayloadType) -> None:
        """Put it in front of the first supplemental codec."""
        at = next((at for at, each in enumerate(self.codecs) if is_supplemental(each)), len(self.codecs))
        self.codecs.insert(at, codec)
        self.touch(codec)

    def restore(self, spec: str, refused: Collection[int] = ()) -> bool:
        """Bring back what ``spec`` names of the offered codecs; False if there is none that may come back."""
        name = _short(spec)
        found = [codec for codec in self.offered if name in _names(codec) and codec.number not in refused]
        for codec in found:
            if codec not in self.codecs:
                self.insert(codec)
        return bool(found)

    def align(self) -> None:
        """Have supplemental codecs for the clock rates that are in use, among those that were touched."""
        in_use = {codec.clock_rate for codec in self.codecs if not is_supplemental(codec)}
        kinds = {codec.encoding.lower() for codec in self.codecs if is_supplemental(codec)}
        for codec in sorted(self.offered, key=lambda each: each.clock_rate):
            if (codec.encoding.lower() in kinds and codec.clock_rate in in_use and self._touched(codec)
                    and not any(_names(codec) == _names(each) for each in self.codecs)):
                self.insert(codec)
        self.codecs = [codec for codec in self.codecs if not is_supplemental(codec)
                       or codec.clock_rate in in_use or not self._touched(codec)]

    def supplements_last(self) -> Codecs:
        """The codecs, with the supplemental ones of touched clock rates at the end."""
        moved = [codec for codec in self.codecs if is_supplemental(codec) and self._touched(codec)]
        return tuple([*[codec for codec in self.codecs if codec not in moved], *moved])

    def _touched(self, codec: PayloadType) -> bool:
        return self.every_rate or codec.clock_rate in self.rates


def choose_offered(offered: Codecs, rules: Mapping[str, Sequence[str]], *, allow_none: bool = False) -> Chosen:
    """The codecs of an offer that the receiver is shown: less strip and mask, then offer and transcode.

    ``allow_none``: nothing is left if that is what the rules say; else all are (ng ``allow-no-codec-media``).
    """
    if not rules:
        return Chosen(offered)
    work = _List(offered)
    kept = {_short(spec) for spec in rules.get("except", ())}
    work.remove([*rules.get("strip", ()), *rules.get("mask", ())], kept)
    for spec in rules.get("offer", ()):
        work.restore(spec)
    missing = [spec for spec in rules.get("transcode", ())
               if not any(_short(spec) in _names(codec) for codec in work.codecs)
               and not work.restore(spec, work.by_name)]
    if work.codecs:
        work.align()
    return Chosen(tuple(work.codecs) if work.codecs or allow_none else offered, tuple(missing))


def choose_answered(answered: Codecs, told: Codecs, rules: Mapping[str, Sequence[str]], *, any_number: bool = False,
                    single: bool = False) -> Codecs:
    """The codecs of an answer that the offerer is shown: those that were offered, less strip, then offer.

    ``any_number``: they may have been offered under another payload type; ``single``: the first codec only, with its
    supplemental ones (RFC 3264 section 6.1; ng ``allow-asymmetric-codecs``, ``single-codec``).
    """
    codecs = answered
    if told:
        known = {identity(codec, any_number) for codec in told}
        codecs = tuple([codec for codec in answered if identity(codec, any_number) in known]) or answered
    if rules:
        work = _List(codecs)
        work.remove(rules.get("strip", ()), {_short(spec) for spec in rules.get("except", ())})
        for spec in rules.get("offer", ()):
            work.restore(spec)
        restored = main_codec(tuple(work.codecs)) is None
        if restored:
            work.codecs = list(codecs)
        if not restored or work.every_rate:
            codecs = work.supplements_last()
    return with_supplements(codecs, main_codec(codecs)) if single else codecs


def main_codec(codecs: Codecs) -> PayloadType | None:
    """The first that is no supplement."""
    return next((codec for codec in codecs if not is_supplemental(codec)), None)


def with_supplements(codecs: Codecs, main: PayloadType | None) -> Codecs:
    """``main`` and the supplemental codecs of its clock rate; all codecs if there is no such."""
    if main is None:
        return codecs
    return tuple([codec for codec in codecs
                  if codec is main or (is_supplemental(codec) and codec.clock_rate == main.clock_rate)])


def reordered(earlier: Codecs, offered: Codecs) -> Codecs:
    """The offered codecs in the order of an earlier list, new ones behind (ng ``no-codec-renegotiation``)."""
    known = {identity(codec): codec for codec in offered}
    first = [known[key] for key in map(identity, earlier) if key in known]
    return (*first, *[codec for codec in offered if codec not in first])


def sent_by_both(told: Codecs, answered: Codecs) -> Codecs:
    """What the answerer may send: the accepted codecs under the payload types that it was shown."""
    numbers = {identity(codec, True): codec.number for codec in reversed(told)}
    own = {codec.number for codec in told}
    return tuple([codec if codec.number in own else _renumbered(codec, numbers.get(identity(codec, True)))
                  for codec in answered])


def _renumbered(codec: PayloadType, number: int | None) -> PayloadType:
    if number is None or number == codec.number:
        return codec
    return PayloadType(number, codec.encoding, codec.clock_rate, codec.channels, codec.fmtp, codec.rtcp_fb)
