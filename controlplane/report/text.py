# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from peers on a terminal."""
from __future__ import annotations

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_INVISIBLE = {code: f"\\u{code:04x}"
              for code in (*range(0x200b, 0x2010), *range(0x2028, 0x202f), *range(0x2066, 0x206a))}
_ESCAPES = _CONTROLS | _INVISIBLE


def clean(text: str | None) -> str:
    """Text from a peer, unable to start a new line, to steer a terminal or to look like other text."""
    return (text or "").translate(_ESCAPES)
