# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.bench.profile``: where signalling spends its time, without a network and a second process.

Cycles of offer, answer and delete go straight into a Proxy. Machines differ and vary, so a fixed piece of Python is
timed as well: compare the ratio of the two. ``--sort KEY`` adds a profile by function (a pstats key, as ``tottime``).
"""
from __future__ import annotations

import argparse
import cProfile
import itertools
import pstats
import time

from controlplane.config.interfaces import build_interfaces
from controlplane.config.load import load
from controlplane.config.netdevs import system_resolver
from controlplane.dataplane.relay import Relay
from controlplane.garbage import Garbage
from controlplane.proxy import Proxy
from tests.bench.workload import KINDS, Workload

COMMANDS = ("offer", "answer", "delete")
_OPTIONS = ("--config-file=none", "--foreground", "--log-stderr", "--log-level=4", "--interface=127.0.0.1",
            "--listen-ng=127.0.0.1:22341", "--table=-1")
_CLIENT = "127.0.0.1:5"
_WARM_UP = 200


def run(proxy: Proxy, workload: Workload, count: int) -> list[float]:
    """CPU seconds of this process in ``count`` cycles, by command."""
    spent = [0.0] * len(COMMANDS)
    for requests in [[workload.datagram(name, step) for step in range(len(COMMANDS))]
                     for name in itertools.islice(workload.names(), count)]:
        for step, request in enumerate(requests):
            started = time.process_time()
            reply = proxy.ng_message(request, _CLIENT, time.time())
            spent[step] += time.process_time() - started
            assert reply is not None and b"6:result2:ok" in reply, reply
    return spent


def yardstick() -> float:
    """CPU seconds of 300,000 turns of a simple loop."""
    started, x = time.process_time(), 0
    for i in range(300_000):
        x = (x * 31 + i) & 0xffff
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench.profile", description=__doc__)
    parser.add_argument("--sdp", default="plain", choices=KINDS)
    parser.add_argument("--cycles", type=int, default=700)
    parser.add_argument("--sort", metavar="KEY")
    parser.add_argument("--rows", type=int, default=50)
    options = parser.parse_args()
    workload = Workload(options.sdp, COMMANDS)
    settings = load(list(_OPTIONS))
    relay = Relay(1)
    Garbage(lambda: 0).set_aside()
    try:
        proxy = Proxy(settings, relay, None, *build_interfaces(settings, system_resolver()), time.time)
        run(proxy, workload, _WARM_UP)
        before = yardstick()
        spent = [seconds / options.cycles * 1e3 for seconds in run(proxy, workload, options.cycles)]
        unit = (before + yardstick()) / 2 * 1e3
        parts = ", ".join(f"{command} {cost:.3f}" for command, cost in zip(COMMANDS, spent))
        print(f"{sum(spent):.3f} ms per cycle ({parts}); yardstick {unit:.1f} ms; ratio {sum(spent) / unit:.4f}")
        if options.sort:
            profile = cProfile.Profile()
            profile.runcall(run, proxy, workload, options.cycles)
            pstats.Stats(profile).sort_stats(options.sort).print_stats(options.rows)
    finally:
        relay.shutdown()


if __name__ == "__main__":
    main()
