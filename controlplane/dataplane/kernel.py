# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel module's engine: one forwarding table below /proc/rtpengine."""
from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from controlplane.dataplane import abi
from controlplane.dataplane.interception import FileReader, Stream
from controlplane.errors import DataPlaneError
from controlplane.relay._native import ffi, lib

PROC = Path("/proc/rtpengine")


class KernelError(DataPlaneError):
    """The table cannot be had; ``cause`` and ``cure`` tell the operator why and which command mends it."""

    def __init__(self, number: int, what: str, cause: str, cure: str):
        super().__init__(number, what)
        self.cause = cause
        self.cure = cure


_HOOK_ERRORS = {
    errno.EINVAL: ("this can be no name of a network device", "ip link"),
    errno.ENODEV: ("this host has no such network device", "ip link"),
    errno.EOPNOTSUPP: ("the kernel has no ingress hooks (CONFIG_NETFILTER_INGRESS)", "use the firewall rule instead"),
}


class KernelTable:
    """One table, created on construction and owned until close() or leave().

    With ``adopt`` the targets that its last owner left go on forwarding; ``adopted`` says which there are. Raises
    KernelError if the module is not loaded, the table belongs to another daemon, or the module speaks another version
    of the control interface.
    """

    def __init__(self, number: int, proc: Path = PROC, adopt: bool = False):
        self._number = number
        self._proc = proc
        self._closed = False
        self._adopting = adopt
        self._create()
        directory = proc / str(number)
        try:
            self._control = os.open(directory / "control", os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise self._explain(error) from None
        try:
            self._blist = os.open(directory / "blist", os.O_RDONLY | os.O_CLOEXEC)
            self.geometry = self._greet()
            self.adopted = list(self.states()) if adopt else []
        except OSError as error:
            os.close(self._control)
            raise self._explain(error) from None

    def _write_main(self, line: str) -> None:
        fd = os.open(self._proc / "control", os.O_WRONLY)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)

    def _try_main(self, word: str, harmless: int) -> None:
        try:
            self._write_main(f"{word} {self._number}\n")
        except OSError as error:
            if error.errno != harmless or not self._proc.exists():
                raise

    def _create(self) -> None:
        """Delete what a daemon that died may have left, then create afresh; not if it is to be adopted."""
        try:
            if not self._adopting:
                self._try_main("del", errno.ENOENT)
            self._try_main("add", errno.EEXIST if self._adopting else 0)
        except OSError as error:
            raise self._explain(error) from None

    def _greet(self) -> abi.Geometry:
        (reply,) = self._converse(abi.batch(abi.hello()))
        return abi.read_geometry(reply.check("handshake"))

    def _converse(self, batch: bytes) -> Iterator[abi.Reply]:
        return abi.replies(self.command(batch))

    def hook(self, device: str) -> None:
        """Take packets from a network device before the IP stack; lasts until close(). KernelError if that fails."""
        try:
            (reply,) = self._converse(abi.batch(abi.add_hook(device)))
            reply.check(f"network device '{device}'")
        except DataPlaneError as error:
            number = error.errno or errno.EIO
            if number == errno.EEXIST and self._adopting:
                return
            cause, cure = _HOOK_ERRORS.get(number, (os.strerror(number), "dmesg | tail"))
            raise KernelError(number, f"network device '{device}'", cause, cure) from None

    def _owner(self) -> str:
        try:
            text = (self._proc / str(self._number) / "status").read_text()
        except OSError:
            return "unknown"
        return next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("Control PID")),
                    "unknown")

    def _explain(self, error: OSError) -> KernelError:
        number = error.errno or errno.EIO
        what = f"kernel table {self._number}"
        if not self._proc.exists():
            return KernelError(errno.ENOENT, what, "the kernel module xt_RTPENGINE is not loaded",
                               "modprobe xt_RTPENGINE   (not found? build it: make dkms)")
        if number == errno.EBUSY:
            return KernelError(number, what, f"table {self._number} belongs to the process {self._owner()}",
                               f"stop that process, or start with another table than --table={self._number}")
        if number in (errno.EACCES, errno.EPERM):
            return KernelError(number, what, "no permission to control the kernel module",
                               "start as root or with CAP_NET_ADMIN, or load the module with proc_uid/proc_gid set")
        if number in (errno.EPROTO, errno.EMSGSIZE):
            return KernelError(number, what, "the loaded kernel module is of another version than this daemon",
                               "rmmod xt_RTPENGINE && modprobe xt_RTPENGINE")
        return KernelError(number, what, os.strerror(number), "dmesg | tail")

    def command(self, batch: bytes) -> bytes:
        """Carry out a batch; returns the replies. DataPlaneError if the frame as a whole is refused."""
        try:
            os.write(self._control, batch)
            return os.read(self._control, abi.REPLY_ROOM)
        except OSError as error:
            raise DataPlaneError(error.errno or errno.EIO, f"kernel table {self._number}") from None

    def chunk(self, pool: abi.Pool, number: int) -> memoryview | None:
        """The mapped statistics memory of a chunk, or None if there is no such chunk yet.

        The mmap module of Python refuses files in /proc, as they have no size.
        """
        size = pool.chunk_bytes
        memory = lib.rtpe_stats_map(self._blist, pool.map_offset + number * size, size)
        if memory == ffi.NULL:
            return None
        mapped = ffi.gc(memory, lambda address: lib.rtpe_stats_unmap(address, size), size)
        return memoryview(ffi.buffer(mapped, size)).toreadonly()

    def states(self) -> Iterator[abi.TargetState]:
        """Every target as the module itself lists it, read from ``blist``."""
        with open(self._proc / str(self._number) / "blist", "rb", buffering=0) as blist:
            while data := blist.read(1 << 20):
                yield from abi.read_states(data)

    def read_stream(self, stream: Stream) -> FileReader:
        """A reader of one of this table's streams. DataPlaneError ENOENT: it does not exist (any more)."""
        return FileReader(self._proc / str(self._number) / "calls", stream)

    def leave(self) -> None:
        """Give the table back as it is: its targets go on forwarding until somebody adopts or deletes it."""
        if not self._closed:
            self._closed = True
            os.close(self._blist)
            os.close(self._control)

    def close(self) -> None:
        """Give the table back and remove it, its targets included. More than once does no harm."""
        if self._closed:
            return
        self.leave()
        try:
            self._write_main(f"del {self._number}\n")
        except OSError as error:
            raise self._explain(error) from None
