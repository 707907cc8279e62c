# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of the system: open files of the daemon, sizes of socket buffers."""
from __future__ import annotations

import re
from collections.abc import Iterator

from ctl.doctor.finding import Finding, ok, problem, warning
from ctl.doctor.host import Host

_OPEN_FILES = re.compile(r"^Max open files +(\S+)", re.MULTILINE)
_SPARE = 512
"""Descriptors that are no media ports: listeners, clients, tables."""
PORTS_OF_A_CALL = 4
BUFFERS = (("rmem_max", 4 << 20, "bursts of requests, and below 524288 of media, are lost"),
           ("wmem_max", 4 << 20, "bursts of replies are lost"))
"""What the daemon asks for at most, in bytes, and what happens with less."""


def open_files(host: Host) -> Iterator[Finding]:
    """Whether the daemon may open all of its ports."""
    daemon = host.running
    if daemon is None or daemon.pid is None:
        return
    found = _OPEN_FILES.search(host.read(f"/proc/{daemon.pid}/limits") or "")
    if found is None:
        return
    ports, used = sum(each.ports for each in daemon.interfaces), sum(each.used for each in daemon.interfaces)
    wanted = ports + _SPARE
    limit = int(found[1]) if found[1].isdigit() else None
    if limit is None or limit >= wanted:
        yield ok(f"{found[1]} open files for {ports} media ports")
        return
    report = problem if used + _SPARE > 0.9 * limit else warning
    yield report(f"{limit} open files for {ports} media ports, {used} of them in use: calls end to be taken at about "
                 f"{max(0, limit - _SPARE) // PORTS_OF_A_CALL}",
                 f"prlimit --pid {daemon.pid} --nofile={wanted}   and LimitNOFILE={wanted} by systemctl edit rtpengine")


def buffers(host: Host) -> Iterator[Finding]:
    """Whether the system grants the buffers that the daemon asks for."""
    small = False
    for name, wanted, harm in BUFFERS:
        found = host.numbers(f"/proc/sys/net/core/{name}")
        if found and found[0] < wanted:
            small = True
            yield warning(f"net.core.{name} = {found[0]} is less than the {wanted} that are asked for: {harm}",
                          f"echo net.core.{name}={wanted} > /etc/sysctl.d/60-rtpengine-{name[0]}mem.conf && "
                          "sysctl --system && systemctl restart rtpengine")
    if not small:
        yield ok("the system grants the buffers that are asked for")
