# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests of tests/attack on streams of the kernel; pytest on the host knows their parameters, and tells the result.

They speak to the daemon that the cases share, whose rule leads to its table 0.
"""
from __future__ import annotations

import ast
import importlib
import os
import pickle
import re
import sys
from collections.abc import Sequence
from functools import cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from ipaddress import ip_address
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from _pytest.assertion.rewrite import rewrite_asserts

from tests.attack.ground import PACKETS, Counts, Ground, Scene, Source
from tests.kernel.guest.case_daemon import _ground_network, _running

LIST = Path("/proc/rtpengine/0/list")
TARGET = re.compile(r"^local inet\d \[?([0-9a-f.:]+)\]?:(\d+)\n(?:    .*\n)*?    stats: +\d+ bytes, +(\d+) packets, +"
                    r"(\d+) errors\n(?:    passed: +(\d+) packets\n)?", re.M)


class Verbose(SourceFileLoader):
    """Of modules whose assertions say what they have compared, as they do under pytest."""

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_data(self.path)
        tree = ast.parse(source)
        rewrite_asserts(tree, source)
        return compile(tree, self.path, "exec", dont_inherit=True)


class Finder:
    """Of the modules of tests."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not name.startswith("tests.attack.test_") or not path:
            return None
        place = f"{path[0]}/{name.rpartition('.')[2]}.py"
        return spec_from_file_location(name, place, loader=Verbose(name, place))


class KernelGround(Ground):
    """The guest itself with the daemon, whose streams are taken when the table has counted what the parties say."""

    def __init__(self) -> None:
        self.engine = "kernel"
        self.daemon = _running()
        self.host, self.net = _ground_network()
        self.client = self.daemon.client(timeout=20)

    def has_taken(self, scene: Scene) -> bool:
        before, scene.counted = scene.counted, _counts(scene)
        return len(scene.counted) == 2 and all(
            place in before and now.packets >= before[place].packets + PACKETS and now.errors == before[place].errors
            for place, now in scene.counted.items())

    def confirm(self, scene: Scene) -> None:
        """The targets are still the same, and it was they who have had the packets since."""
        if scene.counted:
            now = _counts(scene)
            assert set(now) == set(scene.counted), "no longer in the kernel"
            assert sum(map(sum, now.values())) > sum(map(sum, scene.counted.values())), "not attacked in the kernel"


def _counts(scene: Scene) -> dict[Source, Counts]:
    """Of those of our ports for RTP that the table has."""
    table = {(str(ip_address(host)), int(port)): Counts(int(packets), int(errors), int(passed or 0))
             for host, port, packets, errors, passed in TARGET.findall(LIST.read_text())}
    places = [end.destination for end in (scene.alice, scene.bob) if end.destination]
    return {place: table[place] for place in places if place in table}


@cache
def _ground() -> KernelGround:
    return KernelGround()


@cache
def _planned() -> dict[str, tuple[str, str, bytes]]:
    """By name: module, function and, pickled, the other parameters."""
    planned: dict[str, tuple[str, str, bytes]] = pickle.loads(Path(os.environ["RTPE_ATTACKS"]).read_bytes())
    return planned


def run(name: str) -> str:
    """Calls a test; why it was skipped, or ""."""
    module, function, values = _planned()[name]
    test = getattr(importlib.import_module(module), function)
    try:
        test(ground=_ground(), **pickle.loads(values))
    except pytest.skip.Exception as skipped:
        return str(skipped)
    return ""


sys.meta_path.insert(0, Finder)
