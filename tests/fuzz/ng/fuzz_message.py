# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target of the whole proxy: payloads one after the other, as those of one call; SEPARATOR is between them."""
from tests.fuzz.rig import rig

SEPARATOR = b"\n\xff\n"
MOST = 8


def one_input(data: bytes) -> None:
    """Every payload gets a reply that is no bug's, and afterwards nothing is left."""
    running = rig()
    for payload in data.split(SEPARATOR)[:MOST]:
        running.ask(payload)
    running.tidy()
