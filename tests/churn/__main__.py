# SPDX-License-Identifier: GPL-3.0-or-later
"""A day of calls in some minutes, and whether anything of them stays: ``python -m tests.churn``."""
from __future__ import annotations

import argparse
import sys
import time

from tests.churn.churn import OPTIONS, Holding, churn, growth
from tests.peers.daemon import Daemon, compiled_command, free_port, own_command

LIMITS = {"files": 0.0, "threads": 0.0, "memory": 500.0}
"""What 1000 further calls may leave held: descriptors, threads, kilobytes. A call has 30 of these."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000, help="how many (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=20,
                        help="in how many parts, each ending with killed clients (default %(default)s)")
    parser.add_argument("--no-cookies", action="store_true", help="over HTTP alone, so that no replies are kept")
    options = parser.parse_args()
    port = free_port()
    started = time.monotonic()
    held: list[Holding] = []
    with Daemon(compiled_command() or own_command(), options=[
            f"--listen-http=127.0.0.1:{port}", "--log-level=3", *OPTIONS]) as daemon:
        print(f"{'calls':>8} {'files':>6} {'threads':>8} {'memory kB':>10} {'seconds':>8}")
        for each in churn(daemon, 0 if options.no_cookies else daemon.ng_port, port, options.calls, options.rounds):
            held.append(each)
            print(f"{each.calls:8} {each.files:6} {each.threads:8} {each.memory:10} {time.monotonic() - started:8.0f}",
                  flush=True)
    failed = False
    for kind, limit in LIMITS.items():
        slope = growth(held, kind)
        failed |= slope > limit
        print(f"{kind} per 1000 calls: {slope:+.3f} ({'too much' if slope > limit else 'at most'} {limit:g})")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
