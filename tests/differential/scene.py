# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon that tells what it can in all its ways, and what it tells of one call after the other."""
from __future__ import annotations

import json
import os
import re
import socket
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from tests.peers import rtcp
from tests.peers.call import Call
from tests.peers.collector import Collector, wait
from tests.peers.daemon import Command, Daemon, free_port
from tests.peers.quiet import rest
from tests.peers.rtp import Endpoint, pump
from tests.peers.syslog import Syslog

NET = f"127.{64 + os.getpid() // 256 % 64}.{os.getpid() % 256}"
"""Addresses of this process alone: others may test daemons at the same time."""
INTERFACES = (f"int/{NET}.1", f"ext/{NET}.2!203.0.113.5", "six/::1", f"both/{NET}.3", "both/::1")
PATIENCE = 20.0
RECORDS = 17
"""The facility local1."""
_COUNTERS = re.compile(r"\.(?:totalstatistics|controlstatistics)(?!.*(?:avg|stddev))|.*(?:_total|count|gress\.\w+)$")


class Scene:
    """One daemon, one call after the other. ``told`` is by scene and by what was asked."""

    def __init__(self, command: Command, stack: ExitStack):
        self._stack = stack
        self.log = stack.enter_context(Syslog())
        self.graphite = stack.enter_context(Collector())
        ng, cli, self._http = free_port(), free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
        self.daemon = stack.enter_context(Daemon(
            self.log.command(command), bare=True, ng_port=ng, cli_port=cli, options=(
                "--foreground", "--table=-1", f"--listen-ng=127.0.0.1:{ng}", f"--listen-cli=127.0.0.1:{cli}",
                *(f"--interface={each}" for each in INTERFACES), f"--listen-http=127.0.0.1:{self._http}",
                f"--graphite=127.0.0.1:{self.graphite.port}", "--graphite-interval=1", "--graphite-prefix=x.",
                "--delete-delay=0", "--log-facility-cdr=local1", "--port-min=10000", "--port-max=19998")))
        self.client = stack.enter_context(self.daemon.client(timeout=PATIENCE, tries=1))
        self.told: dict[str, dict[str, Any]] = {}
        self.shrunk: list[str] = []
        """Counters that have gone back."""
        self._steps: list[tuple[str, float, float]] = []
        self._packets = self._ended = 0
        self._name = ""

    def play(self, scene: Callable[[Scene, Call], None], name: str, a: str = "127.0.0.1", b: str = "127.0.0.1",
             ends: int = 1, **keys: Any) -> None:
        """A call with the name of the scene as its call-ID, between parties at these addresses; ``ends`` calls end."""
        before, records = self.statistics(), len(self.records)
        self._ended += ends
        self._name, self._steps = name, []
        told = self.told[name] = {}
        with ExitStack() as stack:
            parties = [Endpoint(address, seed=seed) for seed, address in enumerate((a, b), 1)]
            for party in parties:
                stack.callback(party.close)
            call = Call(self.client, *parties, call_id=name, **keys)
            call.from_tag, call.to_tag = f"a-{name}", f"b-{name}"
            scene(self, call)
            self.counted(*parties)
        assert wait(lambda: (self._managed, len(self.records)) == (self._ended, self._ended), PATIENCE), name
        told["statistics"] = changes = difference(before, self.statistics())
        self.shrunk += [f"{name}: {path}" for path, change in changes.items() if change < 0 and _COUNTERS.match(path)]
        told["records"] = [self._placed(record) for record in self.records[records:]]

    def step(self, name: str, act: Callable[[], Any]) -> Any:
        """Do something whose time is to be found again."""
        before = time.time()
        try:
            return act()
        finally:
            self._steps.append((name, before, time.time()))

    def counted(self, *ends: Endpoint) -> None:
        """Wait until all that these ends have sent so far is counted."""
        for end in ends:
            self._packets += len(end.sent)
            end.sent.clear()
        assert wait(lambda: self._relayed == self._packets, PATIENCE), (self._name, self._relayed, self._packets)

    @property
    def _relayed(self) -> int:
        return int(self.statistics()["totalstatistics"]["relayedpackets"])

    @property
    def _managed(self) -> int:
        return int(self.statistics()["totalstatistics"]["managedsessions"])

    def report(self, end: Endpoint, other: Endpoint, *blocks: rtcp.Block) -> int:
        """Have ``end`` send a report with these blocks, and ``other`` receive it; its time as answers give it back."""
        self._packets += 1
        got, now = len(other.compounds), time.time()
        end.transmit(rtcp.Report(end.ssrc, blocks, rtcp.ntp(now), 8000, 10, 1600).pack()
                     + rtcp.sdes(end.ssrc, "a@example.net"), is_rtcp=True)
        assert pump((end, other), PATIENCE, lambda: len(other.compounds) > got)
        rest(self.daemon.pid)
        return rtcp.middle(now)

    def look(self, call: Call) -> None:
        """Ask for everything about the call that runs."""
        self.counted(call.a, call.b)
        told = self.told[self._name]
        for line in ("list numsessions", "list sessions all", "list sessions own", "list interfaces"):
            told[line] = self.cli(line)
        told["details"] = self.cli(f"call {call.call_id} info")
        for tag in (call.from_tag, call.to_tag):
            told[f"details of {tag}"] = self.cli(f"call {call.call_id} tag {tag} info")
        told["query"] = self.client.request("query", call_id=call.call_id)
        told["list"] = self.client.request("list")

    def ask(self, command: str, **keys: Any) -> None:
        """Keep what ng answers."""
        reply = self.client.request(command, **keys)
        reply.pop("statistics", None)
        self.told[self._name].setdefault("replies", []).append((command, keys, reply))

    def gone(self, call: Call) -> None:
        """Wait until the call is no more."""
        assert wait(lambda: call.call_id not in self.client.call("list")["calls"], PATIENCE)

    def cli(self, line: str) -> str:
        """The answer. On a busy host 10.5 was once seen to give none at all, so it is asked again."""
        answer = self.daemon.cli(line)
        return self.daemon.cli(line) if not answer and self.daemon.command.name == "reference" else answer

    def statistics(self) -> dict[str, Any]:
        document = json.loads(self.cli("list jsonstats"))
        assert isinstance(document, dict)
        return document

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._http}/metrics", timeout=PATIENCE) as reply:
            return str(reply.read().decode())

    @property
    def reports(self) -> int:
        """How many Graphite got."""
        return self.graphite.data.count(b"x.managed_sess ")

    @property
    def records(self) -> list[str]:
        return [line.text for line in self.log.lines if line.facility == RECORDS]

    def _placed(self, record: str) -> list[str]:
        """The items of a record, with the step in which each time lies."""
        found = []
        for item in record.split(", "):
            name, _, value = item.partition("=")
            if name.endswith(("start_time", "end_time")):
                value = next((step for step, before, after in self._steps if before <= float(value) <= after + 1e-5),
                             "at some time")
            found.append(f"{name}={value}")
        return found


def difference(before: Any, after: Any, path: str = "") -> dict[str, float]:
    """What has grown or shrunk, by path."""
    if isinstance(after, dict):
        pairs = [(key, (before or {}).get(key), value) for key, value in after.items()]
    elif isinstance(after, list):
        pairs = [(key, before[key] if before and key < len(before) else None, value)
                 for key, value in enumerate(after)]
    else:
        return {path: after - (before or 0)} if isinstance(after, (int, float)) and after != (before or 0) else {}
    return {key: value for name, old, new in pairs for key, value in difference(old, new, f"{path}.{name}").items()}


def ports_hidden(text: str) -> str:
    """``text`` without what two daemons choose for themselves."""
    text = re.sub(re.escape(NET), "NET", text)
    return re.sub(r"(?<=[\d\]]):\d{4,5}\b *", ":PORT", text)
