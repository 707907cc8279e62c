# SPDX-License-Identifier: GPL-3.0-or-later
import ast
from pathlib import Path

from controlplane.cli.node import usage
from controlplane.cli.tree import COMMANDS
from ctl import commands


def test_the_copy_is_the_daemons_own_text() -> None:
    assert commands.DAEMON == usage(COMMANDS)


def test_keywords() -> None:
    assert commands.KEYWORDS == {node.keyword for node in COMMANDS} | {"help"}


def test_the_client_needs_nothing_of_the_daemon() -> None:
    for path in Path(commands.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = ([alias.name for alias in node.names] if isinstance(node, ast.Import)
                     else [node.module or ""] if isinstance(node, ast.ImportFrom) else [])
            assert not [name for name in names if name.split(".")[0] == "controlplane"], path
