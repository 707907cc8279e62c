# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that the kernel gives to no program by itself: those for media, beside what others have reserved."""
from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterable, Iterator

_log = logging.getLogger("rtpengine.core")
PATH = "/proc/sys/net/ipv4/ip_local_reserved_ports"
_MOST = 4095
"""Bytes that the kernel takes in one write, which alone replaces the list in one step."""
Range = tuple[int, int]


def reserve(wanted: Iterable[Range], path: str = PATH) -> None:
    """Add ``wanted``, both ends inclusive, to the list of the host. Who may not is told so, and what to type."""
    media = _merged(wanted)
    try:
        present = _merged(_parsed(_read(path)))
        every = _merged([*present, *media])
        if every == present:
            return
        text = _text(every)
        if len(text) > _MOST:
            raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
        _write(path, text)
    except OSError as error:
        _log.warning("Cannot reserve ports %s: %s: %s. Other programs of this host may get them; 'rtpengine-ctl "
                     "doctor' tells what to do", _text(media), path, error.strerror)
        return
    _log.info("The kernel gives ports %s to no other program: %s = %s", _text(media), os.path.basename(path), text)


def _read(path: str) -> str:
    """In one piece, as the kernel gives the list only to the first read."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 1 << 20).decode("ascii", "replace")
    finally:
        os.close(fd)


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
    try:
        os.write(fd, text.encode("ascii"))
    finally:
        os.close(fd)


def _parsed(text: str) -> Iterator[Range]:
    for piece in text.strip().split(","):
        low, _, high = piece.partition("-")
        if low:
            yield int(low), int(high or low)


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """In order; ranges that touch are one."""
    found: list[Range] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return found


def _text(ranges: Iterable[Range]) -> str:
    return ",".join(f"{low}-{high}" if high > low else f"{low}" for low, high in ranges)
