# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that makes calls as fast as they are answered, until it is killed: ``python -m tests.churn.client``.

Arguments: name, port of ng over UDP, port of HTTP. Writes a byte for each call it has made.
"""
from __future__ import annotations

import http.client
import itertools
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.churn.scenarios import SCENARIOS
from tests.peers import ngclient

_HEADERS = {"Content-Type": "application/x-rtpengine-ng"}
Send = Callable[[dict[str, Any]], dict[str, Any]]
LASTING = 2.0
"""Seconds after which the daemon removes a call that goes not on (OPTIONS), as on a host that was busy elsewhere."""


def over_http(port: int) -> Send:
    """Messages without cookies, so that the daemon does not keep their replies."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def send(message: dict[str, Any]) -> dict[str, Any]:
        connection.request("POST", "/ng-plain", ngclient.encode(message), _HEADERS)
        answer: dict[str, Any] = ngclient.decode(connection.getresponse().read())
        return answer
    return send


def asking(sends: list[Send]) -> Callable[..., dict[str, Any]]:
    """Each request by the next of ``sends``. ValueError for a reply that is not as expected."""
    turn = itertools.cycle(sends)

    def ask(command: str, fails: bool | None = False, **keys: Any) -> dict[str, Any]:
        message = {"command": command, **{key.replace("_", "-"): value for key, value in keys.items()}}
        answer = next(turn)(message)
        if fails is not None and (answer["result"] == "error") is not fails:
            raise ValueError(f"{command}: {answer}")
        return answer
    return ask


def main() -> None:
    name, ng_port, http_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sends = [over_http(http_port)]
    if ng_port:
        sends.append(ngclient.NgClient("127.0.0.1", ng_port, timeout=10).send)
    ask = asking(sends)
    for number in itertools.count():
        begun = time.monotonic()
        try:
            SCENARIOS[number % len(SCENARIOS)](ask, f"{name}-{number}@churn")
        except ValueError:
            if time.monotonic() - begun < LASTING:
                raise
        os.write(1, b".")


if __name__ == "__main__":
    main()
