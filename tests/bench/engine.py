# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.bench.engine FIRST_PORT``: the relay alone, its targets installed through the ABI.

Reads one line of JSON, a list of ``[SUITE, A, B, FROM_A, TO_A]``: peers on ports A and B of 127.0.0.1, keys in
hexadecimal digits of what A sends and gets, as SRTP; B's side is plain. Answers with a line of JSON, the relay's
ports for each (towards A, towards B), and ends with its input.
"""
from __future__ import annotations

import json
import sys
from itertools import count

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.dataplane.relay import Relay
from controlplane.errors import DataPlaneError
from controlplane.events import SrtpKeys, WantedOutput, WantedTarget
from controlplane.relay._native import lib
from tests.bench.suites import SUITES
from tests.bench.tools import allow_many_files

_PAYLOAD_TYPES = ((8, 8000),)


def _keys(suite: str, digits: str) -> SrtpKeys:
    its, key = SUITES[suite], bytes.fromhex(digits)
    return SrtpKeys(getattr(lib, its.cipher), getattr(lib, its.hmac), key[:its.key_len], key[its.key_len:], its.tag,
                    its.tag)


def _port(relay: Relay, ports: count[int]) -> Endpoint:
    """The next port that is free."""
    while True:
        local = Endpoint.parse(f"127.0.0.1:{next(ports)}")
        try:
            relay.open(local)
        except DataPlaneError:
            continue
        return local


def _targets(call: list[str], towards_a: Endpoint, towards_b: Endpoint) -> list[WantedTarget]:
    suite, a, b, from_a, to_a = call
    to_b = (WantedOutput(towards_b, Endpoint.parse(f"127.0.0.1:{b}")),)
    back = (WantedOutput(towards_a, Endpoint.parse(f"127.0.0.1:{a}"), encrypt=_keys(suite, to_a)),)
    return [WantedTarget(towards_a, to_b, payload_types=_PAYLOAD_TYPES, decrypt=_keys(suite, from_a)),
            WantedTarget(towards_b, back, payload_types=_PAYLOAD_TYPES)]


def main() -> None:
    allow_many_files()
    relay, ports = Relay(), count(int(sys.argv[1]), 2)
    opened = []
    for call in json.loads(sys.stdin.readline()):
        sides = _port(relay, ports), _port(relay, ports)
        for batch in abi.batches([abi.add_target(wanted) for wanted in _targets(call, *sides)]):
            for reply in abi.replies(relay.command(batch)):
                reply.check("target")
        opened.append([side.port for side in sides])
    print(json.dumps(opened), flush=True)
    sys.stdin.read()
    relay.shutdown()


if __name__ == "__main__":
    main()
