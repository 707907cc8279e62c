# SPDX-License-Identifier: GPL-3.0-or-later
"""The running daemon as the operator's commands see and change it (see cli/backend.py)."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from controlplane import process
from controlplane.addresses import Endpoint
from controlplane.chronicle import events
from controlplane.config.option import Option
from controlplane.config.options import ALL
from controlplane.config.options_process import LOG_SUBSYSTEMS
from controlplane.config.settings import Settings
from controlplane.explain import explain
from controlplane.log import Log
from controlplane.proxy import Proxy
from controlplane.report.counters import Statistics
from controlplane.report.model import PortUsage, State
from controlplane.session.adoption import stand_by, take_over
from controlplane.session.call import Call
from controlplane.standing import states
from controlplane.store.store import Store
from controlplane.store.subscriber import Subscriber
from controlplane.unreachable import no_way


class Operator:
    """``set_control_tos`` applies a changed control-tos to the open sockets."""

    def __init__(self, proxy: Proxy, log: Log, clock: Callable[[], float], set_control_tos: Callable[[int], None]):
        self._proxy = proxy
        self._log = log
        self._start_levels = dict(log.levels)
        self._set_control_tos = set_control_tos
        self.now = clock
        self.pid = os.getpid()
        self.start_settings: Settings = proxy.settings.at_start()
        self.store: Store | None = None

    @property
    def settings(self) -> Settings:
        return self._proxy.settings

    @property
    def statistics(self) -> Statistics:
        return self._proxy.statistics

    def calls(self) -> dict[str, Call]:
        return self._proxy.calls.calls

    def interfaces(self) -> Sequence[PortUsage]:
        return self._proxy.interfaces()

    def options(self) -> Sequence[Option]:
        return ALL

    def change(self, attribute: str, value: Any) -> None:
        """Set a runtime option and apply it. ConfigError for a bad value, OSError from the system."""
        self.settings.set(attribute, value)
        if attribute == "control_tos":
            self._set_control_tos(value)
        if attribute.startswith("redis_") and self.store is not None:
            self.store.options_changed()
        self._proxy.settings_changed()

    def log_subsystems(self) -> Mapping[str, str]:
        return LOG_SUBSYSTEMS

    def log_levels(self) -> Mapping[str, int]:
        return {name: self._log.levels[name] for name in LOG_SUBSYSTEMS}

    def start_log_levels(self) -> Mapping[str, int]:
        return {name: self._start_levels[name] for name in LOG_SUBSYSTEMS}

    def set_log_level(self, subsystem: str, level: int) -> None:
        self._log.set_level(level, subsystem)

    def open_files(self) -> int | None:
        return process.open_files()

    def set_open_files(self, limit: int) -> None:
        process.set_open_files(limit)

    def terminate(self, calls: Iterable[Any]) -> None:
        self._proxy.end(list(calls), why="an operator's command")

    def refresh(self, call: Any) -> None:
        self._proxy.refresh(call)

    def states(self, call: Any) -> Mapping[Endpoint, State]:
        self._proxy.unreachable.hear()
        return states(call, self._proxy.look)

    def explain(self, call: Any) -> list[str]:
        self.refresh(call)
        self._proxy.unreachable.hear()
        return list(explain(call, self._proxy.calls.settings, self.now(), self._proxy.look, no_way))

    def ports(self, call: Any) -> Iterable[Endpoint]:
        return self._proxy.calls.sockets_of(call)

    def events(self, call_id: str) -> Iterable[str] | None:
        calls, now = self._proxy.calls, self.now()
        return events(calls.find(call_id), calls.past.find(call_id, now), now)

    def set_debug(self, call: Any, on: bool) -> None:
        self._log.debug_call(call.call_id, on)

    def drain(self, on: bool) -> None:
        self._proxy.admission.draining = on

    def active(self) -> None:
        for call in self.calls().values():
            take_over(call, self.now())
        if self.store is not None:
            self.store.taken_over()
        self._proxy.settings_changed()

    def standby(self) -> None:
        for call in self.calls().values():
            stand_by(call, self.now())
        if self.store is not None:
            self.store.given_up()
        self._proxy.settings_changed()

    def keyspaces(self) -> list[int] | None:
        return self._subscriber.keyspaces if self._subscriber is not None else None

    def add_keyspace(self, number: int) -> bool:
        return self._subscriber is not None and self._subscriber.add(number)

    def remove_keyspace(self, number: int) -> bool:
        return self._subscriber is not None and self._subscriber.remove(number)

    def write_to_read(self, on: bool) -> bool:
        return self.store is not None and self.store.write_to_read(on)

    @property
    def _subscriber(self) -> Subscriber | None:
        return self.store.subscriber if self.store is not None else None
