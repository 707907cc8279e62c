# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules in the legacy tables, through python-iptables."""
from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ctl.rule import NoTables, Rule, RuleError, chain_missing, extension_missing, module_missing

TABLE = "filter"
ATTEMPTS = 10
_PAUSE = 0.1
_NAMES = {4: "/proc/net/ip_tables_names", 6: "/proc/net/ip6_tables_names"}
_BUSY = os.strerror(errno.EAGAIN)
_NO_TABLE = "Table does not exist"
_NO_TARGET = "No chain/target/match by that name"


class Legacy:
    """The tables of iptables-legacy and ip6tables-legacy."""

    name = "legacy"

    def available(self, family: int) -> bool:
        """True if the kernel has these tables."""
        return os.path.exists(_NAMES[family])

    def count(self, rule: Rule, family: int) -> int:
        """How often the rule is in its chain."""
        with _opened(rule, family) as table:
            return sum(1 for _ in _same(table, rule, family))

    def insert(self, rule: Rule, family: int) -> None:
        """Put the rule first in its chain."""
        def change(table: Any) -> None:
            import iptc
            iptc.Chain(table, rule.chain).insert_rule(_built(rule, family))
        _commit(rule, family, change)

    def delete(self, rule: Rule, family: int) -> None:
        """Take away the first such rule."""
        def change(table: Any) -> None:
            import iptc
            for found in _same(table, rule, family):
                iptc.Chain(table, rule.chain).delete_rule(found)
                return
        _commit(rule, family, change)


def _commit(rule: Rule, family: int, change: Any) -> None:
    """Change the table and write it back; again if somebody else was faster."""
    for attempt in range(ATTEMPTS):
        try:
            with _opened(rule, family) as table:
                change(table)
                table.commit()
            return
        except RuleError as error:
            if _BUSY not in str(error) or attempt == ATTEMPTS - 1:
                raise
        time.sleep(_PAUSE)


@contextmanager
def _opened(rule: Rule, family: int) -> Iterator[Any]:
    """The table as it is now, with nothing written before commit(). NoTables, RuleError."""
    import iptc
    table = None
    try:
        table = (iptc.Table if family == 4 else iptc.Table6)(TABLE, autocommit=False)
        table.refresh()
        if not table.is_chain(rule.chain):
            raise chain_missing(rule, family, "legacy")
        yield table
    except (iptc.IPTCError, iptc.XTablesError) as error:
        raise _explained(str(error), rule, family) from None
    finally:
        if table is not None:
            table.close()


def _explained(text: str, rule: Rule, family: int) -> RuleError:
    if _NO_TABLE in text:
        return NoTables(f"the kernel has no legacy tables for IPv{family}: {text}")
    if "can't find target" in text:
        return extension_missing(rule.target)
    if _NO_TARGET in text:
        return module_missing(rule.target)
    return RuleError(f"{text} (IPv{family}, legacy)")


def _built(rule: Rule, family: int) -> Any:
    import iptc
    built = iptc.Rule() if family == 4 else iptc.Rule6()
    built.protocol = rule.protocol
    target = built.create_target(rule.target)
    for name, value in rule.parameters:
        target.set_parameter(name, value)
    return built


def _same(table: Any, rule: Rule, family: int) -> Iterator[Any]:
    """The equal rules of the chain; rules with other targets are not even decoded."""
    import iptc
    chain = iptc.Chain(table, rule.chain)
    entry, wanted = table.first_rule(rule.chain), None
    while entry:
        following = table.next_rule(entry)
        if table.get_target(entry) == rule.target.encode():
            wanted = wanted or _built(rule, family)
            found = table.create_rule(entry, chain)
            if found == wanted:
                yield found
        entry = following
