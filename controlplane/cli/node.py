# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a command table: keywords, what follows them, and how the table describes itself."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from controlplane.cli.backend import Backend
from controlplane.cli.jsontext import written
from controlplane.report.model import Call, Party

HELP_COLUMN = 50
MORE = "More parameters required.\n"
INCOMPLETE = "Incomplete command: \n"
NO_JSON = "That command has no form in JSON.\n"
Reply = str | Iterable[str]


class Answer(Exception):
    """Ends a command with this text as its reply."""


@dataclass(slots=True)
class Request:
    """A command being worked on: what is left to read, and the call and party named so far.

    ``json``: the reply has to be the data of the command, see data.py.
    """

    backend: Backend
    rest: str
    json: bool = False
    selected_call: Call | None = None
    selected_party: Party | None = None

    def word(self) -> str:
        """Take the next word; exactly one space separates two words, so it may be empty."""
        word, _, self.rest = self.rest.partition(" ")
        return word

    @property
    def call(self) -> Call:
        """The call named before."""
        assert self.selected_call is not None, "the table has no selection above this handler"
        return self.selected_call

    @property
    def party(self) -> Party:
        """The party named before."""
        assert self.selected_party is not None, "the table has no selection above this handler"
        return self.selected_party


@dataclass(frozen=True, slots=True)
class Node:
    """A keyword: either with a handler for the rest of the line, or with children.

    ``select`` takes one word before the children and notes in the request what it names.
    ``spellings`` are accepted but not shown. ``data`` gives what the handler's text says, for JSON.
    """

    keyword: str
    params: str = ""
    help: str = ""
    handler: Callable[[Request], Reply] | None = None
    children: tuple[Node, ...] = ()
    select: Callable[[Request, str], None] | None = None
    spellings: tuple[str, ...] = ()
    data: Callable[[Request], Any] | None = None

    def line(self, indent: str) -> str:
        """The keyword with its parameters and its explanation from column 50 on."""
        text = indent + self.keyword + (f" {self.params}" if self.params else "")
        return f"{text:<{HELP_COLUMN}}: {self.help}\n" if self.help else f"{text}\n"


def execute(nodes: tuple[Node, ...], request: Request) -> Reply:
    """Follow the table down to a handler. Answer for a command that leads nowhere."""
    keyword = request.word()
    if keyword == "help" and not request.json:
        return "Available sub-commands at this level:\n" + "".join(node.line("\t") for node in nodes)
    node = next((node for node in nodes if keyword == node.keyword or keyword in node.spellings), None)
    if node is None:
        raise Answer(f"Unknown command: {keyword}\n")
    if node.handler is not None:
        return _data(node, request) if request.json else node.handler(request)
    if not request.rest:
        raise Answer(MORE)
    if node.select is not None:
        node.select(request, request.word())
        if not request.rest:
            raise Answer(INCOMPLETE)
    return execute(node.children, request)


def _data(node: Node, request: Request) -> Reply:
    if node.data is None:
        raise Answer(NO_JSON)
    return written(node.keyword, node.data(request))


def usage(nodes: tuple[Node, ...]) -> str:
    """The whole table as text."""
    return "    Supported commands are:\n\n" + "".join("".join(_tree(node, 1)) + "\n" for node in nodes)


def _tree(node: Node, depth: int) -> Iterator[str]:
    yield node.line("    " * depth)
    for child in node.children:
        yield from _tree(child, depth + 1)
