# SPDX-License-Identifier: GPL-3.0-or-later
"""What iptables-save and ip6tables-save print."""
from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence

from ctl.doctor.chains import Chain, Fit, Line, Media, inside, inverted, overlap, with_states

_VERDICTS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "drop", "RETURN": "return", "TARPIT": "drop"}
_NEUTRAL = frozenset(("-m", "--match", "--comment", "--loose", "--validmark", "--accept-local"))
_STATES = frozenset(("--ctstate", "--state"))
_SOURCES = frozenset(("-s", "--source", "--src-range", "--invert"))
"""Matches for where packets come from; the last is that of rpfilter."""
Wanted = Sequence[str]
"""The words behind ``-j`` of the rule that feeds the accelerator."""
Tables = dict[str, dict[str, Chain]]


def parse(text: str, media: Media, wanted: Wanted = ()) -> Tables:
    """All chains by table and name, judged for the ``media`` ports; lines that say nothing are left out."""
    tables: Tables = {}
    lines: dict[str, list[Line]] = {}
    policies: dict[str, str] = {}
    table = ""
    for row in map(str.strip, text.splitlines()):
        if row.startswith("*"):
            table, lines, policies = row[1:], {}, {}
        elif row.startswith(":") and len(row[1:].split()) > 1:
            name, policy = row[1:].split()[:2]
            lines[name] = []
            policies[name] = _VERDICTS.get(policy, "")
        elif row.startswith("-A "):
            words = _words(row)
            lines.setdefault(words[1], []).append(_line(row, words[2:], lines, media, wanted))
        elif row == "COMMIT":
            tables[table] = {name: Chain(name, each, policies.get(name, "")) for name, each in lines.items()}
    return tables


def _words(row: str) -> list[str]:
    try:
        return shlex.split(row)
    except ValueError:
        return row.split()


def _line(row: str, words: list[str], chains: dict[str, list[Line]], media: Media, wanted: Wanted) -> Line:
    cut = next((index for index, word in enumerate(words) if word in ("-j", "-g")), len(words))
    action, target = words[cut:cut + 1], words[cut + 1:]
    name = target[0] if target else ""
    if wanted and target[:len(wanted)] == list(wanted):
        verdict = "module"
    elif name in chains:
        verdict = "goto" if action == ["-g"] else "jump"
    else:
        verdict = _VERDICTS.get(name, "")
    fit = Fit.ALL
    for negated, option, values in _matches(words[:cut]):
        if option in _NEUTRAL:
            continue
        one = Fit.SOME
        if option in _STATES and not negated:
            verdict, one = with_states(verdict, values[0].split(",") if values else ())
        elif option in _JUDGES and not (negated and option in _SOURCES):
            one = _JUDGES[option](values, verdict, media)
        fit = min(fit, inverted(one) if negated else one)
    return Line(row, fit, verdict, name)


def _matches(words: list[str]) -> Iterator[tuple[bool, str, list[str]]]:
    """Each option with its values, and whether an exclamation mark stands before it."""
    starts = [index for index, word in enumerate(words) if word.startswith("-") and len(word) > 1
              and not word[1].isdigit()]
    for start, end in zip(starts, [*starts[1:], len(words)]):
        values = words[start + 1:end]
        yield start > 0 and words[start - 1] == "!", words[start], [value for value in values if value != "!"]


def _protocol(values: list[str], verdict: str, media: Media) -> Fit:
    return Fit.ALL if values and values[0] in ("udp", "17", "all", "0") else Fit.NONE


def _ports(values: list[str], verdict: str, media: Media) -> Fit:
    ranges = []
    for piece in values[0].split(",") if values else ():
        low, colon, high = piece.partition(":")
        if (low or colon) and (low + high).isdecimal():
            ranges.append((int(low or 0), int(high or low) if not colon or high else 65535))
    return overlap(ranges, media)


def _device(values: list[str], verdict: str, media: Media) -> Fit:
    return Fit.NONE if values == ["lo"] else Fit.SOME


def _destination(values: list[str], verdict: str, media: Media) -> Fit:
    return inside(values, media)


def _kind(values: list[str], verdict: str, media: Media) -> Fit:
    return Fit.ALL if "LOCAL" in values[0].split(",") else Fit.NONE


def _source(values: list[str], verdict: str, media: Media) -> Fit:
    """Whom somebody has shut out on purpose is no matter of ours."""
    return Fit.NONE if verdict == "drop" else Fit.SOME


def _set(values: list[str], verdict: str, media: Media) -> Fit:
    return _source(values, verdict, media) if values[1:] and values[1].startswith("src") else Fit.SOME


_JUDGES: dict[str, Callable[[list[str], str, Media], Fit]] = {
    "-p": _protocol, "--protocol": _protocol, "--dport": _ports, "--dports": _ports, "--ports": _ports,
    "-i": _device, "--in-interface": _device, "--match-set": _set, "-d": _destination, "--dst-type": _kind,
    **dict.fromkeys(_SOURCES, _source)}
