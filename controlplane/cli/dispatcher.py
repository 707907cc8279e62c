# SPDX-License-Identifier: GPL-3.0-or-later
"""From one command line to its reply, whatever carried it."""
from __future__ import annotations

from controlplane.cli.backend import Backend
from controlplane.cli.node import INCOMPLETE, Answer, Reply, Request, execute
from controlplane.cli.tree import COMMANDS


class Dispatcher:
    """Runs operator commands against a backend."""

    def __init__(self, backend: Backend):
        self._backend = backend

    def run(self, line: str) -> Reply:
        """Answer one command: a text, or pieces of a text produced on the way; errors are texts too.

        A line end and one trailing space are ignored.
        """
        line = line.rstrip("\r\n").removesuffix(" ")
        if not line:
            return INCOMPLETE
        try:
            return execute(COMMANDS, Request(self._backend, line))
        except Answer as answer:
            return str(answer)

    def text(self, line: str) -> str:
        """The same with the whole reply in one piece, for transports that carry messages."""
        reply = self.run(line)
        return reply if isinstance(reply, str) else "".join(reply)
