# SPDX-License-Identifier: GPL-3.0-or-later
"""A day of calls in some minutes, and whether anything of them stays: ``python -m tests.churn``."""
from __future__ import annotations

import argparse
import socket
import sys
import time

from tests.churn.churn import OPTIONS, Holding, churn, growth, lapsed
from tests.churn.kernel import kernel_growth
from tests.kernel.build import BuildError
from tests.kernel.prepare import PrepareError
from tests.peers.daemon import Daemon, compiled_command, free_port, own_command

LIMITS = {"files": 0.0, "ports": 0.0, "threads": 0.0, "memory": 50.0}
"""What 1000 further calls may leave held: descriptors, media ports, threads, kilobytes. A call has 30 of these.

Memory is that of two rests, when a third of the calls has been made and in the end."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000, help="how many (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=20,
                        help="in how many parts, each ending with killed clients (default %(default)s)")
    parser.add_argument("--no-cookies", action="store_true", help="over HTTP alone, so that no replies are kept")
    parser.add_argument("--kernel-rounds", type=int, default=60,
                        help="of 361 targets each in a guest with the kernel module, 0: none (default %(default)s)")
    options = parser.parse_args()
    failed = not_freed(options) if options.calls else False
    if options.kernel_rounds:
        failed |= not_freed_by_the_kernel(options.kernel_rounds)
    return int(failed)


def not_freed(options: argparse.Namespace) -> bool:
    """Whether too much of the calls stays in the daemon."""
    port = free_port(socket.SOCK_STREAM)
    started = time.monotonic()
    held: list[Holding] = []
    rested: list[Holding] = []
    with Daemon(compiled_command() or own_command(), options=[
            f"--listen-http=127.0.0.1:{port}", "--log-level=3", *OPTIONS]) as daemon:
        def tell(each: Holding) -> None:
            print(f"{each.calls:8} {each.files:6} {each.ports:6} {each.threads:8} {each.memory:10} "
                  f"{time.monotonic() - started:8.0f}", flush=True)

        print(f"{'calls':>8} {'files':>6} {'ports':>6} {'threads':>8} {'memory kB':>10} {'seconds':>8}")
        for each in churn(daemon, 0 if options.no_cookies else daemon.ng_port, port, options.calls, options.rounds):
            held.append(each)
            tell(each)
            if len(held) - 1 in (max(1, options.rounds // 3), options.rounds):
                rested.append(lapsed(daemon, each.calls))
                tell(rested[-1])
    failed = False
    for kind, limit in LIMITS.items():
        slope = growth(rested if kind == "memory" else held, kind)
        failed |= slope > limit
        print(f"{kind} per 1000 calls: {slope:+.3f} ({'too much' if slope > limit else 'at most'} {limit:g})")
    return failed


def not_freed_by_the_kernel(rounds: int) -> bool:
    """Whether too much of the targets stays in the kernel, as its guest has found."""
    try:
        targets, growth_of = kernel_growth(rounds)
    except (PrepareError, BuildError) as error:
        print(f"the kernel module: no guest to try it in ({error})")
        return False
    except AssertionError as error:
        print(f"the kernel module: {error}")
        return True
    print(f"kernel, bytes per target of {targets}: "
          + ", ".join(f"{kind} {grown:+.2f}" for kind, grown in growth_of.items()))
    return False


if __name__ == "__main__":
    sys.exit(main())
