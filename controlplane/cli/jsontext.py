# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies in JSON: one object on one line, its only key the last keyword of the command, or ``error``."""
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from controlplane.report.json import written as as_json


def written(keyword: str, value: Any) -> str | Iterator[str]:
    """The reply with the data of a command; of a long list a piece for each item, an empty one for None."""
    if isinstance(value, Iterator):
        return _long(keyword, value)
    return f'{{"{keyword}":{as_json(value)}}}\n'


def _long(keyword: str, items: Iterator[Any]) -> Iterator[str]:
    yield f'{{"{keyword}":['
    separator = ""
    for item in items:
        if item is None:
            yield ""
            continue
        yield separator + json.dumps(item, separators=(",", ":"))
        separator = ","
    yield "]}\n"


def error(text: str) -> str:
    """The reply in place of an error text."""
    return f'{{"error":{as_json(text.strip())}}}\n'
