# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``nft -j list ruleset`` prints, but for the tables that belong to iptables-nft."""
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ctl.doctor.chains import Chain, Fit, Line, Media, inside, inverted, overlap, with_states

_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, StopIteration)
_FAMILIES = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}
_HOOKS = ("prerouting", "input")
_IPTABLES = frozenset(("filter", "raw", "mangle", "nat", "security"))
_VERDICTS = {"accept": "accept", "drop": "drop", "reject": "drop", "return": "return", "jump": "jump", "goto": "goto"}
_OTHER_PROTOCOLS = frozenset(("tcp", "icmp", "icmpv6", "sctp", "dccp", "esp", "ah"))
_SOURCES = frozenset(("ip saddr", "ip6 saddr", "fib None"))
"""Matches for where packets come from; the last is that of reverse path filters."""
_WITHOUT_MEANING = frozenset(("counter", "log", "notrack", "mangle", "meter", "set"))


@dataclass(frozen=True, slots=True)
class Base:
    """A chain that packets coming in pass, with all chains of its table."""

    family: str
    table: str
    name: str
    hook: str
    priority: int
    chains: dict[str, Chain]

    def __str__(self) -> str:
        return f"{self.family} {self.table} {self.name}"

    @property
    def early(self) -> bool:
        """Whether packets pass it before the tables filter of iptables."""
        return self.hook == "prerouting" or self.priority < 0


def parse(text: str, media: Media) -> list[Base]:
    """The chains of prerouting and input in the order of the hooks; none for what is no ruleset."""
    try:
        entries = json.loads(text)["nftables"]
        chains = [entry["chain"] for entry in entries if "chain" in entry]
        rules = [entry["rule"] for entry in entries if "rule" in entry]
        tables = {(chain["family"], chain["table"]) for chain in chains if chain["family"] in _FAMILIES}
        made = {key: {chain["name"]: Chain(chain["name"], [_line(rule, media) for rule in rules
                                                           if _place(rule) == (*key, chain["name"])],
                                           chain.get("policy", ""))
                      for chain in chains if _place(chain)[:2] == key} for key in tables}
        found = [Base(chain["family"], chain["table"], chain["name"], chain["hook"], int(chain["prio"]),
                      made[chain["family"], chain["table"]])
                 for chain in chains if chain.get("hook") in _HOOKS and chain["family"] in _FAMILIES
                 and chain.get("type") == "filter" and not _of_iptables(chain)]
    except _MALFORMED:
        return []
    return sorted(found, key=lambda base: (_HOOKS.index(base.hook), base.priority))


def _of_iptables(chain: dict[str, Any]) -> bool:
    return chain["family"] != "inet" and chain["table"] in _IPTABLES and chain["name"] == chain["hook"].upper()


def _place(entry: dict[str, Any]) -> tuple[str, str, str]:
    return entry["family"], entry["table"], entry.get("chain") or entry.get("name", "")


def _line(rule: dict[str, Any], media: Media) -> Line:
    """A rule; what cannot be understood has no verdict."""
    text = f"rule with handle {rule.get('handle')}"
    try:
        return Line(text, *_judged(rule, media))
    except _MALFORMED:
        return Line(text, Fit.SOME, "")


def _judged(rule: dict[str, Any], media: Media) -> tuple[Fit, str, str]:
    """How many media packets a rule is for, its verdict, and the chain that it calls."""
    expressions = [next(iter(expression.items())) for expression in rule.get("expr", ())]
    verdict, target, fit = "", "", Fit.ALL
    for name, value in expressions:
        if name in _VERDICTS:
            verdict = _VERDICTS[name]
            target = value["target"] if verdict in ("jump", "goto") else ""
        elif name == "vmap":
            verdict = _mapped(value)
    for name, value in expressions:
        if name == "match":
            verdict, one = _match(value, verdict, media)
            fit = min(fit, one)
        elif name not in _VERDICTS and name not in _WITHOUT_MEANING:
            fit = min(fit, Fit.SOME)
    return fit, verdict, target


def _mapped(value: dict[str, Any]) -> str:
    """What a verdict map does to media at worst."""
    data = value.get("data")
    pairs = data.get("set", ()) if isinstance(data, dict) else ()
    if any("drop" in verdict for _, verdict in pairs):
        return "drop"
    accepted = [key for key, verdict in pairs if "accept" in verdict]
    return with_states("accept", accepted)[0] if _subject(value["key"]) == "ct state" else "accept" if accepted else ""


def _match(match: dict[str, Any], verdict: str, media: Media) -> tuple[str, Fit]:
    """The verdict of the rule, and how many media packets pass this match."""
    name, values = _subject(match["left"]), _values(match["right"])
    negated = match.get("op") == "!="
    if name == "ct state" and not negated:
        return with_states(verdict, filter(lambda value: isinstance(value, str), values))
    if name.split(" ")[0] in _OTHER_PROTOCOLS:
        return verdict, Fit.NONE
    judge = None if negated and name in _SOURCES else _JUDGES.get(name)
    fit = judge(values, verdict, media) if judge else Fit.SOME
    return verdict, inverted(fit) if negated else fit


def _subject(left: Any) -> str:
    """What a match looks at, such as ``udp dport`` and ``ct state``."""
    kind, key = next(iter(left.items())) if isinstance(left, dict) else ("", "")
    if not isinstance(key, dict):
        return kind
    return f"{key.get('protocol')} {key.get('field')}" if kind == "payload" else f"{kind} {key.get('key')}"


def _values(right: Any) -> list[Any]:
    """The members of a set, or the one value."""
    if isinstance(right, dict) and "set" in right:
        return list(right["set"])
    return right if isinstance(right, list) else [right]


def _ports(values: list[Any], verdict: str, media: Media) -> Fit:
    if any(isinstance(value, str) for value in values):
        return Fit.SOME     # a named set
    ranges = [tuple(value["range"]) if isinstance(value, dict) else (value, value) for value in values]
    return overlap(ranges, media)


def _protocol(values: list[Any], verdict: str, media: Media) -> Fit:
    return Fit.ALL if {"udp", 17} & set(map(_plain, values)) else Fit.NONE


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int)) else None


def _device(values: list[Any], verdict: str, media: Media) -> Fit:
    return Fit.NONE if values == ["lo"] else Fit.SOME


def _destination(values: list[Any], verdict: str, media: Media) -> Fit:
    return inside([f"{value['prefix']['addr']}/{value['prefix']['len']}" if isinstance(value, dict) else value
                   for value in values], media)


def _source(values: list[Any], verdict: str, media: Media) -> Fit:
    return Fit.NONE if verdict == "drop" else Fit.SOME


_JUDGES: dict[str, Callable[[list[Any], str, Media], Fit]] = {
    "udp dport": _ports, "th dport": _ports, "meta l4proto": _protocol, "ip protocol": _protocol,
    "ip6 nexthdr": _protocol, "meta iif": _device, "meta iifname": _device, "ip daddr": _destination,
    "ip6 daddr": _destination, **dict.fromkeys(_SOURCES, _source)}
