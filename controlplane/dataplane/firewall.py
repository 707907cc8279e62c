# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall rule that feeds the accelerator: put there at the start, taken away at the end."""
from __future__ import annotations

import logging

from controlplane.errors import ConfigError
from ctl import rule as rules
from ctl.rule import Rule, RuleError

_log = logging.getLogger("rtpengine.core")


def rule_of(accelerator: str, table: int, queue: int) -> Rule:
    """The rule that ``accelerator`` (kernel or nfqueue) needs.

    A queue that nobody reads lets packets go on (``queue-bypass``), so media survive the daemon's end.
    """
    if accelerator == "nfqueue":
        return Rule((("queue-num", str(queue)), ("queue-bypass", "")), target="NFQUEUE")
    return Rule.for_table(table)


class Firewall:
    """One rule for IPv4 and IPv6 in the tables that ``backend`` (auto, legacy or nft) names."""

    def __init__(self, rule: Rule, backend: str):
        self._rule = rule
        self._backend = backend

    def install(self) -> None:
        """Put the rule first in its chain unless it is there. ConfigError with the cure if that fails."""
        try:
            outcomes = rules.install(self._rule, backend=self._backend)
        except RuleError as error:
            raise ConfigError(f"firewall rule '{self._rule}': {error}") from None
        for outcome in outcomes:
            _log.info("Firewall rule '%s' %s for IPv%d (%s)", self._rule,
                      "installed" if outcome.changed else "was there", outcome.family, outcome.backend)

    def missing_families(self) -> list[int]:
        """The IP versions for which the rule is not there. ConfigError if that cannot be found out."""
        try:
            return [o.family for o in rules.check(self._rule, backend=self._backend) if not o.present]
        except RuleError as error:
            raise ConfigError(f"firewall rule '{self._rule}': {error}") from None

    def remove(self) -> None:
        """Take the rule away. ConfigError if it stays."""
        try:
            rules.remove(self._rule, backend=self._backend)
        except RuleError as error:
            raise ConfigError(f"firewall rule '{self._rule}': {error}") from None
