# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the daemon listens: from the options, its settings file, or the usual place."""
from __future__ import annotations

import os

from ctl.options import DEFAULT_SECTION, Options, UsageError, port

DEFAULT_FILE = "/etc/rtpengine/rtpengine.conf"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 9900
_ANY = "any"
"""The host of a daemon that listens on every address."""


def find(options: Options, default_file: str = DEFAULT_FILE) -> tuple[str, int]:
    """Host and port to connect to. UsageError for a file or number that cannot be used."""
    host, chosen = options.ip, options.port
    configured = listen_cli(options, default_file) if options.config_file or not _complete(options) else ""
    if configured.isdigit():
        chosen = chosen or port(configured)
    elif configured and not host:
        host = configured
    host, cut = split(host or DEFAULT_HOST)
    host = DEFAULT_HOST if host == _ANY else host
    return host or DEFAULT_HOST, chosen or cut or DEFAULT_PORT


def _complete(options: Options) -> bool:
    """Whether nothing of it has to be looked up."""
    return bool(options.ip and (options.port or options.ip.startswith("unix:") or split(options.ip)[1]))


def split(text: str) -> tuple[str, int]:
    """Cut ``:port`` off a host; 0 if there is none. An IPv6 address needs brackets to have a port."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, port(rest[1:]) if rest.startswith(":") else 0
    host, colon, digits = text.rpartition(":")
    if not colon or ":" in host or not digits.isdigit():
        return text, 0
    return host, port(digits)


def listen_cli(options: Options, default_file: str = DEFAULT_FILE) -> str:
    """The first entry of ``listen-cli`` in the settings file, empty if there is none. UsageError."""
    path = options.config_file or default_file
    if options.config_file is None and not os.path.exists(path):
        return ""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}") from None
    value, section, sections = "", "", []
    for line in map(str.strip, lines):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            sections.append(section)
        elif not line.startswith("#") and section == options.config_section:
            key, _, text = line.partition("=")
            if key.strip() == "listen-cli":
                value = text
    if options.config_section not in (DEFAULT_SECTION, *sections):
        there = ", ".join(f"[{name}]" for name in dict.fromkeys(sections)) or "none at all"
        raise UsageError(f"{path} has no section [{options.config_section}]; there are {there}")
    return next((entry.split()[0] for entry in value.split(";") if entry.strip()), "")
