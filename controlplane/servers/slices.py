# SPDX-License-Identifier: GPL-3.0-or-later
"""A long reply cut so that making and sending it never holds up the others for long."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

SIZE = 65536
"""Bytes in one slice, at most."""
DURATION = 0.002
"""Seconds spent on making one slice, apart from the last of its pieces."""


def slices(pieces: Iterable[str], clock: Callable[[], float] = time.perf_counter) -> Iterator[bytes]:
    """The bytes of ``pieces`` in order; let others run after each slice, even an empty one.

    A piece may be empty: it stands for work that has nothing to show.
    """
    pending = bytearray()
    end = clock() + DURATION
    for piece in pieces:
        pending += piece.encode("utf-8", "surrogateescape")
        while len(pending) >= SIZE:
            yield bytes(pending[:SIZE])
            del pending[:SIZE]
            end = clock() + DURATION
        if clock() >= end:
            yield bytes(pending)
            pending.clear()
            end = clock() + DURATION
    if pending:
        yield bytes(pending)
