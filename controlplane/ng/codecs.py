# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng key ``codec``, and its members as flags: what is to become of the codecs that a party offers."""
from __future__ import annotations

from controlplane.ng.fields import NOT_DICTIONARY, Target, members
from controlplane.ng.values import Dictionary, Value, text
from controlplane.ng.words import hyphened

RULES = ("strip", "ignore", "offer", "except", "transcode", "mask", "consume", "accept", "set")
_EVERYWHERE = frozenset(("strip", "ignore", "offer", "except"))
OFFERING = frozenset(("offer", "subscribe request", "publish"))
"""The commands that can add codecs, or hide them from the receiver alone."""
_WITH_CODECS = OFFERING | {"play media"}


def add_rule(target: Target, rule: str, value: Value) -> None:
    """Add the codecs of a list, or of a string with commas, to one rule; ``--`` and ``..`` are unescaped."""
    named = target.request.codecs.setdefault(rule, [])
    named += [text(member.replace(b"--", b"=").replace(b"..", b" ")) for member in members(target, value)]


def set_codec(target: Target, value: Value) -> None:
    """Take over the lists by rule. Those that only make sense with an offer count for nothing elsewhere."""
    if not isinstance(value, Dictionary):
        target.ignored(value, NOT_DICTIONARY)
        return
    for name, codecs in value.items():
        rule = text(hyphened(name))
        if rule not in RULES:
            target.unknown(f"codec={rule}")
        elif rule in _EVERYWHERE or target.request.command in _WITH_CODECS:
            add_rule(target, rule, codecs)


def flag_rule(command: str, raw: bytes) -> tuple[str, bytes] | None:
    """Rule and codec of a flag such as ``codec-strip-PCMA`` or ``transcode-opus``; None if it is none."""
    for prefix, rule in _PREFIXES:
        if hyphened(raw[:len(prefix)]) == prefix:
            return (rule, raw[len(prefix):]) if rule not in _OFFERED_ONLY or command in OFFERING else None
    return None


_OFFERED_ONLY = frozenset(("transcode", "mask"))
_PREFIXES = ((b"transcode-", "transcode"), *((b"codec-%s-" % rule.encode(), rule) for rule in RULES))
