# SPDX-License-Identifier: GPL-3.0-or-later
"""Which replies report a failure; the protocol itself has no other sign of it."""
from __future__ import annotations

import re

_WANTS_SECRET = "This needs the secret:"
_FAILURES = re.compile(
    r"""\n?(?:
        \{"error": | Unknown\ command: | Incomplete\ command: | More\ parameters\ required\.
      | (?:Fail|Failed|Invalid|Warning)\b
      | No\ such\ (?:call|tag)\  | No\ call\ ID\ specified | Call\ I[Dd]\ (?:not\ found\ \(|'.*'\ not\ found$)
      | Keyspace\ notification\ feature\ has\ not | Keyspace\ .*\ is\ not\ among
      | [A-Z][^:\n]{1,99}\ is\ not\ available\ yet | No\ redis\ write\ to\b
      | This\ needs\ the\ secret: | This\ listener\ does\ not\ serve | HTTP/1\.[01]\ [45]
    )""", re.VERBOSE | re.MULTILINE)


def is_unknown(reply: str) -> bool:
    """True if the daemon does not have that command."""
    return reply.startswith(("Unknown command: ", '{"error":"Unknown command: '))


def wants_secret(reply: str) -> bool:
    """True if the listener asks for the secret."""
    return reply.startswith(_WANTS_SECRET)


def is_failure(reply: str) -> bool:
    """True for the error texts of the daemon."""
    return _FAILURES.match(reply) is not None
