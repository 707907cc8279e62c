# SPDX-License-Identifier: GPL-3.0-or-later
"""The option table as text: what ``--help`` prints."""
from __future__ import annotations

import textwrap
from collections.abc import Iterator

from controlplane.config.option import Kind, Option, Support
from controlplane.config.options import GROUPS
from controlplane.errors import ConfigError

_INDENT = 32
_WIDTH = 100
_METAVARS = {Kind.INTEGER: "N", Kind.UNSIGNED: "N", Kind.NUMBER: "X", Kind.STRING: "TEXT", Kind.PATH: "PATH",
             Kind.ENDPOINT: "ADDRESS:PORT", Kind.LIST: "TEXT"}


def help_text(program: str = "rtpengine") -> str:
    """All options by group, the ones without effect in a list of their own; ends in a line feed."""
    lines = [f"Usage: {program} [OPTION...]", "",
             "Each option is also a key of the settings file, without the dashes.",
             "Changeable ones can be set while the daemon runs, and are read again upon SIGHUP."]
    for title, options in GROUPS.items():
        working = [option for option in options if option.support is Support.WORKS]
        if working:
            lines += ["", f"{title}:", *(line for option in working for line in _entry(option))]
    lines += ["", "Known and checked, but without effect or not supported yet (* is refused, others give a warning):"]
    names = [option.name + ("*" if option.support is Support.REFUSED else "")
             for options in GROUPS.values() for option in options if option.support is not Support.WORKS]
    lines += textwrap.wrap(" ".join(names), _WIDTH, initial_indent="  ", subsequent_indent="  ",
                           break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def answer(action: str, version: str) -> str:
    """What ``--help`` or ``--version`` prints. ConfigError for ``--codecs``, as there are none yet."""
    if action == "help":
        return help_text()
    if action == "version":
        return f"Version: {version}\n"
    raise ConfigError(f"--{action}: this version neither decodes nor encodes any codec; it forwards them all")


def syntax(option: Option) -> str:
    """How an option is written on the command line, such as ``-t, --table=N``."""
    short = f"-{option.short}, " if option.short else ""
    names = ", ".join("--" + name for name in (option.name, *option.also))
    return short + names + ("" if option.kind is Kind.FLAG else f"={_METAVARS[option.kind]}")


def default_text(option: Option) -> str:
    """An option's default in words; empty if there is nothing to say."""
    if option.default_text:
        return option.default_text
    if option.kind is Kind.FLAG or option.default in ("", ()):
        return ""
    return f"{option.default:g}" if isinstance(option.default, float) else str(option.default)


def remarks(option: Option) -> str:
    """The help of an option with its default and whether it repeats or changes at runtime."""
    notes = [f"default {default_text(option)}"] if default_text(option) else []
    notes += ["file:/PATH and env:NAME keep it out of sight"] if option.secret and option.refers else []
    notes += ["repeatable"] if option.kind is Kind.LIST else []
    notes += ["changeable"] if option.runtime else []
    return option.help + (f" ({', '.join(notes)})" if notes else "")


def _entry(option: Option) -> Iterator[str]:
    head = f"  {'' if option.short else '    '}{syntax(option)}"
    body = textwrap.wrap(remarks(option), _WIDTH - _INDENT, break_on_hyphens=False)
    if len(head) >= _INDENT:
        yield head
    else:
        body[0] = head.ljust(_INDENT) + body[0]
    for line in body:
        yield line if line.startswith("  ") else " " * _INDENT + line
