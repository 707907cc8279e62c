# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded dialogues: where they are, and one block as a value."""
from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers.daemon import ROOT

Step = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """One recorded call; ``config`` is an ini file as {section: [[key, value], ...]} or None."""

    file: str
    number: int
    name: str
    tags: frozenset[str]
    options: tuple[str, ...]
    config: dict[str, Any] | None
    steps: tuple[Step, ...]

    @property
    def id(self) -> str:
        """Short name: file and number."""
        return f"{self.file}:{self.number}"

    @property
    def group(self) -> tuple[str, ...]:
        """Blocks with the same group can share a daemon."""
        return (*self.options, *([self.file] if self.config else []))


def directory() -> Path | None:
    """Where the dialogues are: RTPENGINE_VECTORS, or beside the project; None if they are not there."""
    chosen = os.environ.get("RTPENGINE_VECTORS")
    place = Path(chosen) if chosen else ROOT.parent / "shared" / "vectors"
    return place if any(place.glob("*.json")) else None


def load(place: Path, only: str | None = None) -> list[Block]:
    """All blocks of the directory, or of one file of it."""
    blocks = []
    for path in sorted(place.glob("*.json")):
        if only and path.stem != only.removesuffix(".json"):
            continue
        document = json.loads(path.read_text())
        for block in document["blocks"]:
            blocks.append(Block(path.stem, block["number"], block["name"], frozenset(block["tags"]),
                                tuple(block["daemon_options"]), document["config"], tuple(block["steps"])))
    return blocks


def addresses(blocks: list[Block]) -> list[str]:
    """Every address, with prefix length, that the daemon or an end of these blocks binds."""
    text = json.dumps([[block.options, block.config] for block in blocks])
    found = set(re.findall(r"203\.0\.113\.\d+|2001:db8:4321::\d+", text))
    for block in blocks:
        found |= {step["address"] for step in block.steps if step["op"] == "socket" and "address" in step}
    return sorted(f"{each}/{128 if ':' in each else 32}" for each in found if not each.startswith("127."))


def different() -> list[tuple[str, int]]:
    """Ids of the blocks that differ on purpose, and at which step, from different.txt."""
    words = [line.split() for line in _lines("different.txt")]
    return [(block, int(step)) for block, step, *_ in words]


def expected() -> list[str]:
    """Ids of the blocks that must pass, from expected.txt."""
    return [line.split()[0] for line in _lines("expected.txt")]


def _lines(name: str) -> list[str]:
    text = (Path(__file__).parent / name).read_text()
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
