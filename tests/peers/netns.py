# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces made for one test and gone after it."""
from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Any, TypeVar

_CLONE_NEWNET = 0x40000000
_numbers = itertools.count(1)
_libc = ctypes.CDLL(None, use_errno=True)
Result = TypeVar("Result")


def available() -> str:
    """Empty if namespaces can be made here, else the reason why not."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("ip"):
        return "no ip program (package iproute2)"
    return ""


def ip(*words: str) -> str:
    """Run the ip program; CalledProcessError with its message if it fails."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


class Namespace:
    """A namespace with lo up; its name carries our process id, so that tests never meet.

    ``pid``: that of a process whose namespace this is, instead of a new one.
    """

    def __init__(self, label: str = "n", pid: int = 0):
        self.name = f"rtpe-{os.getpid()}-{next(_numbers)}-{label}"
        if pid:
            ip("netns", "attach", self.name, str(pid))
            return
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "set", "lo", "up")

    def ip(self, *words: str) -> str:
        """Run the ip program for this namespace."""
        return ip("-n", self.name, *words)

    def add_address(self, address: str, device: str = "lo") -> None:
        """Put an address with prefix length on a device; IPv6 is usable at once."""
        more = ["nodad"] if ":" in address else []
        self.ip("address", "add", address, "dev", device, *more)

    def command(self, argv: list[str]) -> list[str]:
        """The command line that runs ``argv`` inside; the process keeps its id."""
        return ["ip", "netns", "exec", self.name, *argv]

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command inside and wait for it."""
        return subprocess.run(self.command(list(argv)), check=check, capture_output=True, text=True)

    def inside(self, work: Callable[[], Result]) -> Result:
        """Call ``work`` in a thread of its own that lives inside; what it creates stays inside."""
        outcome: list[Any] = []

        def enter() -> None:
            try:
                handle = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
                try:
                    if _libc.setns(handle, _CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), f"cannot enter {self.name}")
                finally:
                    os.close(handle)
                outcome.extend((True, work()))
            except BaseException as error:  # handed to the caller's thread
                outcome.extend((False, error))

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        worked, value = outcome
        if not worked:
            raise value
        return value

    def socket(self, family: int, kind: int) -> socket.socket:
        """A socket that belongs to this namespace."""
        return self.inside(lambda: socket.socket(family, kind))

    def close(self) -> None:
        """Remove the namespace with all its links, unless a process lives there."""
        ip("netns", "delete", self.name)

    def __enter__(self) -> Namespace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def veth(left: Namespace, left_name: str, right: Namespace, right_name: str) -> None:
    """Join two namespaces by a pair of virtual Ethernet devices, both up."""
    ip("link", "add", left_name, "netns", left.name, "type", "veth", "peer", "name", right_name, "netns", right.name)
    left.ip("link", "set", left_name, "up")
    right.ip("link", "set", right_name, "up")
