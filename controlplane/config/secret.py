# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in settings: the text itself, ``file:/PATH`` for the first line of a file, ``env:NAME`` for a variable."""
from __future__ import annotations

import os
from collections.abc import Mapping

_FILE, _VARIABLE = "file:", "env:"
_MOST = 4096


def is_reference(text: str) -> bool:
    """True if ``text`` says where the secret is, and does not contain it."""
    return text.startswith((_FILE, _VARIABLE))


def revealed(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The secret that ``text`` stands for. ValueError, which shows nothing of it, if it cannot be had."""
    if text.startswith(_FILE):
        path = text.removeprefix(_FILE)
        try:
            with open(path, encoding="utf-8") as file:
                line = file.readline(_MOST).rstrip("\r\n")
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror}") from None
        except ValueError:
            raise ValueError(f"{path}: not a text file") from None
        if not line:
            raise ValueError(f"{path}: the first line is empty")
        return line
    if text.startswith(_VARIABLE):
        name = text.removeprefix(_VARIABLE)
        if not environ.get(name):
            raise ValueError(f"the environment has no {name}")
        return environ[name]
    return text
