# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishes to an MQTT broker regularly; the library is loaded only by those who use it."""
from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from controlplane.errors import ConfigError
from controlplane.log import Seldom

_log = logging.getLogger("rtpengine.core")
PATIENCE = 5.0
"""Seconds for the broker to take a message."""
_REST = 1.0
_LEAST = 0.1
"""Seconds between two attempts to connect; least seconds between two publications."""
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, who we are, and what is published how (options mqtt-*); no password in its text."""

    host: str
    port: int
    topic: str
    qos: int = 0
    identity: str | None = None
    keepalive: int = 30
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None


def tls_context(cafile: str, capath: str, certfile: str, keyfile: str, alpn: str) -> ssl.SSLContext | None:
    """TLS if authorities are named, else none. ConfigError for files that cannot be used."""
    if not (cafile or capath):
        return None
    try:
        context = ssl.create_default_context(cafile=cafile or None, capath=capath or None)
        if certfile:
            context.load_cert_chain(certfile, keyfile or None)
        if alpn:
            context.set_alpn_protocols([alpn])
        return context
    except (OSError, ValueError) as error:
        raise ConfigError(f"mqtt-cafile, mqtt-certfile or mqtt-keyfile: {error}") from None


class Publisher:
    """Publishes what ``messages`` makes, every ``seconds``; None in between lets others be served."""

    def __init__(self, broker: Broker, messages: Callable[[], Iterator[bytes | None]], seconds: float):
        self._broker = broker
        self._messages = messages
        self._seconds = max(seconds, _LEAST)
        self._seldom = Seldom()

    async def run(self) -> None:
        """Until cancelled; a connection that breaks is made again."""
        import aiomqtt  # takes a while, which others need not spend
        broker = self._broker
        while True:
            try:
                async with aiomqtt.Client(
                        broker.host, broker.port, username=broker.user, password=broker.password,
                        identifier=broker.identity, keepalive=broker.keepalive, tls_context=broker.tls,
                        timeout=PATIENCE) as client:
                    _log.info("Connected to the MQTT broker %s port %d", broker.host, broker.port)
                    await self._publish(client)
            except (aiomqtt.MqttError, OSError, TimeoutError, ValueError) as error:
                self._seldom.log(_log, logging.WARNING, "mqtt", "MQTT broker %s port %d: %s", broker.host, broker.port,
                                 error)
            await asyncio.sleep(_REST)

    async def _publish(self, client: Any) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for number, message in enumerate(self._messages()):
                if message is not None:
                    await client.publish(self._broker.topic, message, qos=self._broker.qos, timeout=PATIENCE)
                elif number % _AT_ONCE == 0:
                    await asyncio.sleep(0)
            due = max(due + self._seconds, loop.time())
            await asyncio.sleep(due - loop.time())
