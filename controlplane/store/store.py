# SPDX-License-Identifier: GPL-3.0-or-later
"""The data bases of a daemon: where its own calls are written, and where those of other nodes are read."""
from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from controlplane.errors import ConfigError
from controlplane.session.adoption import take_over
from controlplane.session.call import Call
from controlplane.store.address import NO_DB, Server, parse_server
from controlplane.store.freshness import is_stale, packets_of
from controlplane.store.host import Host
from controlplane.store.link import Link, RedisOptions, Unavailable
from controlplane.store.reader import Reader
from controlplane.store.subscriber import Subscriber
from controlplane.store.writer import Writer, WriterOptions

_log = logging.getLogger("rtpengine.core")
_LOOK = 1.0
"""Seconds between two looks at what nobody tells of: indices of encrypted streams, and packets of foreign calls."""
_PIECE = 64


class StoreOptions(RedisOptions, WriterOptions, Protocol):
    """All options about Redis."""

    redis: str
    redis_write: str
    redis_subscribe: str
    subscribe_keyspace: tuple[str, ...]
    no_redis_required: bool
    active_switchover: bool


PASSWORDS = {"redis": "RTPENGINE_REDIS_AUTH_PW", "redis-write": "RTPENGINE_REDIS_WRITE_AUTH_PW",
             "redis-subscribe": "RTPENGINE_REDIS_SUBSCRIBE_AUTH_PW"}
"""Variables with the password for the server of an option that does not contain one."""


class Servers:
    """The servers that the options name. ConfigError."""

    def __init__(self, options: StoreOptions, environ: Mapping[str, str]):
        self.read = _server("redis", options.redis, environ)
        self.write = _server("redis-write", options.redis_write, environ) or self.read
        self.read = self.read or self.write
        self.keyspaces = [_keyspace(text) for text in options.subscribe_keyspace]
        self.notify = _server("redis-subscribe", options.redis_subscribe, environ, needs_db=False)
        if self.notify is None and self.keyspaces:
            self.notify = self.read
        elif self.notify is not None and not self.keyspaces and self.notify.db != NO_DB:
            self.keyspaces = [self.notify.db]

    def __bool__(self) -> bool:
        return self.read is not None or self.notify is not None


def _server(option: str, text: str, environ: Mapping[str, str], *, needs_db: bool = True) -> Server | None:
    return parse_server(option, text, environ.get(PASSWORDS[option], ""), needs_db=needs_db) if text else None


def _keyspace(text: str) -> int:
    if not text.removeprefix("-").isdecimal() or len(text) > 9:
        raise ConfigError(f"subscribe-keyspace: {text[:64]!r} is not the number of a data base")
    return int(text)


class Store:
    """``start`` and ``stop`` it with the daemon; in between it is told what becomes of calls."""

    def __init__(self, servers: Servers, options: StoreOptions, host: Host, node: str, clock: Callable[[], float]):
        self._options = options
        self._host = host
        self._clock = clock
        self._reader = Reader(host, self._restored)
        self._read = self._write = self._notify = None
        as_master = servers.read is servers.write
        if servers.read is not None and servers.write is not None:
            self._read = Link("redis", servers.read, options, as_master=as_master)
            self._write = self._read if as_master else Link("redis-write", servers.write, options)
        if servers.notify is not None:
            self._notify = Link("redis-subscribe", servers.notify, options,
                                as_master=servers.notify is servers.read and as_master)
        self._writer = Writer(self._write, options, host, node, clock) if self._write is not None else None
        self.subscriber = Subscriber(self._notify, self._reader, servers.keyspaces) \
            if self._notify is not None else None
        self._tasks: list[asyncio.Task[None]] = []
        self._stored_packets: dict[str, int] = {}

    @property
    def _links(self) -> list[Link]:
        return list({id(link): link for link in (self._read, self._write, self._notify) if link is not None}.values())

    # --- the daemon starts and ends ---

    async def start(self) -> None:
        """Restore what the data bases have, and follow them from now on. ConfigError if they must be had and cannot.

        Calls that are there already are written: how far they will have gone must not be told by an older document.
        """
        began = time.monotonic()
        left = list(self._host.all_calls().values())
        try:
            for link in self._links:
                await link.open()
            await self._restore()
        except Unavailable as error:
            if not self._options.no_redis_required:
                raise ConfigError(f"Refusing to continue without working Redis database: {error}") from None
            _log.error("Starting without the calls in Redis: %s", error)
        _log.info("Redis restore time = %d ms, %d calls, %d failed", (time.monotonic() - began) * 1000,
                  len(self._host.all_calls()), self._reader.failed)
        for call in left:
            self.changed(call)
        if self._writer is not None:
            self._tasks.append(asyncio.create_task(self._writer.run()))
        if self.subscriber is not None:
            self._tasks.append(asyncio.create_task(self.subscriber.run()))
        self._tasks.append(asyncio.create_task(self._look_again()))

    async def _restore(self) -> None:
        """Foreign calls first, then own ones: of those that both have, whoever signalled last."""
        self._reader.starting = True
        try:
            if self._notify is not None and self.subscriber is not None:
                for db in [db for db in self.subscriber.keyspaces if db >= 0]:
                    try:
                        await self._reader.load(self._notify, db, foreign=True)
                    except Unavailable as error:
                        _log.error("The calls of data base %d cannot be followed: %s", db, error)
            own = self._write if self._notify is not None else self._read
            if own is not None:
                await self._reader.load(own, own.server.db, foreign=False)
        finally:
            self._reader.starting = False

    async def stop(self) -> None:
        """Write the last state of what is still going on, which stays in the data base."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._writer is not None:
            for call in self._host.all_calls().values():
                if packets_of(call) != self._stored_packets.get(call.call_id):
                    self._writer.changed(call)
            await self._writer.finish()
        for link in self._links:
            await link.close()

    # --- what becomes of calls ---

    def _restored(self, call: Call) -> None:
        self._stored_packets[call.call_id] = packets_of(call)

    def changed(self, call: Call, *, signalled: bool = False) -> None:
        """A call is to be written; a foreign one that is ``signalled`` here is taken over if that is wanted."""
        if call.foreign:
            if not (signalled and self._options.active_switchover):
                return
            take_over(call, self._clock())
            call.hosted_db = NO_DB  # the peer's document is not ours to delete
        if self._writer is not None:
            self._writer.changed(call)

    def ended(self, call: Call) -> None:
        """A call is over."""
        self._stored_packets.pop(call.call_id, None)
        if self._writer is not None:
            self._writer.ended(call)

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            try:
                for _ in self._look():
                    await asyncio.sleep(0)
            except Exception:
                _log.exception("Failure while stored calls are looked at")

    def _look(self) -> Iterator[None]:
        now = self._clock()
        for number, call in enumerate(list(self._host.all_calls().values())):
            if number % _PIECE == 0:
                yield
            packets = packets_of(call)
            stored = self._stored_packets.setdefault(call.call_id, packets)
            if call.foreign:
                if self._options.active_switchover and packets != stored:
                    self.changed(call, signalled=True)
            elif is_stale(call, packets - stored, now):
                self._stored_packets[call.call_id] = packets
                self.changed(call)

    # --- what the operator wants ---

    def taken_over(self) -> None:
        """All calls are ours now."""
        for call in self._host.all_calls().values():
            call.hosted_db = NO_DB
            self.changed(call)

    def given_up(self) -> None:
        """All calls are somebody else's now."""
        if self._writer is not None:
            for call in self._host.all_calls().values():
                self._writer.drop(call)

    def options_changed(self) -> None:
        """Connections obey the options of the moment in which they are opened."""
        for link in self._links:
            link.renew()

    def write_to_read(self, on: bool) -> bool:
        """Write where is read from instead, or no longer; False if both are the same anyway."""
        if self._writer is None or self._read is None or self._write is None or self._read is self._write:
            return False
        self._writer.link = self._read if on else self._write
        return True


def create(options: StoreOptions, host: Host, node: str, clock: Callable[[], float],
           environ: Mapping[str, str] = os.environ) -> Store | None:
    """The store that the options describe; None if they name no server. ConfigError."""
    servers = Servers(options, environ)
    return Store(servers, options, host, node, clock) if servers else None


def check_servers(options: StoreOptions) -> None:
    """ConfigError if the options do not say what servers there are."""
    Servers(options, os.environ)
