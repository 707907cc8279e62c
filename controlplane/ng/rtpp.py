# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng key ``rtpp_flags``: flags, keys, lists and dictionaries written as one line of text.

The syntax never fails: what is unbalanced, empty or nested too deeply is read as far as it makes sense.
"""
from __future__ import annotations

import re
from collections.abc import Callable

from controlplane.ng.codecs import add_rule
from controlplane.ng.fields import NOT_TEXT, Target
from controlplane.ng.flags import set_flags
from controlplane.ng.keys import set_key
from controlplane.ng.values import MAX_DEPTH, Dictionary, Value, decimal_text, raw_bytes, text
from controlplane.ng.words import hyphened

# An opening bracket is special only in front of a token or of a value.
_TOKEN = re.compile(rb"([^ =\]]*)(=?)")
_VALUE = re.compile(rb"[^ \]]*")

Token = tuple[bytes | None, Value]
"""Key and value; a bare word and a list without a key have None in front."""

SetToken = Callable[[Target, bytes], None]


def _contents(tokens: list[Token]) -> Value:
    """What a bracket holds: its first element tells whether it is a dictionary or a list."""
    if tokens and tokens[0][0] is not None:
        return Dictionary([(key, value) for key, value in tokens if key is not None])
    return [b"%s=%s" % (key, value) if key is not None and isinstance(value, bytes) else value
            for key, value in tokens]


def _value(line: bytes, at: int, depth: int) -> tuple[Value, int]:
    if line[at:at + 1] == b"[" and depth < MAX_DEPTH:
        tokens, at = _tokens(line, at + 1, depth + 1)
        return _contents(tokens), at
    found = _VALUE.match(line, at)
    return (found[0], found.end()) if found else (b"", at)


def _tokens(line: bytes, at: int, depth: int) -> tuple[list[Token], int]:
    """Tokens from ``at`` up to the bracket that closes them; give them with the position behind it."""
    tokens: list[Token] = []
    while at < len(line):
        byte = line[at:at + 1]
        key: bytes | None = None
        if byte == b" ":
            at += 1
            continue
        if byte == b"]":
            at += 1
            if depth:
                break
            continue
        if byte != b"[" and (found := _TOKEN.match(line, at)):
            key, at = found[1], found.end()
            if not found[2]:
                tokens.append((None, key))
                continue
        value, at = _value(line, at, depth)
        if key != b"" and value != b"":
            tokens.append((key, value))
    return tokens, at


def parse(line: bytes) -> list[Token]:
    """Read ``line`` into tokens in their order; ``key=`` and ``=value`` are left out."""
    return _tokens(line, 0, 0)[0]


def _add_direction(target: Target, value: bytes) -> None:
    """Name the interface of the sender's side, next time that of the receiver's."""
    if target.request.from_interface is None:
        target.request.from_interface = text(value)
    elif target.request.to_interface is None:
        target.request.to_interface = text(value)
    else:
        target.unknown(f"direction={text(value)}")


def _set_to_tag(target: Target, value: bytes) -> None:
    target.request.to_tag = text(value)
    target.request.flags.add("to-tag")


def _set_from_tag(target: Target, value: bytes) -> None:
    target.request.from_tag = text(value)
    target.request.flags.add("directional")


def _rule(rule: str) -> SetToken:
    return lambda target, value: add_rule(target, rule, value)


def _use_template(target: Target, value: bytes) -> None:
    use_template(target, text(value))


# What a key with a plain value, and a bare word, mean here and nowhere else.
_KEYS: dict[bytes, SetToken] = {
    b"direction": _add_direction, b"to-tag": _set_to_tag, b"from-tag": _set_from_tag, b"template": _use_template,
    b"transcode": _rule("transcode"),
    **{b"codec-" + rule.encode(): _rule(rule)
       for rule in ("transcode", "strip", "offer", "mask", "set", "accept", "except")},
}
_WORDS: dict[bytes, SetToken] = {b"internal": _add_direction, b"external": _add_direction}


def use_template(target: Target, name: str) -> None:
    """Apply the configured flag string ``name`` (ng key ``template``); a template may name others, but not itself.

    The case of the name does not matter: ``target.templates`` has them in lower case.
    """
    line = target.templates.get(name.lower())
    if line is None:
        target.unknown(f"template={name}")
        return
    others = {other: content for other, content in target.templates.items() if other != name.lower()}
    expand(Target(target.request, target.integer, others), raw_bytes(line))


def expand(target: Target, value: Value) -> None:
    """Apply a flag string to the request (ng key ``rtpp_flags``); its integers are base 10 in both encodings."""
    if not isinstance(value, bytes):
        target.ignored(value, NOT_TEXT)
        return
    inner = Target(target.request, decimal_text, target.templates)
    for key, content in parse(value):
        if key is None:
            if isinstance(content, bytes):
                setter = _WORDS.get(content)
                if setter is not None:
                    setter(inner, content)
                else:
                    set_flags(inner, [content], set_key)
        elif isinstance(content, bytes) and (setter := _KEYS.get(hyphened(key))):
            setter(inner, content)
        else:
            set_key(inner, key, content)
