# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the kernel's allocations fail, one by one or at random (Documentation/fault-injection)."""
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kernel.guest.crew import NUMBERS
from tests.kernel.guest.net import sh

DEBUGFS = Path("/sys/kernel/debug")
KINDS = ("failslab", "fail_page_alloc", "fail_usercopy")
LIMIT = 5000        # no operation has so many places to fail


def available() -> bool:
    """This kernel can do it (and debugfs is mounted)."""
    if not os.listdir(DEBUGFS):
        sh("mount -t debugfs none /sys/kernel/debug", check=False)
    return (DEBUGFS / "failslab").exists()


def _set(kind: str, **values: object) -> None:
    for name, value in values.items():
        path = DEBUGFS / kind / name.replace("_", "-")
        if path.exists():
            path.write_text(str(value), encoding="ascii")


def reset() -> None:
    """Nothing fails by chance; what is asked to fail may be any allocation or copy, and is not logged."""
    for kind in KINDS:
        _set(kind, probability=0, times=-1, interval=1, verbose=0, task_filter="N", ignore_gfp_wait="N", min_order=0)


class Nth:
    """Lets the n-th thing that can fail in a call do so."""

    def __init__(self) -> None:
        self.fd = os.open("/proc/thread-self/fail-nth", os.O_RDWR)

    def call(self, n: int, act: Callable[[], object]) -> tuple[bool, object]:
        """Whether it was reached, and the result or the OSError of the call."""
        result: object
        os.write(self.fd, str(n).encode())
        try:
            result = act()
        except OSError as e:
            result = e
        try:
            reached = int(os.pread(self.fd, 20, 0).split(b"\0")[0]) == 0
        except OSError:         # it was reached only by this
            reached = False
        try:
            os.write(self.fd, b"0")
        except OSError:         # by this, and so it is over
            pass
        return reached, result

    def close(self) -> None:
        """Closes the descriptor."""
        os.close(self.fd)


def sweep(name: str, act: Callable[[], object], after: Callable[[object], None]) -> None:
    """Calls act() with its first, second, ... allocation failing, until none is left to fail.

    after(result or OSError) checks what the call left, and puts things back as they were before it.
    """
    reset()
    nth = Nth()
    try:
        for n in range(1, LIMIT):
            reached, result = nth.call(n, act)
            after(result)
            if not reached:
                break
            NUMBERS[f"faults, {name}"] += 1
        else:
            raise AssertionError(f"{name}: no end of faults")
        assert not isinstance(result, OSError), f"{name} fails without a fault: {result}"
        assert n > 1, f"{name}: nothing was made to fail"
    finally:
        nth.close()


@contextmanager
def scarce(kind: str, percent: int) -> Iterator[None]:
    """So many of a kind of allocation fail, of those that may not wait."""
    reset()
    _set(kind, ignore_gfp_wait="Y", probability=percent)
    try:
        yield
    finally:
        reset()
