# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports for programs that tests start, which nobody else on this host gets."""
from __future__ import annotations

import socket
from functools import cache
from itertools import count

PORTS = range(20000, 29000)
"""Below what the kernel hands out by itself (ip_local_port_range) and what daemons use for media unless told."""
_EACH, _MEDIA = 500, 300
"""Ports of a process, and how many of them are for media."""
_holders: list[socket.socket] = []
_numbers = count()


def _hold(block: range) -> bool:
    """Whether no other process has these ports; they are ours until we end."""
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        holder.bind(f"\0rtpengine-tests-{block[0]}")
    except OSError:
        holder.close()
        return False
    _holders.append(holder)
    return True


@cache
def _block() -> range:
    blocks = [PORTS[first:first + _EACH] for first in range(0, len(PORTS), _EACH)]
    return next((block for block in blocks if _hold(block)), PORTS)


@cache
def _own() -> range:
    return _block()[:-_MEDIA]


def media_ports() -> list[str]:
    """Options of a daemon that has to have the same ports again when it is restarted: nobody takes them meanwhile."""
    return [f"--port-min={_block()[-_MEDIA]}", f"--port-max={_block()[-1]}"]


def _usable(port: int, kind: int, address: str, ended_connections: bool) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, ended_connections)
        try:
            sock.bind((address, port))
        except OSError:
            return False
        return True


def free_port(kind: int = socket.SOCK_DGRAM, address: str = "127.0.0.1") -> int:
    """A port that is free for UDP and TCP, and that is not handed out again soon. OSError if there is none.

    A TCP port keeps its ended connections for a minute. Such a one, which only a server with SO_REUSEADDR can
    have, is handed out for TCP where there is no other.
    """
    for ended_connections in (False, True):
        kinds = (kind,) if ended_connections else (socket.SOCK_DGRAM, socket.SOCK_STREAM)
        for _ in _own():
            port = _own()[next(_numbers) % len(_own())]
            if all(_usable(port, each, address, ended_connections and each == socket.SOCK_STREAM) for each in kinds):
                return port
    raise OSError("all ports for tests are in use")
