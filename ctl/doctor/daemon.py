# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon itself: whether it answers, how loaded it is, who may command it."""
from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ctl import client
from ctl.doctor.finding import Finding, ok, problem, warning
from ctl.doctor.host import Host
from ctl.doctor.settings import DEFAULTS

_LISTENERS = ("listen-ng", "listen-tcp-ng", "listen-cli", "listen-http", "listen-https")
_ASK = f"export {client.SECRET}=...   (or let listen-cli in the settings allow list and params)"
_HIGH, _FULL = 0.8, 0.95
_ANY = ("any", "0.0.0.0", "::", "*")


def answers(host: Host) -> Iterator[Finding]:
    """Whether the daemon answers an operator."""
    daemon = host.daemon
    if isinstance(daemon, client.Unreachable):
        yield problem(str(daemon), "systemctl restart rtpengine; journalctl -u rtpengine -n 20")
    elif isinstance(daemon, client.NoReply):
        yield problem(str(daemon), "journalctl -u rtpengine -n 20")
    elif daemon.sessions is None:
        yield warning("the daemon does not tell everything: it wants a secret, or has a rule allow=",
                      _ASK)
    else:
        yield ok(f"it answers, as process {daemon.pid}" if daemon.pid else "it answers")


def settings(host: Host) -> Iterator[Finding]:
    """Where the settings are from that everything else is compared with. NeedsRoot."""
    known = host.settings
    if known.source == DEFAULTS:
        host.read(host.config_file)
    if known.source == DEFAULTS and host.running is not None:
        yield warning("the daemon does not tell its settings, so the defaults are assumed", _ASK)
    else:
        ranges = ", ".join(f"{low} to {high}" for low, high in known.port_ranges)
        yield ok(f"from {known.source}: table {known.table}, ports {ranges}")


def namespace(host: Host) -> Iterator[Finding]:
    """Whether the daemon sees the same network as this program."""
    daemon = host.running
    if daemon is None or daemon.pid is None:
        return
    theirs, ours = host.link(f"/proc/{daemon.pid}/ns/net"), host.link("/proc/self/ns/net")
    if theirs and theirs != ours:
        yield warning("the daemon is in another network namespace: what is said of the network is not of its own",
                      f"nsenter --net=/proc/{daemon.pid}/ns/net rtpengine-ctl doctor")
    elif theirs:
        yield ok("the daemon is in this network namespace")


def load(host: Host) -> Iterator[Finding]:
    """Whether there is room for further calls."""
    daemon = host.running
    if daemon is None or daemon.sessions is None:
        return
    most = host.settings.number("max-sessions", -1)
    yield from _degree("calls", daemon.sessions, most if most > 0 else 0, f"rtpengine-ctl set maxsessions {2 * most}")
    for each in daemon.interfaces:
        yield from _degree(f"ports of {each.name}/{each.address}", each.used, each.ports,
                           f"{host.edit}   (port-min, port-max)")
    average = host.line("/proc/loadavg").split(" ")[0]
    if average.replace(".", "", 1).isdigit():
        busy = float(average) > host.cores
        found = f"load average {average} with {host.cores} processors"
        yield warning(found, "top -H") if busy else ok(found)


def _degree(what: str, used: int, most: int, mend: str) -> Iterator[Finding]:
    if not most:
        yield ok(f"{used} {what}, without a limit")
        return
    found = f"{used} of {most} {what}"
    share = used / most
    yield problem(found, mend) if share >= _FULL else warning(found, mend) if share >= _HIGH else ok(found)


def listeners(host: Host) -> Iterator[Finding]:
    """Whether others than this host may command the daemon without being asked who they are."""
    closed = True
    for option in _LISTENERS:
        for value in host.settings.items(option):
            place, *rules = value.split()
            if rules or place.startswith("unix:") or not (reach := _reach(place)):
                continue
            closed = False
            nearer = f"{option} = 127.0.0.1:{place.rpartition(':')[2]}"
            yield warning(f"{option} = {value} takes commands from {reach}, without rules",
                          f"{host.edit}   ({nearer}, or a rule allow= behind it)")
    if closed:
        yield ok("no listener is open to other hosts without rules")


def _reach(place: str) -> str:
    """Whom a listener without rules hears, empty if nobody but its own net; a port alone is on loopback."""
    address = place.rpartition(":")[0].strip("[]")
    if address in _ANY:
        return "everybody"
    try:
        return "everybody" if ipaddress.ip_address(address).is_global else ""
    except ValueError:
        return ""
