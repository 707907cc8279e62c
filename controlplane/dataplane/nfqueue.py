# SPDX-License-Identifier: GPL-3.0-or-later
"""The NFQUEUE engine: what the kernel module does, behind ``iptables -j NFQUEUE`` and in user space.

Packets of the INPUT chain come from the queue, go through the same core with a table of their own and leave
from the relay's sockets. What that table does not forward goes on to those sockets.
"""
from __future__ import annotations

import errno
import logging
import os
import select
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netfilterqueue import NetfilterQueue, Packet

from controlplane.dataplane.native import NativeEngine
from controlplane.dataplane.queuesocket import QueueSocket
from controlplane.dataplane.relay import Relay
from controlplane.errors import DataPlaneError
from controlplane.relay._native import ffi, lib

_log = logging.getLogger("rtpengine.core")
_STATISTICS = "/proc/thread-self/net/netfilter/nfnetlink_queue"
_MAX_QUEUED = 8192
"""Packets that may wait for a verdict."""
_COPIED = 3584
"""Bytes of a packet that come with it; one that is longer is no media and goes on. The library reads 4096 bytes at a
time, and what the kernel adds depends on the host: time stamps, VLAN tags. A message cut off there would leave its
packet waiting for ever."""


@dataclass(frozen=True, slots=True)
class QueueCounters:
    """What the queue did. ``dropped`` did not fit into the queue, ``undelivered`` not into our socket."""

    consumed: int
    accepted: int
    dropped: int
    undelivered: int


def _release_with(relay: Any) -> Callable[[Any], None]:
    """A destructor that frees the engine first and lets go of the relay's handle then."""
    def release(handle: Any) -> None:
        lib.rtpe_nfq_free(handle)
        _ = relay
    return release


class NfQueue(NativeEngine):
    """An engine fed by netfilter queue ``number``, in a thread of its own that runs until close().

    Lives in the network namespace it was created in, as must the relay's sockets. DataPlaneError if the queue cannot
    be had: EPERM without CAP_NET_ADMIN, EBUSY if another process has it.
    """

    def __init__(self, relay: Relay, number: int):
        handle = lib.rtpe_nfq_new(relay.handle)
        if handle == ffi.NULL:
            raise DataPlaneError(ffi.errno, f"queue {number}")
        self._handle = ffi.gc(handle, _release_with(relay.handle))
        super().__init__(lib.rtpe_nfq_engine(self._handle), self._handle, f"queue {number}")
        self._number = number
        self._consumed = self._accepted = 0
        self._statistics = open(_STATISTICS, "rb", buffering=0)
        self._queue = self._bind()
        self._receiver = QueueSocket(self._queue.get_fd())
        self._wake, self._waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._worker = threading.Thread(target=self._run, name=f"nfqueue-{number}", daemon=True)
        self._worker.start()

    def _bind(self) -> NetfilterQueue:
        queue = None
        try:
            queue = NetfilterQueue()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # the kernel's limit for socket buffers prevails
                queue.bind(self._number, self._packet, max_len=_MAX_QUEUED, range=_COPIED)
        except OSError as error:
            self._statistics.close()
            reason = error.errno or (errno.EPERM if queue is None else errno.EBUSY)
            raise DataPlaneError(reason, f"queue {self._number}") from None
        return queue

    def _packet(self, packet: Packet) -> None:
        data = packet.get_payload()
        if lib.rtpe_nfq_packet(self._handle, data, len(data)):
            self._consumed += 1
            packet.drop()
        else:
            self._accepted += 1
            packet.accept()

    def fileno(self) -> int:
        """The queue's socket."""
        return int(self._queue.get_fd())

    def handle(self) -> None:
        """Deal with all packets that wait; the thread does so whenever fileno() is readable."""
        self._queue.run_socket(self._receiver)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while not self._receiver.stopped:
            poll.poll()
            try:
                self.handle()
            except OSError as error:
                _log.error("queue %d: %s; given up, its packets go to the relay", self._number, error.strerror)
                self._queue.unbind()
                return

    def counters(self) -> QueueCounters:
        """Packets since the start; drops are those the kernel reports for the queue."""
        self._statistics.seek(0)
        dropped = undelivered = 0
        for line in self._statistics.read().decode("ascii").splitlines():
            words = [int(word) for word in line.split()]
            if words[0] == self._number:
                dropped, undelivered = words[5], words[6]
        return QueueCounters(self._consumed, self._accepted, dropped, max(undelivered, self._receiver.overruns))

    def close(self) -> None:
        """Give the queue back; what still waits in it is dropped by the kernel. Counters stay readable."""
        if self._receiver.stopped:
            return
        self._receiver.stopped = True
        os.write(self._waker, b"x")
        self._worker.join()
        self._queue.unbind()
        self._receiver.close()
        os.close(self._wake)
        os.close(self._waker)
