# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules in nftables, through the iptables-nft programs."""
from __future__ import annotations

import os
import shutil
import subprocess

from ctl.rule import NoTables, Rule, RuleError, chain_missing, extension_missing, module_missing

TIMEOUT = 30
"""Seconds one program may take."""
_PROGRAMS = {4: "iptables-nft", 6: "ip6tables-nft"}
_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_NO_EXTENSION = ("unknown option", "Couldn't load target", "No such target")
_NO_MODULE = ("missing kernel module", "No chain/target/match by that name", "RULE_INSERT failed (No such file",
              "RULE_INSERT failed (Not supported", "RULE_INSERT failed (Operation not supported")
_NO_CHAIN = ("does not exist", "is incompatible, use 'nft' tool")


class Nft:
    """The tables of iptables-nft and ip6tables-nft."""

    name = "nft"

    def available(self, family: int) -> bool:
        """True if the program is installed."""
        return shutil.which(_PROGRAMS[family], path=_path()) is not None

    def count(self, rule: Rule, family: int) -> int:
        """How often the rule is in its chain."""
        jumps = [line for line in _chain(rule, family) if rule.target in line.split()]
        if not jumps or _run(rule, family, "-C").returncode:
            return 0
        return max(1, jumps.count(f"-A {rule}"))

    def insert(self, rule: Rule, family: int) -> None:
        """Put the rule first in its chain."""
        _chain(rule, family)
        _checked(_run(rule, family, "-I"), rule, family)

    def delete(self, rule: Rule, family: int) -> None:
        """Take away the first such rule."""
        _checked(_run(rule, family, "-D"), rule, family)


def _chain(rule: Rule, family: int) -> list[str]:
    """The chain as it is now, one rule a line. NoTables if there is none."""
    result = _checked(_run(rule, family, "-S", whole=False), rule, family)
    return [line.strip() for line in result.stdout.splitlines()]


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:{_PATH}"


def _run(rule: Rule, family: int, action: str, whole: bool = True) -> subprocess.CompletedProcess[str]:
    program = shutil.which(_PROGRAMS[family], path=_path())
    if program is None:
        raise NoTables(f"{_PROGRAMS[family]} is not installed")
    words = [program, action, rule.chain]
    if whole:
        words += ["-p", rule.protocol, "-j", rule.target]
        for name, value in rule.parameters:
            words += [f"--{name}"] + ([value] if value else [])
    try:
        result = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT, check=False,
                                env=os.environ | {"PATH": _path(), "LC_ALL": "C"})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuleError(f"{program} failed: {error}") from None
    if result.returncode and any(text in result.stderr for text in _NO_EXTENSION):
        raise extension_missing(rule.target)
    if result.returncode and "Permission denied" in result.stderr:
        raise RuleError(f"{_PROGRAMS[family]}: {_last(result.stderr)}")
    return result


def _checked(result: subprocess.CompletedProcess[str], rule: Rule, family: int) -> subprocess.CompletedProcess[str]:
    if result.returncode == 0:
        return result
    if any(text in result.stderr for text in _NO_CHAIN):
        raise chain_missing(rule, family, "nft")
    if any(text in result.stderr for text in _NO_MODULE):
        raise module_missing(rule.target)
    raise RuleError(f"{_PROGRAMS[family]}: {_last(result.stderr)}")


def _last(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line and not line.startswith("#")]
    return "; ".join(lines) if lines else "failed without a message"
