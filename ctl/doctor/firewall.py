# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall: whether the rule that feeds the accelerator is there and comes first, and media are let in."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ctl.doctor import iptables, nftables
from ctl.doctor.chains import Chain, Fit, Media, Ranges, Step, ahead, drops, fate, steps
from ctl.doctor.finding import Finding, ok, problem, warning
from ctl.doctor.host import Host
from ctl.doctor.kernel import PACKAGED

_PROGRAMS = {4: "iptables", 6: "ip6tables"}
_NAMES = {4: "/proc/net/ip_tables_names", 6: "/proc/net/ip6_tables_names"}
_EXTENSION = "libxt_RTPENGINE.so"
_BEFORE = (("raw", "PREROUTING"), ("mangle", "PREROUTING"), ("mangle", "INPUT"))
"""Chains that a packet passes before INPUT of the table filter."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The rule that the accelerator needs, as the words behind ``-j``; ``backend`` is where the settings want it."""

    target: tuple[str, ...]
    backend: str

    def __str__(self) -> str:
        return f"-j {' '.join(self.target)}"

    def install(self, backend: str = "") -> str:
        """What puts it first in INPUT."""
        backend, number = backend or self.backend, self.target[-1]
        if self.target[0] == "NFQUEUE":
            return (f"rtpengine --accelerator=nfqueue --nfqueue-number={number} --iptables-backend={backend} "
                    "--nftables-start")
        return f"rtpengine-ctl rule install --id {number}" + (f" --backend {backend}" if backend != "auto" else "")

    def move(self, dump: Dump) -> str:
        """What takes it away from where it is, and puts it first there."""
        remove = (f"{dump.program} -D INPUT -p udp {self} --queue-bypass" if self.target[0] == "NFQUEUE" else
                  f"rtpengine-ctl rule remove --id {self.target[-1]}")
        return f"{remove} && {self.install(dump.backend)}"


@dataclass(frozen=True, slots=True)
class Dump:
    """The rules of one kind of tables, legacy or nft, for one family."""

    backend: str
    program: str
    tables: iptables.Tables

    def chain(self, table: str, name: str) -> Iterator[Step]:
        """What media packets meet in a chain."""
        return steps(self.chains(table), name)

    def chains(self, table: str) -> dict[str, Chain]:
        """The chains of a table; none if there is no such table."""
        return self.tables.get(table, {})


def wanted(host: Host) -> Wanted | None:
    """What the accelerator needs; None if no rule is needed."""
    settings = host.settings
    backend = settings.text("iptables-backend", "auto")
    if settings.text("accelerator", "kernel") == "nfqueue":
        return Wanted(("NFQUEUE", "--queue-num", str(settings.number("nfqueue-number", 0))), backend)
    if settings.table < 0 or settings.items("ingress-device"):
        return None
    return Wanted(("RTPENGINE", "--id", str(settings.table)), backend)


def families(host: Host) -> list[int]:
    """The IP versions of the daemon's media; if it cannot be asked, those that this host has addresses of."""
    if host.running and host.running.interfaces:
        return sorted({6 if ":" in each.address else 4 for each in host.running.interfaces})
    devices = {line.split()[-1] for line in (host.read("/proc/net/if_inet6") or "").splitlines() if line.strip()}
    return [4, 6] if devices - {"lo"} else [4]


def media(host: Host) -> Media:
    """Where the daemon's media go."""
    return Media(host.settings.port_ranges, [each.address for each in host.running.interfaces] if host.running else ())


def dumps(host: Host, family: int) -> list[Dump]:
    """All rules of a family. NeedsRoot."""
    found = []
    for backend in ("legacy", "nft"):
        program = f"{_PROGRAMS[family]}-{backend}"
        if backend == "legacy" and not host.exists(_NAMES[family]):
            continue
        output = host.run(f"{program}-save")
        if output is not None and not output.status:
            rule = wanted(host)
            tables = iptables.parse(output.out, media(host), rule.target if rule else ())
            found.append(Dump(backend, program, tables))
    return found


def extension(host: Host) -> Iterator[Finding]:
    """Whether iptables knows the target RTPENGINE."""
    needed = wanted(host)
    if needed is None or needed.target[0] != "RTPENGINE":
        return
    folders = ("/usr/lib/xtables", *(f"/usr/lib/{name}/xtables" for name in host.names("/usr/lib")),
               "/usr/libexec/xtables", "/usr/local/lib/xtables")
    found = next((f"{folder}/{_EXTENSION}" for folder in folders if host.exists(f"{folder}/{_EXTENSION}")), None)
    if found:
        yield ok(found)
    else:
        yield problem(f"{_EXTENSION} is missing: iptables does not know the target RTPENGINE",
                      "apt-get install rtpengine-xtables" if host.exists(PACKAGED) else
                      "make -C kmod iptables-install")


def rule(host: Host) -> Iterator[Finding]:
    """Whether the rule is there, and what comes before it."""
    needed = wanted(host)
    if needed is None:
        yield ok("no rule is needed: " + ("the module takes packets from a device" if host.settings.table >= 0
                                          else "no accelerator is asked for"))
        return
    for family in families(host):
        yield from _rule(host, needed, family)


def _rule(host: Host, needed: Wanted, family: int) -> Iterator[Finding]:
    present = dumps(host, family)
    if not present:
        yield problem(f"IPv{family}: iptables is not installed", f"apt-get install iptables && {needed.install()}")
        return
    for dump in present:
        before, found = ahead(dump.chain("filter", "INPUT"))
        if found is None:
            continue
        obstacles = list(_obstacles(needed, family, dump, before))
        yield from obstacles or [ok(f"IPv{family}: {needed} is in {found.chain} ({dump.backend}), "
                                    "and nothing that matters comes before it")]
        return
    others = sorted({line.text for dump in present for chain in dump.chains("filter").values()
                     for line in chain.lines if f"-j {needed.target[0]} " in line.text})
    yield problem(f"IPv{family}: no {needed} in INPUT, so packets pass by the accelerator"
                  + (f"; there is {others[0]}" if others else ""), needed.install())


def _obstacles(needed: Wanted, family: int, dump: Dump, before: list[Step]) -> Iterator[Finding]:
    for step in before:
        report = problem if step.verdict == "established" or step.fit is Fit.ALL else warning
        what = "drops media" if step.verdict == "drop" else "lets media pass by the accelerator"
        yield report(f"IPv{family}: '{step.text}' comes before {needed} and {what}", needed.move(dump))


def before(host: Host) -> Iterator[Finding]:
    """Whether something drops media before they come to INPUT."""
    found = False
    ports = host.settings.port_ranges
    for family in families(host):
        for dump in dumps(host, family):
            for table, chain in _BEFORE:
                for step in drops(dump.chain(table, chain)):
                    found = True
                    report = problem if step.fit is Fit.ALL else warning
                    yield report(f"IPv{family}: '{step.text}' in the table {table} drops media before INPUT",
                                 f"{dump.program} -t {table} -I {chain} -p udp --dport {_colon(ports[0])} -j ACCEPT")
    for base in native(host):
        for step in drops(steps(base.chains, base.name)) if base.early else ():
            if step.fit is not Fit.ALL:
                found = True
                yield warning(f"'{base}', {step.text}, may drop media before INPUT", _nft_accept(base, ports))
    if not found:
        yield ok("nothing drops media before INPUT")


def passage(host: Host) -> Iterator[Finding]:
    """Whether INPUT lets media in: before a stream is confirmed its packets go to the daemon's socket."""
    blocked = False
    ports = host.settings.port_ranges
    needed = wanted(host)
    queued = needed is not None and needed.target[0] == "NFQUEUE"
    accepting = ("accept", "module") if queued else ("accept",)     # what comes back from a queue passes INPUT
    for family in families(host):
        for dump in dumps(host, family):
            step = fate(dump.chains("filter"), "INPUT", accepting)
            if step is not None:
                blocked = True
                _, found = ahead(dump.chain("filter", "INPUT"))
                place = f" {found.index + 1}" if found and found.chain == "INPUT" else ""
                yield problem(f"IPv{family}: media are not let in ({step.text} in {step.chain}, {dump.backend})",
                              f"{dump.program} -I INPUT{place} -p udp --dport {_colon(ports[0])} -j ACCEPT")
    for base in native(host):
        step = fate(base.chains, base.name)
        if step is not None:
            blocked = True
            yield problem(f"media are not let in ('{base}', {step.text})", _nft_accept(base, ports))
    if not blocked:
        yield ok("udp ports " + ", ".join(f"{low} to {high}" for low, high in ports))


def native(host: Host) -> list[nftables.Base]:
    """The chains of nftables that are not those of iptables. NeedsRoot."""
    output = host.run("nft", "-j", "list", "ruleset")
    if output is None or output.status:
        return []
    return nftables.parse(output.out, media(host))


def _colon(ports: tuple[int, int]) -> str:
    return f"{ports[0]}:{ports[1]}"


def _nft_accept(base: nftables.Base, ports: Ranges) -> str:
    return f"nft insert rule {base} udp dport {ports[0][0]}-{ports[0][1]} accept"
