# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's forwarding table below /proc/rtpengine."""
from __future__ import annotations

import re
from collections.abc import Iterator

from ctl.doctor.finding import Finding, ok, problem, warning
from ctl.doctor.host import Host
from ctl.doctor.kernel import LOADED, MODULE, RELOAD

_PROC = "/proc/rtpengine"
_OWNER = re.compile(r"^Control PID: +(\d+)", re.MULTILINE)
_TARGETS = re.compile(r"^Targets: +(\d+)", re.MULTILINE)
_RESTART = "systemctl restart rtpengine && journalctl -u rtpengine -n 50 | grep -A1 'KERNEL TABLE'"


def proc(host: Host) -> Iterator[Finding]:
    """Whether the module shows itself, and to the right user."""
    if not host.exists(LOADED):
        return
    if not host.exists(f"{_PROC}/control"):
        yield problem(f"{_PROC} is missing although {MODULE} is loaded: another project's module has that name", RELOAD)
        return
    owner, user = host.owner(f"{_PROC}/control"), _user(host)
    if user in (None, 0, owner):
        yield ok(f"{_PROC} belongs to user {owner}")
    else:
        yield problem(f"{_PROC} belongs to user {owner}, and the daemon runs as user {user}",
                      f"systemctl stop rtpengine; rmmod {MODULE} && modprobe {MODULE} proc_uid={user} proc_gid={user}"
                      " && systemctl start rtpengine")


def _user(host: Host) -> int | None:
    """The user that the daemon runs as."""
    pid = host.running.pid if host.running else None
    for line in (host.read(f"/proc/{pid}/status") or "").splitlines() if pid else ():
        name, _, users = line.partition(":")
        if name == "Uid" and len(users.split()) == 4:
            return int(users.split()[1])
    return None


def owner(host: Host) -> Iterator[Finding]:
    """Whether the daemon has the table that it is set to."""
    number = host.settings.table
    if number < 0 or not host.exists(f"{_PROC}/control"):
        return
    status = host.read(f"{_PROC}/{number}/status")
    pid = host.running.pid if host.running else None
    if status is None:
        if host.running is None:
            yield ok(f"there is no table {number}; the daemon makes it at its start")
        else:
            yield problem(f"there is no table {number}: the daemon could not make it", _RESTART)
        return
    found, targets = _OWNER.search(status), _TARGETS.search(status)
    holder = int(found[1]) if found else 0
    count = targets[1] if targets else "?"
    if holder and holder == pid:
        yield ok(f"table {number} is the daemon's, with {count} ports in the kernel")
    elif holder and pid:
        yield problem(f"table {number} belongs to process {holder} ({_name(host, holder)}), not to the daemon ({pid})",
                      f"ps -fp {holder}   (stop it, or give one of the two another table)")
    elif holder:
        yield warning(f"table {number} belongs to process {holder} ({_name(host, holder)}), which cannot be asked",
                      f"ps -fp {holder}")
    elif pid:
        yield problem(f"table {number} has no owner: the daemon does not use it", _RESTART)
    else:
        yield warning(f"table {number} with {count} ports was left by a daemon that ended; the next one takes it over",
                      f"echo 'del {number}' > {_PROC}/control")


def _name(host: Host, pid: int) -> str:
    return host.line(f"/proc/{pid}/comm") or "of another container"
