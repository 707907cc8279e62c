# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by the cases: a table that exists for the time of a `with` block, and errors as numbers."""
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MAIN = "/proc/rtpengine/control"


def command(text: bytes | str) -> int:
    """Writes to the main control file; the number of bytes, or a negative errno."""
    fd = os.open(MAIN, os.O_WRONLY)
    try:
        return os.write(fd, text if isinstance(text, bytes) else text.encode())
    except OSError as e:
        return -(e.errno or 0)
    finally:
        os.close(fd)


def error(call: Callable[[], object]) -> str:
    """The name of the errno that a call fails with; "" if it does not."""
    try:
        call()
    except OSError as e:
        return errno.errorcode[e.errno or 0]
    return ""


def delete_all() -> None:
    """Deletes every table; nobody may hold one."""
    for number in range(64):
        assert command(f"del {number}\n") > 0 or not os.path.exists(f"/proc/rtpengine/{number}")
    with open("/proc/rtpengine/list", encoding="ascii") as f:
        assert not f.read()


@contextmanager
def table(number: int = 0) -> Iterator[int]:
    """Adds a table and deletes it in the end."""
    assert command(f"add {number}\n") > 0
    try:
        yield number
    finally:
        assert command(f"del {number}\n") > 0, "the table cannot be deleted"
