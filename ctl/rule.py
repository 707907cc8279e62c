# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall rule that hands UDP packets to a forwarding table: install, check, remove.

Rules live in the tables of iptables-legacy, reached through python-iptables, or where the kernel has none of
those, in nftables through the iptables-nft programs. Every change is verified by reading it back.
"""
from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

FAMILIES = (4, 6)
LOCK_FILE = "/run/xtables.lock"
LOCK_TIMEOUT = 5.0
"""Seconds to wait for another program that changes rules."""
_LOCK_PAUSE = 0.05


class RuleError(Exception):
    """The rule cannot be installed, checked or removed; the text says why and what cures it."""


class NoTables(RuleError):
    """This host does not have this kind of tables, or not the chain in them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in the table ``filter``: packets of ``protocol`` in ``chain`` jump to ``target`` with ``parameters``."""

    parameters: tuple[tuple[str, str], ...] = (("id", "0"),)
    chain: str = "INPUT"
    target: str = "RTPENGINE"
    protocol: str = "udp"

    @classmethod
    def for_table(cls, table: int, chain: str = "INPUT") -> Rule:
        """The rule for forwarding table ``table`` (0 to 63)."""
        return cls((("id", str(table)),), chain)

    def __str__(self) -> str:
        parameters = "".join(f" --{name} {value}".rstrip() for name, value in self.parameters)
        return f"{self.chain} -p {self.protocol} -j {self.target}{parameters}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found or done for one family (4 or 6); ``backend`` is None if the rule is in neither kind of table."""

    family: int
    backend: str | None
    changed: bool = False

    @property
    def present(self) -> bool:
        """True if the rule is there now."""
        return self.backend is not None


class Backend(Protocol):
    """One kind of tables."""

    name: str

    def available(self, family: int) -> bool:
        """Whether this host has it, without loading anything."""

    def count(self, rule: Rule, family: int) -> int:
        """How often the rule is there. NoTables, RuleError."""

    def insert(self, rule: Rule, family: int) -> None:
        """Put the rule first in its chain. NoTables, RuleError."""

    def delete(self, rule: Rule, family: int) -> None:
        """Take away one such rule. NoTables, RuleError."""


def install(rule: Rule, families: Sequence[int] = FAMILIES, backend: str = "auto") -> list[Outcome]:
    """Put the rule first in its chain where it is missing. RuleError; nothing is left half done."""
    done: list[Outcome] = []
    with _locked():
        try:
            for family in families:
                done.append(_install(rule, family, backend))
        except RuleError:
            for outcome in done:
                if outcome.changed and outcome.backend:
                    _named(outcome.backend).delete(rule, outcome.family)
            raise
    return done


def check(rule: Rule, families: Sequence[int] = FAMILIES, backend: str = "auto") -> list[Outcome]:
    """Tell where the rule is. RuleError."""
    with _locked():
        return [Outcome(family, _where(rule, family, backend)) for family in families]


def remove(rule: Rule, families: Sequence[int] = FAMILIES, backend: str = "auto") -> list[Outcome]:
    """Take the rule away wherever it is, however often. RuleError."""
    outcomes = []
    with _locked():
        for family in families:
            changed = False
            for each in _candidates(family, backend):
                for _ in range(_count(each, rule, family)):
                    each.delete(rule, family)
                    changed = True
            if (left := _where(rule, family, backend)) is not None:
                raise RuleError(f"the rule is still there after its removal (IPv{family}, {left}): {rule}")
            outcomes.append(Outcome(family, None, changed))
    return outcomes


def _install(rule: Rule, family: int, backend: str) -> Outcome:
    if (there := _where(rule, family, backend)) is not None:
        return Outcome(family, there)
    problem = RuleError("this host has neither the legacy tables nor iptables-nft")
    for each in _candidates(family, backend):
        try:
            each.insert(rule, family)
        except NoTables as error:
            problem = error
            continue
        if not each.count(rule, family):
            raise RuleError(f"the rule is not there after its installation (IPv{family}, {each.name}): {rule}")
        return Outcome(family, each.name, True)
    raise problem


def _where(rule: Rule, family: int, backend: str) -> str | None:
    return next((each.name for each in _candidates(family, backend) if _count(each, rule, family)), None)


def _count(backend: Backend, rule: Rule, family: int) -> int:
    try:
        return backend.count(rule, family)
    except NoTables:
        return 0


def _candidates(family: int, backend: str) -> list[Backend]:
    """The kinds of tables to try, in this order."""
    if backend != "auto":
        return [_named(backend)]
    return [each for each in map(_named, BACKENDS) if each.available(family)]


def _legacy() -> Backend:
    from ctl.rulelegacy import Legacy
    return Legacy()


def _nft() -> Backend:
    from ctl.rulenft import Nft
    return Nft()


BACKENDS: dict[str, Callable[[], Backend]] = {"legacy": _legacy, "nft": _nft}


def _named(name: str) -> Backend:
    if name not in BACKENDS:
        raise RuleError(f"unknown backend {name!r}; there are auto, {', '.join(BACKENDS)}")
    return BACKENDS[name]()


def chain_missing(rule: Rule, family: int, backend: str) -> NoTables:
    """The error for a chain that these tables do not have."""
    return NoTables(f"the table filter has no chain {rule.chain} (IPv{family}, {backend})")


def extension_missing(target: str) -> RuleError:
    """The error for a target that iptables itself does not know."""
    return RuleError(f"iptables does not know the target {target}: its extension libxt_{target}.so is not installed "
                     "in the directory of the xtables extensions")


def module_missing(target: str) -> RuleError:
    """The error for a target that the kernel does not know."""
    return RuleError(f"the kernel does not know the target {target}: load its module with: modprobe xt_{target}")


@contextmanager
def _locked() -> Iterator[None]:
    """Hold the lock that all iptables programs share. RuleError."""
    path = os.environ.get("XTABLES_LOCKFILE", LOCK_FILE)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RuleError(f"cannot open {path}: {error.strerror}; changing rules needs root") from None
    try:
        deadline = time.monotonic() + LOCK_TIMEOUT
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RuleError(f"another program has held {path} for {LOCK_TIMEOUT:g} s") from None
                time.sleep(_LOCK_PAUSE)
        yield
    finally:
        os.close(descriptor)
