# SPDX-License-Identifier: GPL-3.0-or-later
"""The last case of a boot with kmemleak."""
from tests.kernel.guest import leaks


def nothing_lost() -> None:
    """With the module gone, no memory that it took is left without an owner."""
    report = leaks.found()
    assert not report, report
