# SPDX-License-Identifier: GPL-3.0-or-later
"""From the dictionary of a message to a typed request."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from controlplane.ng.fields import NOT_TEXT, Setter, Target, integer_field, text_field, words_field
from controlplane.ng.frame import Encoding
from controlplane.ng.keys import SUPPORTS, set_key
from controlplane.ng.request import Request
from controlplane.ng.rtpp import expand, use_template
from controlplane.ng.values import Dictionary, text

# These take a few keys in exactly one spelling, and the first of repeated ones; the rest is not looked at.
_PLAIN: dict[str, dict[bytes, Setter]] = {
    "ping": {b"supports": words_field("supports", SUPPORTS)},
    "statistics": {},
    "list": {b"limit": integer_field("limit")},
    "query": {b"call-id": text_field("call_id"), b"from-tag": text_field("from_tag"),
              b"to-tag": text_field("to_tag")},
}

_COMMAND: Final = b"command"
_TEMPLATE: Final = b"template"
_DEFAULT_TEMPLATE = "default"
_FLAG_STRING: Final = frozenset((b"rtpp_flags", b"rtpp-flags", b"rtpp flags"))


_NO_TEMPLATES: Mapping[str, str] = {}


def read_request(command: str, message: Dictionary, encoding: Encoding, source: str, now: float,
                 templates: Mapping[str, str] = _NO_TEMPLATES) -> Request:
    """Everything ``message`` asks for; ``source`` is ``address:port``, ``now`` Unix time in seconds.

    ``templates`` are flag strings by name: ``default`` and the one named like the command count for every message.

    Never fails for what it does not know: that is named in the request's ``unknown``, ``unsupported`` and ``ignored``.
    PeerError for malformed edits of the SDP (sdpattr.py).
    """
    request = Request(command, source, now)
    target = Target(request, encoding.integer, templates)
    plain = _PLAIN.get(command)
    if plain is not None:
        for key, setter in plain.items():
            if key in message:
                target.key = key
                setter(target, message.first(key))
        return request
    for name in (_DEFAULT_TEMPLATE, command):
        if name in templates:
            use_template(target, name)
    for key, value in message.items():
        if key in _FLAG_STRING:
            target.key = key
            request.flag_string = True
            expand(target, value)
        elif key == _TEMPLATE:
            if isinstance(value, bytes):
                use_template(target, text(value))
            else:
                target.key = key
                target.ignored(value, NOT_TEXT)
        elif key != _COMMAND:
            set_key(target, key, value)
    return request
