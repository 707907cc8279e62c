# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the ng protocol, implemented or not."""
from __future__ import annotations

COMMANDS = frozenset((
    "ping", "offer", "answer", "delete", "query", "list", "start recording", "stop recording", "pause recording",
    "start forwarding", "stop forwarding", "block DTMF", "unblock DTMF", "block media", "unblock media",
    "play media", "stop media", "play DTMF", "statistics", "silence media", "unsilence media", "publish",
    "subscribe request", "subscribe answer", "unsubscribe", "inject start", "inject stop", "connect", "cli",
    "transform", "create", "create answer", "mesh"))

ALIASES = {"CLI": "cli"}
