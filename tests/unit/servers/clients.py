# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this directory share."""
from __future__ import annotations

import asyncio
from collections.abc import Callable


async def settles(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until ``condition`` holds; AssertionError if it does not in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition():
        assert loop.time() < deadline, "this did not happen in time"
        await asyncio.sleep(0.01)
