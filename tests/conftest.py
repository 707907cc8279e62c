# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs beside what, when there are two processes for it (make test): kernels under QEMU beside all the rest."""
from __future__ import annotations

from pathlib import Path

import pytest

_KERNEL = Path(__file__).parent / "kernel"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Kernels come first, as they take longest; within each of the two groups one test follows the other."""
    items.sort(key=lambda item: _KERNEL not in item.path.parents)
    for item in items:
        item.add_marker(pytest.mark.xdist_group("kernel" if _KERNEL in item.path.parents else "host"))
