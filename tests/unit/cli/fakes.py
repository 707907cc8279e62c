# SPDX-License-Identifier: GPL-3.0-or-later
"""A backend made of plain objects."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from controlplane.addresses import Endpoint
from controlplane.cli.backend import OptionRow
from controlplane.report.counters import Statistics
from controlplane.report.model import NO_STATES, Call, PortUsage, State

from ..report.fakes import NOW, FakeCall, FakePorts

DEFAULTS: dict[str, Any] = dict(
    table=-1, max_sessions=-1, timeout=60, silent_timeout=3600, final_timeout=0, offer_timeout=3600, delete_delay=30,
    tos=0, control_tos=0, no_fallback=False, port_min=30000, port_max=39999, redis="secret@127.0.0.1:6379/5",
    redis_write="", redis_allowed_errors=-1, redis_disable_time=10, redis_connect_timeout=1000, redis_cmd_timeout=0,
    max_cpu=0.0, max_load=0.0, max_bandwidth=0,
    listen_ng=("127.0.0.1:2223", "127.0.0.1:2224"), listen_cli=(), janus_secret="geheim", log_level=6,
    endpoint_learning="heuristic")

SUBSYSTEMS = "core ffmpeg internals spandsp transcoding codec rtcp ice crypto srtp http control dtx".split()


@dataclass
class FakeOption:
    name: str
    secret: bool = False
    action: bool = False

    @property
    def attribute(self) -> str:
        return self.name.replace("-", "_")


@dataclass
class FakeBackend:
    registry: dict[str, FakeCall] = field(default_factory=dict)
    settings: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(**DEFAULTS))
    start_settings: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(**DEFAULTS))
    statistics: Statistics = field(default_factory=lambda: Statistics(NOW - 5))
    pid: int = 4711
    limit: int | None = 1024
    broken: Exception | None = None
    draining: bool = False
    refreshed: list[str] = field(default_factory=list)
    followed: list[int] | None = None
    levels: dict[str, int] = field(default_factory=lambda: {name: 6 for name in SUBSYSTEMS} | {"internals": -1})
    start_levels: dict[str, int] = field(default_factory=lambda: {name: 6 for name in SUBSYSTEMS}
                                         | {"internals": -1})

    def calls(self) -> Mapping[str, Call]:
        return self.registry

    def interfaces(self) -> Sequence[PortUsage]:
        return [FakePorts()]

    def options(self) -> Sequence[OptionRow]:
        names = ["version", *DEFAULTS]
        return [FakeOption(name.replace("_", "-"), name == "janus_secret", name == "version") for name in names]

    def now(self) -> float:
        return NOW

    def change(self, attribute: str, value: Any) -> None:
        if self.broken:
            raise self.broken
        setattr(self.settings, attribute, value)

    def log_subsystems(self) -> Mapping[str, str]:
        return {name: f"all about {name}" for name in SUBSYSTEMS}

    def log_levels(self) -> Mapping[str, int]:
        return self.levels

    def start_log_levels(self) -> Mapping[str, int]:
        return self.start_levels

    def set_log_level(self, subsystem: str, level: int) -> None:
        self.levels[subsystem] = level

    def open_files(self) -> int | None:
        if self.broken:
            raise self.broken
        return self.limit

    def set_open_files(self, limit: int) -> None:
        if self.broken:
            raise self.broken
        self.limit = limit

    def terminate(self, calls: Iterable[Call]) -> None:
        for call in calls:
            del self.registry[call.call_id]

    def refresh(self, call: Call) -> None:
        self.refreshed.append(call.call_id)

    def states(self, call: Call) -> Mapping[Endpoint, State]:
        return NO_STATES

    def explain(self, call: Call) -> list[str]:
        return [f"why {call.call_id} is", "  as it is"]

    def ports(self, call: Call) -> list[Endpoint]:
        return [Endpoint.parse("192.0.2.1:30000"), Endpoint.parse("[2001:db8::1]:30002")]

    def events(self, call_id: str) -> list[str] | None:
        return [f"what befell {call_id}"] if call_id in self.registry or call_id == "gone" else None

    def set_debug(self, call: Call, on: bool) -> None:
        self.registry[call.call_id].debug = on

    def drain(self, on: bool) -> None:
        self.draining = on

    def active(self) -> None:
        for call in self.registry.values():
            call.foreign = False

    def standby(self) -> None:
        for call in self.registry.values():
            call.foreign = True

    def keyspaces(self) -> list[int] | None:
        return self.followed

    def add_keyspace(self, number: int) -> bool:
        assert self.followed is not None
        known = number in self.followed
        self.followed += [] if known else [number]
        return not known

    def remove_keyspace(self, number: int) -> bool:
        assert self.followed is not None
        known = number in self.followed
        self.followed = [each for each in self.followed if each != number]
        return known

    def write_to_read(self, on: bool) -> bool:
        return self.followed is not None


def with_calls(*calls: FakeCall) -> FakeBackend:
    return FakeBackend({call.call_id: call for call in calls})
