# SPDX-License-Identifier: GPL-3.0-or-later
"""Network devices and connection tracking under load."""
from __future__ import annotations

from collections.abc import Iterator

from ctl.doctor.finding import Finding, ok, problem, warning
from ctl.doctor.host import Host

_NET = "/sys/class/net"
_TRACKING = "/proc/sys/net/netfilter/nf_conntrack_"
FULL, NEARLY_FULL = 0.9, 0.7


def queues(host: Host) -> Iterator[Finding]:
    """Whether the packets of each network card are spread over the processors."""
    cards = [name for name in host.names(_NET) if host.exists(f"{_NET}/{name}/device")
             and host.line(f"{_NET}/{name}/operstate") != "down"]
    for card in cards:
        folder = f"{_NET}/{card}/queues"
        receiving = [name for name in host.names(folder) if name.startswith("rx-")]
        spread = any(host.line(f"{folder}/{name}/rps_cpus").strip("0,") for name in receiving)
        what = f"{card} has {len(receiving)} receive queue{'s' * (len(receiving) != 1)} for {host.cores} processors"
        if len(receiving) == 1 and host.cores > 1 and not spread:
            yield warning(f"{what}, and no RPS: one processor takes all packets",
                          f"ethtool -L {card} combined {host.cores} || "
                          f"echo {_mask(host.cores)} > {folder}/{receiving[0]}/rps_cpus")
        else:
            yield ok(what + (", and RPS" if spread else ""))


def _mask(cores: int) -> str:
    """A bit for each processor, in groups of 32 as the kernel reads them."""
    digits = f"{(1 << cores) - 1:x}"
    groups = [digits[max(0, end - 8):end] for end in range(len(digits), 0, -8)]
    return ",".join(reversed(groups))


def tracking(host: Host) -> Iterator[Finding]:
    """Whether connection tracking has room left; once it is full new streams are dropped."""
    counts, largest = host.numbers(f"{_TRACKING}count"), host.numbers(f"{_TRACKING}max")
    if not counts or not largest or not largest[0]:
        yield ok("connections are not tracked")
        return
    count, most = counts[0], largest[0]
    found = f"{count} of {most} connections are tracked"
    low, high = host.settings.port_ranges[0]
    rules = " && ".join(f"{program} -t raw -I {chain} -p udp {side} {low}:{high} -j CT --notrack"
                        for program in ("iptables", "ip6tables")
                        for chain, side in (("PREROUTING", "--dport"), ("OUTPUT", "--sport")))
    if count >= FULL * most:
        yield problem(f"{found}: new streams are dropped when it is full", rules)
    elif count >= NEARLY_FULL * most:
        yield warning(found, rules)
    else:
        yield ok(found)
