# SPDX-License-Identifier: GPL-3.0-or-later
"""The socket of a netfilter queue, as its reader sees it. Not compiled: a compiled class cannot be a socket."""
from __future__ import annotations

import errno
import os
import socket


class QueueSocket(socket.socket):
    """The queue's socket once more: lets its reader stop, and counts what the kernel says it could not deliver."""

    def __init__(self, descriptor: int):
        super().__init__(fileno=os.dup(descriptor))
        self.setblocking(False)
        self.stopped = False
        self.overruns = 0

    def recv(self, size: int, flags: int = 0) -> bytes:
        if self.stopped:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        try:
            return super().recv(size, flags)
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                self.overruns += 1
            raise
