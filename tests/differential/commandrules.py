# SPDX-License-Identifier: GPL-3.0-or-later
"""How layouts of operator commands differ from 10.5: rules for many replies, each with its reason."""
from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

Pair = tuple[str, str]

_TIMES_AND_PLACES = (
    (re.compile(r"cat /proc/\d+/"), "cat /proc/PID/"),
    (re.compile(r"(127\.0\.0\.\d+):\d{5}\b"), r"\1:PORT "),
    (re.compile(r"\b1\d{9}\b"), "TIME"),
    (re.compile(r"callduration \d+\.\d{6}"), "callduration D"),
    (re.compile(r"(Uptime of rtpengine +):\d+"), r"\1:UPTIME"),
    (re.compile(r"((?:Userspace-only|Kernel-only|Mixed kernel/userspace) media streams +):\d+"), r"\1:RECENT"),
    (re.compile(r"((?:Packets|Bytes|Errors) per second \([a-z]+\) +):\d+"), r"\1:RECENT"),
    (re.compile(r"((?:calls? duration|duration standard deviation)[a-z ]*:)\d+\.\d{6}"), r"\1D"),
)


def without_times(text: str) -> str:
    """``text`` with words for process, ports, times and what has just sent, which no two daemons share."""
    for pattern, word in _TIMES_AND_PLACES:
        text = pattern.sub(word, text)
    return text


class Rule(NamedTuple):
    """For commands that match ``command``: makes both replies comparable."""

    command: str
    apply: Callable[[str, str], Pair]


def _typing(reference: str, ours: str) -> Pair:
    """Slips of 10.5."""
    return reference.replace("digists", "digits").replace("errono=", "errno="), ours


def _unknown(reference: str, ours: str) -> Pair:
    """One text for all that cannot be understood; later ones tell what is unknown and what is incomplete."""
    match = re.fullmatch(r"Unknown or incomplete command::(.*)\n", reference)
    if match:
        word = match[1].split(" ")[0]
        reference = f"Unknown command: {word}\n" if match[1] else "Incomplete command: \n"
    return reference, ours


def _help(reference: str, ours: str) -> Pair:
    """Bare keywords; later ones explain them, have more and another order."""
    heading, *keywords = reference.splitlines()
    known = [line.split()[0] for line in ours.splitlines()[1:]]
    return "\n".join([heading, *sorted(line.strip() for line in keywords)]), "\n".join(
        [ours.splitlines()[0], *sorted(word for word in known if f"\t{word}" in keywords)])


def _usage(reference: str, ours: str) -> Pair:
    """10.5 leaves the list of commands to its client."""
    return reference, "Unknown command: usage\n" if ours.startswith("    Supported commands are:\n\n") else ours


_LINE = re.compile(r"callid: (.*) \| deletionmark: *(y|n)\w+ \| created:( *\d+) \| proxy:(\S+) \| redis_keyspace:0 "
                   r"\| foreign:(y|n)\w+\n")


def _sessions(reference: str, ours: str) -> Pair:
    """The line of a call has other words in later ones, and -1 for never stored. Its order is by hash in 10.5."""
    lines = [_LINE.sub(lambda found: f"ID: {found[1]} | del:{found[2]} | creat:{int(found[3]):12d} | prx:{found[4]} "
                       f"| redis:-1 | frgn:{found[5]} | rec:n\n", line) for line in reference.splitlines(True)]
    return "".join(sorted(lines)), "".join(sorted(ours.splitlines(True)))


_DETAILS = ((r"redis_keyspace: 0\n", "redis_keyspace: -1\nlast redis update: 0\n"),
            (r"foreign: (\w+)\n", r"foreign: \1\nrecording: no\n"),
            (r"(subscribed to|subscription of) ('.*')\n", r"\1 media with monologue tag \2 (index: 1)\n"),
            (r"(SSRC (\w+),.*\n.*\(RTCP\), SSRC )0,", r"\1\2,"),
            (r"(\d+) ts\n", r"\1 uts 0 kts\n"))


def _details(reference: str, ours: str) -> Pair:
    """Later ones have more lines, name the subscribed medium, give RTCP its medium's source, and tell two times; ours
    say how each stream stands."""
    for pattern, replacement in _DETAILS:
        reference = re.sub(pattern, replacement, reference)
    return reference, re.sub(r"--------(?:--)? (?!Port ).*\n", "", ours)


def _interfaces(reference: str, ours: str) -> Pair:
    """10.5 knows the last port used, later ones the traffic and its quality."""
    return re.sub(r" Last port used: *\d+\n", "", reference), re.sub(r" Packets/bytes/errors:\n(?: .*\n)+\n", "", ours)


def _levels(reference: str, ours: str) -> Pair:
    """Another order of subsystems."""
    return "".join(sorted(reference.splitlines(True))), "".join(sorted(ours.splitlines(True)))


def _subsystems(reference: str, ours: str) -> Pair:
    """Descriptions in other words."""
    return _levels(re.sub(" - .+", "", reference), re.sub(" - .+", "", ours))


_SPELLINGS = {"redis-db": "redis", "redis-write-db": "redis-write", "max-bw": "max-bandwidth"}
_VALUES = {"homer-protocol": {"2": "udp"}, "log_format": {"0": "default"}, "redis": {":0/-1": "", "-1": ""},
           "redis-write": {":0/-1": "", "-1": ""}, "redis-num-threads": {"4": "0"}, "graphite-interval": {"0": "1"}}
"""Numbers that stand for words, what is not set, and defaults that are others in later ones."""
_GONE = frozenset(("redis-auth", "redis-write-auth"))


def _params(reference: str, ours: str) -> Pair:
    """Words instead of numbers, nothing for what is not set, passwords with their server, then all other options."""
    expected: dict[str, list[str]] = {}
    for line in reference.splitlines():
        name, _, value = line.partition(" =")
        name, value = _SPELLINGS.get(name, name), value.strip().replace("(null)", "")
        if name not in _GONE and not (name.startswith("listen-") and not value):
            expected.setdefault(name, []).append(_VALUES.get(name, {}).get(value, value))
    got: dict[str, list[str]] = {}
    for line in ours.splitlines():
        name, _, value = line.partition(" =")
        got.setdefault(name, []).append(value.strip())
    order = [name for name in got if name in expected and not name.startswith("log-level-")]
    return _table({name: expected[name] for name in expected if name.startswith("log-level-")},
                  {name: expected[name] for name in expected if not name.startswith("log-level-")}), _table(
        {name: got[name] for name in expected if name.startswith("log-level-") and name in got},
        {name: got[name] for name in order})


def _table(levels: dict[str, list[str]], others: dict[str, list[str]]) -> str:
    return "\n".join([*sorted(f"{name} = {value}" for name, value in levels.items()),
                      *(f"{name} = {value}" for name, value in others.items())])


_NOT_COVERED = re.compile(r"(?:offer-timeout|delete-delay): .*\n")


def _diff(reference: str, ours: str) -> Pair:
    """10.5 forgets two options."""
    return _levels(reference, _NOT_COVERED.sub("", ours))


def _revert(reference: str, ours: str) -> Pair:
    """10.5 reverts without a word."""
    return reference, "" if re.fullmatch(r"(?:[\w-]+: -?\d+ => -?\d+\n)+", ours) else ours


_INTERVALS = re.compile(r"Graphite interval statistics \(last.*?\n\n\n", re.S)


def _totals(reference: str, ours: str) -> Pair:
    """10.5 has those of Graphite's interval always; later ones have more lines and more ng commands."""
    wanted = [line for line in without_times(_INTERVALS.sub("", reference)).splitlines()
              if line and " | " not in line]
    missing, lines = [], iter(without_times(ours).splitlines())
    for line in wanted:
        if not any(each == line for each in lines):
            missing.append(line)
            lines = iter(without_times(ours).splitlines())
    columns = [next(line for line in text.splitlines() if "Proxy" in line).split() for text in (reference, ours)]
    missing += [word for word in columns[0] if word not in columns[1]]
    return "", "".join(f"missing: {line}\n" for line in missing)


def _jsonstats(reference: str, ours: str) -> Pair:
    """The same in JSON: later ones have more keys, and none of Graphite's interval, last ports and passing codecs."""
    theirs, own = json.loads(reference), json.loads(ours)
    theirs.pop("intervalstatistics")
    theirs["transcoders"] = []
    theirs["interfaces"][0]["ports"].pop("last")
    return json.dumps(_timeless(theirs)), json.dumps(_timeless(common(theirs, own)))


def common(model: Any, value: Any) -> Any:
    """Of ``value`` what ``model`` has too."""
    if isinstance(model, dict) and isinstance(value, dict):
        return {key: common(model[key], value[key]) for key in model if key in value}
    if isinstance(model, list) and isinstance(value, list):
        return [common(one, other) for one, other in zip(model, value)] + value[len(model):]
    return value


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "T" if re.search("duration|uptime|^media_|^(?:packet|byte|error)rate", key) else _timeless(each)
                for key, each in value.items()}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


RULES = (
    Rule(".*", _typing), Rule(".*", _unknown), Rule("(?:.* )?help", _help), Rule("usage", _usage),
    Rule("list sessions (?:all|own|foreign|recording)", _sessions), Rule("list sessions .*|call .* info", _details),
    Rule("list interfaces", _interfaces), Rule("list loglevel", _levels), Rule("list loglevels", _subsystems),
    Rule("params (?:start|current)", _params), Rule("params diff", _diff), Rule("params revert", _revert),
    Rule("list totals", _totals), Rule("list jsonstats", _jsonstats))


def comparable(line: str, reference: str, ours: str) -> Pair:
    """Both replies to a command, equal if they differ as the rules say and in times and places alone."""
    for rule in RULES:
        if re.fullmatch(rule.command, line):
            reference, ours = rule.apply(reference, ours)
    return without_times(reference), without_times(ours)
