# SPDX-License-Identifier: GPL-3.0-or-later
"""What kmemleak finds, in kernels that have it."""
import time
from pathlib import Path

from tests.kernel.guest.net import sh

DEBUGFS = Path("/sys/kernel/debug")
FILE = DEBUGFS / "kmemleak"
OLD_ENOUGH = 6.0        # seconds; what is younger is not reported


def forget() -> None:
    """What has leaked up to now is not ours."""
    if DEBUGFS.exists() and not any(DEBUGFS.iterdir()):
        sh("mount -t debugfs none /sys/kernel/debug", check=False)
    if FILE.exists():
        FILE.write_text("scan", encoding="ascii")
        FILE.write_text("clear", encoding="ascii")


def found() -> str:
    """The report of a scan now; OSError if kmemleak is off (it ran out of memory)."""
    time.sleep(OLD_ENOUGH)
    for _ in range(2):      # a pointer that was on its way during the first
        FILE.write_text("scan", encoding="ascii")
    return FILE.read_text(encoding="ascii")
