# SPDX-License-Identifier: GPL-3.0-or-later
"""``python stopped.py tcp|ws|http PORT``: asks for more and more, reads nothing, and is stopped in the middle."""
from __future__ import annotations

import os
import signal
import socket
import sys

LIST = b"d7:command10:statisticse"
HANDSHAKE = (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ng-plain.rtpengine.com\r\n\r\n")
REQUESTS = {
    "tcp": [b"", *(b"%d_%d " % (os.getpid(), number) + LIST for number in range(20_000))],
    "ws": [HANDSHAKE, *[b"\x82" + bytes([128 | len(LIST)]) + bytes(4) + LIST] * 20_000],
    "http": [b"", *[b"GET /cli/list+totals HTTP/1.1\r\nHost: x\r\n\r\n"] * 20_000],
}


def main(transport: str, port: int) -> None:
    """Send as much as goes, then stop."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        first, *rest = REQUESTS[transport]
        sock.sendall(first + rest[0])
        sock.recv(1)
        sock.setblocking(False)
        try:
            for request in rest[1:]:
                sock.send(request)
        except BlockingIOError:
            pass
        os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
