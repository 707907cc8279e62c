# SPDX-License-Identifier: GPL-3.0-or-later
"""``rtpengine-ctl doctor`` from the command line."""
from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import typer

from ctl import client, target
from ctl.doctor.checks import examine
from ctl.doctor.finding import Finding, State
from ctl.doctor.host import Host
from ctl.options import Options, UsageError

OK, USAGE, PROBLEM = 0, 1, 5
_BAD_WORDS = 2
"""What typer ends with if it does not understand."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def doctor(context: typer.Context,
           as_json: Annotated[bool, typer.Option("--json", help="the same as a list of objects")] = False) -> None:
    """Check the host and the daemon, a line per check, and say what to type where something is not well.

    Exit status: 0 without problems (there may be warnings), 5 with some. What only root may see is told as unknown.
    """
    host, json_before = context.obj
    found = examine(host)
    states = _print_json(found) if as_json or json_before else _print_lines(found)
    raise typer.Exit(PROBLEM if State.PROBLEM in states else OK)


def run_doctor(chosen: Options, words: list[str]) -> int:
    """Run it and return the exit status. UsageError."""
    try:
        host, port = target.find(chosen)
    except UsageError:
        if chosen.config_file is not None:
            raise
        host, port = chosen.ip or target.DEFAULT_HOST, chosen.port or target.DEFAULT_PORT     # not ours to read

    def ask(command: str) -> str:
        return b"".join(client.ask(host, port, command)).decode("utf-8", "replace")

    examined = Host(ask, config_file=chosen.config_file or target.DEFAULT_FILE, config_section=chosen.config_section)
    try:
        app(words, prog_name="rtpengine-ctl doctor", obj=(examined, chosen.json))
    except SystemExit as end:
        return USAGE if end.code == _BAD_WORDS else end.code if isinstance(end.code, int) else OK
    return OK


def _print_lines(found: Iterator[tuple[str, Finding]]) -> Counter[State]:
    states: Counter[State] = Counter()
    for name, finding in found:
        states[finding.state] += 1
        mend = f"  -> {finding.mend}" if finding.mend else ""
        sys.stdout.write(f"{finding.state.value:8}  {name}: {finding.found}{mend}\n")
        sys.stdout.flush()
    sys.stdout.write("\n" + ", ".join(f"{states[state]} {state.value}" for state in State) + "\n")
    return states


def _print_json(found: Iterator[tuple[str, Finding]]) -> Counter[State]:
    rows = list(found)
    json.dump([{"check": name, "state": finding.state.value, "found": finding.found, "mend": finding.mend}
               for name, finding in rows], sys.stdout, indent=2)
    sys.stdout.write("\n")
    return Counter(finding.state for _, finding in rows)
