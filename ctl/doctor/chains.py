# SPDX-License-Identifier: GPL-3.0-or-later
"""Firewall rules in the order in which a media packet meets them, whatever program they are from.

A rule is judged for the packets that phones send to the media ports: it fits none of them, some or all.
"""
from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

_DEEPEST = 16
Ranges = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Media:
    """Where media packets go: the ports, first and last of each range, and the addresses if they are known."""

    ranges: Ranges
    addresses: Sequence[str] = ()


class Fit(IntEnum):
    """How many of the media packets a rule is for."""

    NONE = 0
    SOME = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One rule: ``verdict`` is accept, established (accept all but the first packet), drop, jump, goto, return,
    module (the wanted rule) or empty (it goes on)."""

    text: str
    fit: Fit
    verdict: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules in order; ``policy`` is accept or drop, which a chain that no hook calls does not have."""

    name: str
    lines: Sequence[Line]
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A rule that a packet meets in ``chain``, perhaps, with what it does to it; ``index`` is its place from 1."""

    chain: str
    index: int
    text: str
    fit: Fit
    verdict: str


def steps(chains: Mapping[str, Chain], name: str, fit: Fit = Fit.ALL, depth: int = 0) -> Iterator[Step]:
    """The rules with a verdict that media packets meet from the chain ``name`` on."""
    if name not in chains or depth > _DEEPEST:
        return
    left = fit
    for index, line in enumerate(chains[name].lines, 1):
        both = min(left, line.fit)
        if both is Fit.NONE:
            continue
        if line.verdict in ("jump", "goto"):
            yield from steps(chains, line.target, both, depth + 1)
        elif line.verdict not in ("return", ""):
            yield Step(name, index, line.text, both, line.verdict)
        if line.verdict in ("return", "goto"):
            if line.fit is Fit.ALL:
                return
            left = min(left, Fit.SOME)


def ahead(walk: Iterable[Step]) -> tuple[list[Step], Step | None]:
    """The verdicts before the wanted rule, and that rule; all of them and None if it is not there."""
    before: list[Step] = []
    for step in walk:
        if step.verdict == "module":
            return before, step
        before.append(step)
    return before, None


def drops(walk: Iterable[Step]) -> list[Step]:
    """What drops media packets, up to the first rule that ends the matter for all of them."""
    found: list[Step] = []
    for step in walk:
        if step.verdict == "drop":
            found.append(step)
        if step.fit is Fit.ALL and step.verdict in ("accept", "drop"):
            break
    return found


def fate(chains: Mapping[str, Chain], name: str, accepting: Iterable[str] = ("accept",)) -> Step | None:
    """What drops the media packets that no rule decides before, None if some at least are let through."""
    for step in steps(chains, name):
        if step.verdict in accepting:
            return None
        if step.verdict == "drop" and step.fit is Fit.ALL:
            return step
    if name in chains and chains[name].policy == "drop":
        return Step(name, len(chains[name].lines) + 1, "policy drop", Fit.ALL, "drop")
    return None


def overlap(ports: Ranges, media: Media) -> Fit:
    """How many of the media ports are among ``ports``."""
    if all(any(low <= first and last <= high for low, high in ports) for first, last in media.ranges):
        return Fit.ALL
    touched = any(low <= last and first <= high for low, high in ports for first, last in media.ranges)
    return Fit.SOME if touched else Fit.NONE


def inside(networks: Iterable[str], media: Media) -> Fit:
    """How many of the addresses for media are in these networks; some if nobody knows."""
    try:
        known = [ipaddress.ip_network(each, strict=False) for each in networks]
        own = [ipaddress.ip_address(each) for each in media.addresses]
    except ValueError:
        return Fit.SOME
    hits = [any(address in network for network in known) for address in own
            if any(address.version == network.version for network in known)]
    return Fit.SOME if not hits else Fit.ALL if all(hits) else Fit.SOME if any(hits) else Fit.NONE


def with_states(verdict: str, states: Iterable[str]) -> tuple[str, Fit]:
    """The verdict of a rule for packets in these states of connection tracking, and how many media packets it is for.

    All but the first packet are of established connections; hardly one is invalid.
    """
    known = {state.lower() for state in states}
    if "new" in known or "untracked" in known:
        return verdict, Fit.SOME if "established" not in known else Fit.ALL
    if "established" in known:
        return "established" if verdict == "accept" else verdict, Fit.ALL
    return verdict, Fit.NONE if verdict == "accept" else Fit.SOME


def inverted(fit: Fit) -> Fit:
    """The same for a match with ``!`` before it."""
    return {Fit.NONE: Fit.ALL, Fit.ALL: Fit.NONE}.get(fit, Fit.SOME)
