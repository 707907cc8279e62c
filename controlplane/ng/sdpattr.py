# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng keys ``sdp-attr`` and ``sdp-media-remove``: the only ones that fail a request for what they contain."""
from __future__ import annotations

from collections.abc import Callable

from controlplane.errors import PeerError
from controlplane.ng.fields import Target, members
from controlplane.ng.values import Dictionary, Value, text
from controlplane.sdp.manipulate import SESSION, Edits

_MEDIA_TYPES = {name.encode(): name for name in ("audio", "video", "image", "message", "text", "application")}
_SECTIONS = _MEDIA_TYPES | {b"none": SESSION, b"global": SESSION}
_REMOVABLE = _MEDIA_TYPES | {b"other": "other"}
_WRONG_TYPE = "wrong type used"
_WRONG_CONTENT = "wrong content given"
_NO_SECTION = "unsupported sdp section"
_NO_COMMAND = "unknown manipulation command"
_NO_TOKEN = "invalid token given"


def set_sdp_attr(target: Target, value: Value) -> None:
    """Take over the edits of every section. PeerError with the reason that ng prescribes."""
    if not isinstance(value, Dictionary):
        raise PeerError(_WRONG_TYPE)
    for name, commands in value.items():
        if not isinstance(commands, Dictionary):
            raise PeerError(_WRONG_CONTENT)
        section = _SECTIONS.get(name)
        if section is None:
            raise PeerError(_NO_SECTION)
        edits = target.request.sdp_attr.setdefault(section, Edits())
        for command, content in commands.items():
            edit = _COMMANDS.get(command)
            if edit is None:
                raise PeerError(_NO_COMMAND)
            edit(target, edits, content)


def set_sdp_media_remove(target: Target, value: Value) -> None:
    """Note the media types that the receiver is not to be offered. PeerError for an unknown one."""
    if not isinstance(value, list):
        raise PeerError(_WRONG_TYPE)
    for name in value:
        kind = _REMOVABLE.get(name) if isinstance(name, bytes) else None
        if kind is None:
            raise PeerError(_NO_SECTION)
        target.request.sdp_media_remove.add(kind)


def flag_value(command: bytes, rest: bytes) -> Dictionary:
    """What ``SECTION-LINE`` behind a flag ``sdp-attr-COMMAND-`` is as the value of ``sdp-attr``. PeerError."""
    end = len(rest) - len(rest.lstrip(b"abcdefghijklmnopqrstuvwxyz"))
    line = rest[end + 1:]
    if not end or not line:
        raise PeerError(_NO_TOKEN)
    return Dictionary([(rest[:end], Dictionary([(command, [line])]))])


def _unescaped(raw: bytes) -> str:
    """The text that ``--`` for ``=`` and ``..`` for a space hide; a line must stay one line."""
    return text(raw.replace(b"--", b"=").replace(b"..", b" ").translate(None, b"\r\n\0"))


def _add(target: Target, edits: Edits, value: Value) -> None:
    lines = [_unescaped(member).removeprefix("a=") for member in members(target, value)]
    edits.added += [line for line in lines if line]


def _remove(target: Target, edits: Edits, value: Value) -> None:
    edits.removed.update(_unescaped(member).lower() for member in members(target, value))


def _substitute(target: Target, edits: Edits, value: Value) -> None:
    for pair in value if isinstance(value, list) else members(target, value):
        if isinstance(pair, bytes):
            pair = pair.split(b">", 1)
            if len(pair) != 2:
                raise PeerError(_NO_TOKEN)
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], bytes) and isinstance(pair[1], bytes):
            replacement = _unescaped(pair[1])
            if replacement:
                edits.substituted[_unescaped(pair[0]).lower()] = replacement
        else:
            target.ignored(pair, "is no pair of texts")


_COMMANDS: dict[bytes, Callable[[Target, Edits, Value], None]] = {
    b"add": _add, b"remove": _remove, b"substitute": _substitute}
