# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests made and compared by what is in them."""
from __future__ import annotations

from typing import Any

from controlplane.ng.request import Request


def request(command: str, created_from: str = "", received_at: float = 0.0, **keys: Any) -> Request:
    """A request with some of its attributes set. AttributeError for one that there is not."""
    made = Request(command, created_from, received_at)
    for name, value in keys.items():
        getattr(made, name)
        setattr(made, name, value)
    return made


def content(made: Request) -> dict[str, object]:
    """All that it asks for."""
    return {name: getattr(made, name) for name in dir(made)
            if not name.startswith("_") and not callable(getattr(made, name))}
