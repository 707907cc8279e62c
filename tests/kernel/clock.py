# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the time stamp counter runs that a guest has, so that it need not find out.

An emulated CPU counts as that of the host does. A guest compares this with emulated timers while it boots, and on a
host that is busy with something else its clock is some times too fast from then on.
"""
import ctypes
import mmap
import platform
import time
from functools import cache

_RDTSC = bytes.fromhex("0f31 48c1e220 4809d0 c3")      # rdtsc; shl rdx, 32; or rax, rdx; ret


@cache
def tsc_khz() -> int:
    """Of this host; 0 where it has none, or cannot be asked."""
    if platform.machine() != "x86_64":
        return 0
    try:
        code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return 0
    code.write(_RDTSC)
    place = ctypes.c_char.from_buffer(code)
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(place))

    def look() -> tuple[int, int]:
        """Nanoseconds, and the counter at that time: of some looks, the one that was disturbed least."""
        found = []
        for _ in range(20):
            before, count, after = time.monotonic_ns(), read(), time.monotonic_ns()
            found.append((after - before, (before + after) // 2, count))
        return min(found)[1:]
    first = look()
    time.sleep(0.2)
    last = look()
    return round(1_000_000 * (last[1] - first[1]) / (last[0] - first[0]))
