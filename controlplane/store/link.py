# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection to a Redis server: opened when needed, closed at the first failure, and opened again."""
from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from controlplane.store.address import Server
from controlplane.store.health import Health, Limits

_log = logging.getLogger("rtpengine.core")
_T = TypeVar("_T")
_MASTERS = ("master", "active-replica")
FIRST_TRIES, LATER_TRIES = 11, 2
"""How often a server is asked for its role that is to be a master, a second apart."""


class RedisOptions(Limits, Protocol):
    """The options that connections obey."""

    redis_connect_timeout: int
    redis_cmd_timeout: int
    redis_resolve_on_reconnect: bool
    redis_tcp_keepalive_time: int
    redis_tcp_keepalive_intvl: int
    redis_tcp_keepalive_probes: int
    redis_tls_ca: str
    redis_tls_cert: str
    redis_tls_key: str


class Unavailable(Exception):
    """The server does not serve us now; the text says why, ``wait`` how many seconds it is left alone."""

    def __init__(self, text: str, wait: float = 0.0):
        super().__init__(text)
        self.wait = wait


class Link:
    """``name`` is that of the option, for the log. ``as_master``: the server must not be a replica."""

    def __init__(self, name: str, server: Server, options: RedisOptions, *, as_master: bool = False):
        self.name = name
        self.server = server
        self._options = options
        self._as_master = as_master
        self.health = Health(options)
        self._client: Any = None
        self._address = ""
        self._was_up = False
        self._told = ""
        self._stale = False

    async def use(self, operation: Callable[[Any], Awaitable[_T]]) -> _T:
        """What ``operation`` makes of the client (of redis.asyncio). Unavailable.

        If the connection proves to be dead a new one is tried, once.
        """
        wait = self.health.wait(time.monotonic())
        if wait:
            raise Unavailable(f"{self.name} {self.server} is left alone for {wait:.1f} s", wait)
        import redis.exceptions
        for attempt in (1, 2):
            fresh = self._client is None
            try:
                client = await self._connected(LATER_TRIES if self._was_up else 1)
                result = await operation(client)
            except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
                await self.close()
                if attempt == 2 or fresh:
                    raise self._failed(error) from None
            else:
                self._succeeded()
                return result
        raise AssertionError("unreachable")

    def _failed(self, error: Exception) -> Unavailable:
        now = time.monotonic()
        self.health.failed(now)
        wait = self.health.wait(now)
        text = f"{self.name} {self.server}: {str(error) or type(error).__name__}"
        if text != self._told or self.health.disabled:
            alone = f"; left alone for {wait:.0f} s after {self.health.errors} failures" if self.health.disabled else ""
            _log.error("Redis cannot be used: %s%s", text, alone)
            self._told = text
        return Unavailable(text, wait)

    def _succeeded(self) -> None:
        if not self._was_up or self.health.errors:
            _log.info("Redis %s: connected to %s", self.name, self.server)
        self._was_up, self._told = True, ""
        self.health.succeeded()

    async def open(self, tries: int = FIRST_TRIES) -> None:
        """Connect at the start. Unavailable."""
        import redis.exceptions
        try:
            await self._connected(tries)
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            await self.close()
            raise self._failed(error) from None
        self._succeeded()

    def renew(self) -> None:
        """The options have changed: the next use opens another connection."""
        self._stale = True

    async def _connected(self, tries: int) -> Any:
        if self._stale:
            self._stale = False
            await self.close()
        if self._client is None:
            client = await self.client()
            try:
                async with asyncio.timeout(self._options.redis_connect_timeout / 1000 + tries - 1):
                    await client.ping()
                    await self._check_role(client, tries)
            except BaseException:
                await client.aclose()
                raise
            self._client = client
        return self._client

    async def _check_role(self, client: Any, tries: int) -> None:
        if not self._as_master:
            return
        for left in reversed(range(tries)):
            role = (await client.info("replication")).get("role")
            if role in _MASTERS:
                return
            if left:
                await asyncio.sleep(1.0)
        raise OSError(f"it is a {role}, and not a master")

    async def client(self) -> Any:
        """A client with a connection of its own, not yet open."""
        import redis.asyncio as library
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        server, options = self.server, self._options
        return library.Redis(
            host=await self._resolved(), port=server.port, db=max(server.db, 0), username=server.user or None,
            password=server.password or None, protocol=2, single_connection_client=True,
            retry=Retry(NoBackoff(), 0), health_check_interval=0,
            socket_connect_timeout=options.redis_connect_timeout / 1000,
            socket_timeout=options.redis_cmd_timeout / 1000 or None,
            socket_keepalive=options.redis_tcp_keepalive_time > 0, socket_keepalive_options=_keepalive(options),
            **_tls(server, options))

    async def _resolved(self) -> str:
        """The address of the host, as it was at first unless wanted otherwise; a certificate is for the name."""
        if self.server.tls:
            return self.server.host
        if not self._address or self._options.redis_resolve_on_reconnect:
            loop = asyncio.get_running_loop()
            try:
                found = await loop.getaddrinfo(self.server.host, self.server.port, type=socket.SOCK_STREAM)
            except OSError:
                if not self._address:
                    raise
            else:
                self._address = str(found[0][4][0])
        return self._address

    async def close(self) -> None:
        """Close the connection; the next use opens another one."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def _keepalive(options: RedisOptions) -> dict[int, int]:
    if options.redis_tcp_keepalive_time <= 0:
        return {}
    return {socket.TCP_KEEPIDLE: options.redis_tcp_keepalive_time,
            socket.TCP_KEEPINTVL: options.redis_tcp_keepalive_intvl,
            socket.TCP_KEEPCNT: options.redis_tcp_keepalive_probes}


def _tls(server: Server, options: RedisOptions) -> dict[str, Any]:
    if not server.tls:
        return {}
    return {"ssl": True, "ssl_ca_certs": options.redis_tls_ca or None, "ssl_certfile": options.redis_tls_cert or None,
            "ssl_keyfile": options.redis_tls_key or None, "ssl_check_hostname": True,
            "ssl_min_version": ssl.TLSVersion.TLSv1_2}
