# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual page rtpengine-ctl(8), made from the list of commands: ``python -m ctl.manual > rtpengine-ctl.8``."""
from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from ctl import capturecommand, client, commands, schema, target
from ctl.doctor.checks import CHECKS

_DESCRIPTION = f"""\
rtpengine-ctl sends one command to a running rtpengine over its listen-cli port and prints the reply. Without
a command it prints the list of them. The port is taken from the options below, else from listen-cli in the
settings file, else it is {target.DEFAULT_PORT} at {target.DEFAULT_HOST}. Options take one dash or two, can be
abbreviated and stand before the command."""
_OPTIONS = (("-ip <ipaddress>[:<port>]", "where the daemon listens; unix:/PATH is a UNIX socket"),
            ("-port <port>", "the same for the port alone"),
            ("--config-file <file>", "settings file with listen-cli, /etc/rtpengine/rtpengine.conf if not given"),
            ("--config-section <name>", "its section, rtpengine if not given"),
            ("--strict", "accepted for scripts that give it; error texts always count as failures"),
            ("--json", "print what a command lists as JSON, see below"), ("--help", "print the commands"))
_RULE = (
    ("rule install", "put the rule that hands UDP packets to a forwarding table first in its chain"),
    ("rule check", "tell whether it is there"), ("rule remove", "take it away wherever it is"),
    ("--id <n>", "number of the forwarding table, 0 if not given"),
    ("--chain <chain>", "chain of the table filter that holds the rule, INPUT if not given"),
    ("--backend <auto | legacy | nft>", "kind of tables; auto takes what the host has, legacy first"),
    ("--family <both | ipv4 | ipv6>", "address family"))
_RULE_STATUS = "Exit status: 0 if it is done or present, 1 if check finds it missing, 2 for bad usage, 3 for a failure."
_ENVIRONMENT = ((client.SECRET, "the secret of the listener, if it asks for one"),)
_DOCTOR = """\
The command doctor looks at the host and at the daemon and prints a line for each thing that it finds: ok, warning
(it works, but not as it could), problem (it does not work) or unknown (only root may look), and behind an arrow what to
type. It changes nothing, and needs no running daemon: without one it goes by the settings file. With --json,
before or behind the word, it prints a list of objects with the keys check, state, found and mend. The checks are:"""


def manual() -> str:
    """The page as roff source."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield ".TH RTPENGINE\\-CTL 8"
    yield from (".SH NAME", r"rtpengine\-ctl \- operate a running rtpengine")
    yield from (".SH SYNOPSIS", r".B rtpengine\-ctl", r"[\fIOPTION\fR...] \fICOMMAND\fR")
    yield from (".SH DESCRIPTION", *map(_escaped, _DESCRIPTION.splitlines()))
    yield ".SH OPTIONS"
    yield from _rows(_OPTIONS)
    yield ".SH COMMANDS"
    yield from _rows(_commands())
    yield from (".SH JSON", *map(_escaped, schema.INTRODUCTION.splitlines()))
    yield from _rows(schema.VALUES)
    for name, fields in schema.OBJECTS.items():
        yield from (f".SS {name}", *_rows(fields.items()))
    yield ".SH RULE"
    yield from _rows(_RULE)
    yield from (".PP", _escaped(_RULE_STATUS))
    yield from (".SH CAPTURE", *map(_escaped, capturecommand.INTRODUCTION.splitlines()))
    yield from _rows((f"--{name} <{name}>", text) for name, text in capturecommand.OPTIONS.items())
    yield from (".SH DOCTOR", *map(_escaped, _DOCTOR.splitlines()))
    yield from _rows((check.name, check.question) for check in CHECKS)
    yield ".SH EXIT STATUS"
    yield from _rows((str(status), text) for status, text in commands.STATUS.items())
    yield ".SH ENVIRONMENT"
    yield from _rows(_ENVIRONMENT)
    yield from (".SH SEE ALSO", r"rtpengine(8)")


def _rows(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, text in rows:
        yield from (".TP", rf"\fB{_escaped(name)}\fR", _escaped(text))


def _commands() -> Iterator[tuple[str, str]]:
    """Each command in full with its explanation; lines that have none lead to those below them."""
    above: list[str] = []
    for line in commands.DAEMON.splitlines()[2:]:
        if not line:
            continue
        depth = (len(line) - len(line.lstrip())) // 4 - 1
        words, found, text = line.strip().partition(": ")
        above[depth:] = [words.strip().removesuffix(" <option>")]
        if found:
            yield " ".join(above), text


def _escaped(text: str) -> str:
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return r"\&" + text if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.stdout.write(manual())
