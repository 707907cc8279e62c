# SPDX-License-Identifier: GPL-3.0-or-later
"""UNIX sockets: opened where an earlier daemon left one, and who it is that connects."""
from __future__ import annotations

import errno
import os
import socket
import stat
import struct

from controlplane.config.listen import Access

_CREDENTIALS = struct.Struct("iII")
_SO_PEERGROUPS = 59     # <asm-generic/socket.h>; the socket module does not name it
_GROUPS_ROOM = 1024     # bytes, the most that getsockopt() of the socket module takes


def listening(path: str, backlog: int) -> socket.socket:
    """A socket that listens at ``path``, open to all: ``may_connect`` decides. OSError if there is something else."""
    _clear(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        sock.bind(path)
        os.chmod(path, 0o666)
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    return sock


def _clear(path: str) -> None:
    """Take away a socket at which nobody listens any more."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        if probe.connect_ex(path) == errno.ECONNREFUSED:
            os.unlink(path)


def remove(sock: socket.socket) -> None:
    """Take the file of a listening socket away; one that is not ours any more stays."""
    path = sock.getsockname()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
            # whoever answers at this path is this process, or another daemon that has taken the place over
            if probe.connect_ex(path) not in (0, errno.EAGAIN) or _credentials(probe)[0] == os.getpid():
                os.unlink(path)
    except FileNotFoundError:
        return


def shown(client: socket.socket) -> str:
    """Who is at the other end, in the form of an address and a port: ``unix-USER:PROCESS``, both numbers."""
    process, user, _ = _credentials(client)
    return f"unix-{user}:{process}"


def may_connect(client: socket.socket, access: Access) -> bool:
    """True for root, the user that the daemon runs as, and those whom ``access`` names.

    If it names nobody, all members of the daemon's own group may connect.
    """
    _, user, group = _credentials(client)
    groups = {group, *_further_groups(client)}
    named = access.groups or (frozenset() if access.users else frozenset({os.getegid()}))
    return user in (0, os.geteuid()) or user in access.users or bool(groups & named)


def _credentials(client: socket.socket) -> tuple[int, int, int]:
    """Process, user and group of the peer, as they were when it connected."""
    process, user, group = _CREDENTIALS.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED,
                                                                 _CREDENTIALS.size))
    return process, user, group


def _further_groups(client: socket.socket) -> tuple[int, ...]:
    try:
        packed = client.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_ROOM)
    except OSError:     # more than there is room for, or an old kernel
        return ()
    return struct.unpack(f"{len(packed) // 4}I", packed)
