# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets made from others."""
from __future__ import annotations

from typing import Any

from controlplane.events import WantedTarget


def changed(target: WantedTarget, **changes: Any) -> WantedTarget:
    """The same but for these. AttributeError for one that there is not."""
    copy = WantedTarget(*target.values)
    for name, value in changes.items():
        getattr(copy, name)
        setattr(copy, name, value)
    return copy
