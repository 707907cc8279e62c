# SPDX-License-Identifier: GPL-3.0-or-later
"""Media and parties as requests describe them without SDP: ng keys ``media`` and ``tags``."""
from __future__ import annotations

from dataclasses import dataclass

from controlplane.addresses import Endpoint


@dataclass(frozen=True, slots=True)
class CodecFormat:
    """One side of a conversion; ``clock_rate`` is in Hz."""

    codec: str
    payload_type: int
    clock_rate: int
    channels: int = 1
    format: str = ""
    options: str = ""


@dataclass(frozen=True, slots=True)
class RequestedMedia:
    """A medium that ``create`` is to offer, or that ``transform`` is to relay to ``destination``.

    ``conversions`` are pairs of what comes in and what goes out.
    """

    type: str
    id: str | None = None
    codecs: tuple[str, ...] = ()
    conversions: tuple[tuple[CodecFormat, CodecFormat], ...] = ()
    destination: Endpoint | None = None


@dataclass(frozen=True, slots=True)
class MeshEntry:
    """A party whose packets are to go to others; None if the tag is missing."""

    source: str | None
    sinks: tuple[str, ...]
