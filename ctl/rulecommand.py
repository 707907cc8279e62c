# SPDX-License-Identifier: GPL-3.0-or-later
"""``rtpengine-ctl rule``: the firewall rule from the command line."""
from __future__ import annotations

import sys
from collections.abc import Callable
from enum import Enum
from typing import Annotated

import typer

from ctl import rule
from ctl.rule import Outcome, Rule, RuleError

OK, MISSING, USAGE, FAILED = range(4)


class Backend(str, Enum):
    """Which kind of tables to use."""

    AUTO = "auto"
    LEGACY = "legacy"
    NFT = "nft"


class Family(str, Enum):
    """Which address families to cover."""

    BOTH = "both"
    IPV4 = "ipv4"
    IPV6 = "ipv6"


_FAMILIES = {Family.BOTH: rule.FAMILIES, Family.IPV4: (4,), Family.IPV6: (6,)}

Table = Annotated[int, typer.Option("--id", min=0, max=63, help="number of the forwarding table")]
Chain = Annotated[str, typer.Option(help="chain of the table filter that holds the rule")]
Which = Annotated[Backend, typer.Option(help="kind of tables; auto takes what the host has, legacy first")]
Families = Annotated[Family, typer.Option(help="address family")]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True,
                  help="Install, check or remove the rule that hands UDP packets to a forwarding table.\n\n"
                       "Exit status: 0 done or present, 1 check finds it missing, 2 bad usage, 3 failure.")


@app.command()
def install(table: Table = 0, chain: Chain = "INPUT", backend: Which = Backend.AUTO,
            family: Families = Family.BOTH) -> None:
    """Put the rule first in its chain, unless it is there."""
    _do(rule.install, table, chain, backend, family)


@app.command()
def check(table: Table = 0, chain: Chain = "INPUT", backend: Which = Backend.AUTO,
          family: Families = Family.BOTH) -> None:
    """Tell whether the rule is there; exit status 1 if it is missing in one of the families."""
    if not all(outcome.present for outcome in _do(rule.check, table, chain, backend, family)):
        raise typer.Exit(MISSING)


@app.command()
def remove(table: Table = 0, chain: Chain = "INPUT", backend: Which = Backend.AUTO,
           family: Families = Family.BOTH) -> None:
    """Take the rule away wherever it is."""
    _do(rule.remove, table, chain, backend, family)


def run_rule(arguments: list[str]) -> int:
    """Run one of the commands and return the exit status."""
    try:
        app(arguments, prog_name="rtpengine-ctl rule")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OK
    return OK


def _do(action: Callable[..., list[Outcome]], table: int, chain: str, backend: Backend,
        family: Family) -> list[Outcome]:
    wanted = Rule.for_table(table, chain)
    try:
        outcomes = action(wanted, _FAMILIES[family], backend.value)
    except RuleError as error:
        sys.stderr.write(f"rtpengine-ctl: {error}\n")
        raise typer.Exit(FAILED) from None
    for outcome in outcomes:
        state = f"present ({outcome.backend})" if outcome.present else "absent"
        sys.stdout.write(f"IPv{outcome.family} {wanted}: {state}{', changed' if outcome.changed else ''}\n")
    return outcomes
