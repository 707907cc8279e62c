# SPDX-License-Identifier: GPL-3.0-or-later
"""The core alone, in a process under AddressSanitizer and UndefinedBehaviorSanitizer (tests/core/drive.c)."""
from __future__ import annotations

import struct
import subprocess
from collections import defaultdict, deque

from tests.core import build
from tests.engines.scenario import Send, number_of
from tests.kernel.guest import abi
from tests.kernel.guest.abi import Where, parse_addr

PASS, DROP, FORWARD, STRAY = range(4)
_HOSTS = {4: {"a": "10.1.0.2", "b": "10.2.0.2", "n": "10.1.0.1", "f": "10.2.0.1"},
          6: {"a": "fd00:1::2", "b": "fd00:2::2", "n": "fd00:1::1", "f": "fd00:2::1"}}
_PORTS = {"a": 10000, "b": 20000, "n": 30000, "f": 40000}


class CoreEngine:
    """Two tables in a process, `terminal_tables` says which of them have nothing behind them; A's and B's families."""

    exact_clock = True

    def __init__(self, terminal_tables: tuple[bool, bool] = (False, False), families: tuple[int, int] = (4, 4)) -> None:
        binary = build.compiled("drive", [build.HERE / "drive.c", *build.SUPPORT], build.MEMORY_CHECKED)
        self._process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE)
        self._terminal, self._families = terminal_tables, families
        self._waiting: defaultdict[Where, deque[tuple[Where, bytes]]] = defaultdict(deque)
        self._verdict = STRAY
        for table, terminal in enumerate(terminal_tables):
            self._ask("N", table, bytes([terminal]))
            self.run(table, abi.hello())

    def _ask(self, kind: str, table: int, body: bytes = b"") -> bytes:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        try:
            stdin.write(struct.pack("<BBHI", ord(kind), table, 0, len(body)) + body)
            stdin.flush()
        except BrokenPipeError:
            pass
        head = stdout.read(4)
        if len(head) < 4:
            raise AssertionError(f"the driver died:\n{self.close()}")
        return stdout.read(struct.unpack("<I", head)[0])

    def close(self) -> str:
        """Ends the process; what it has to say, which is nothing if all was well."""
        _, errors = self._process.communicate()
        return errors.decode() + (f"status {self._process.returncode}" if self._process.returncode else "")

    def where(self, place: str) -> Where:
        """See Engine."""
        kind = place[0]
        family = self._families[kind in "bf"]
        return _HOSTS[family][kind], _PORTS[kind] + 2 * number_of(place)

    def terminal(self, table: int) -> bool:
        """See Engine."""
        return self._terminal[table]

    def run(self, table: int, *records: bytes) -> list[abi.Reply]:
        """See Engine."""
        answer = self._ask("B", table, abi.batch(*records))
        status = struct.unpack("<i", answer[:4])[0]
        assert status == 0, f"batch refused: {status}"
        return abi.parse_replies(answer[4:])

    def send(self, step: Send) -> None:
        """See Engine."""
        head = abi.addr(self.where(step.to)) + abi.addr(self.where(step.source)) + struct.pack("<Q", step.us)
        answer = self._ask("P", step.table, head + step.data)
        self._verdict, at = answer[0], 4
        while at < len(answer):
            sender, peer = parse_addr(answer[at:at + 24]), parse_addr(answer[at + 24:at + 48])
            size = struct.unpack_from("<I", answer, at + 48)[0]
            assert sender and peer
            self._waiting[peer].append((sender, answer[at + 52:at + 52 + size]))
            at += 52 + size

    def arrival(self, peer: str) -> tuple[Where, bytes] | None:
        """See Engine."""
        waiting = self._waiting[self.where(peer)]
        return waiting.popleft() if waiting else None

    def came_up(self, step: Send) -> bool:
        """See Engine."""
        return self._verdict == PASS

    def stray(self) -> str:
        """See Engine."""
        return "".join(f"at {peer}: {data.hex()}" for peer, each in self._waiting.items() for _, data in each)

    def copy(self, table: int, call: str, name: str, index: int) -> bytes:
        """See Engine."""
        return self._ask("S", table, struct.pack("<I", index))

    def succeed(self, table: int) -> int:
        """See Engine."""
        self._ask("O", table)
        (reply,) = self.run(table, abi.hello())
        return abi.parse_geometry(reply.body).targets
