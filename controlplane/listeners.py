# SPDX-License-Identifier: GPL-3.0-or-later
"""The control ports: every server that the settings ask for, opened, started and closed together."""
from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from controlplane.addresses import Endpoint
from controlplane.cli.dispatcher import Dispatcher as CliDispatcher
from controlplane.config.endpoints import listen_endpoints
from controlplane.config.netdevs import Resolver
from controlplane.config.settings import Settings
from controlplane.proxy import Proxy
from controlplane.servers.cli import CliServer
from controlplane.servers.ng_tcp import NgTcpServer
from controlplane.servers.ng_udp import NgUdpServer
from controlplane.servers.services import Services
from controlplane.servers.tls import Certificate

if TYPE_CHECKING:
    from controlplane.servers.http import HttpServer


class Listeners:
    """Opens the ports, but for the command line's. ConfigError if one cannot be had; none stays open then."""

    def __init__(self, settings: Settings, resolver: Resolver, proxy: Proxy, commands: CliDispatcher,
                 clock: Callable[[], float]):
        self._settings = settings
        self._resolver = resolver
        self._udp: list[NgUdpServer] = []
        self._tcp: NgTcpServer | None = None
        self._http: HttpServer | None = None
        self.certificate: Certificate | None = None
        self._cli = CliServer(commands.run, self._endpoints(settings.listen_cli))
        try:
            for endpoint in self._endpoints(settings.listen_ng):
                self._udp.append(NgUdpServer(endpoint, settings.control_tos, proxy.ng_message, clock,
                                             settings.control_pmtu))
            if settings.listen_tcp_ng:
                self._tcp = NgTcpServer(self._endpoints(settings.listen_tcp_ng), proxy.ng_message, clock)
            if settings.listen_http or settings.listen_https:
                self._http = self._open_http(Services(proxy.ng_message, proxy.ng_plain, commands.run, clock))
        except BaseException:
            self.shut()
            raise

    def _open_http(self, services: Services) -> HttpServer:
        from controlplane.servers.http import HttpServer  # takes a third of a second, which others need not spend
        settings = self._settings
        if settings.listen_https:
            self.certificate = Certificate(settings.https_cert, settings.https_key)
        context = self.certificate.context if self.certificate is not None else None
        return HttpServer(self._endpoints(settings.listen_http), self._endpoints(settings.listen_https), services,
                          context, settings.http_idle_timeout, settings.http_buf_size)

    def _endpoints(self, values: tuple[str, ...]) -> list[Endpoint]:
        return [endpoint for value in values for endpoint in listen_endpoints(value, self._resolver)]

    def set_tos(self, tos: int) -> None:
        """Mark the ng replies over UDP (option control-tos)."""
        for server in self._udp:
            server.set_tos(tos)

    async def start(self) -> None:
        """Serve from now on. ConfigError if the command line's port cannot be opened."""
        loop = asyncio.get_running_loop()
        await self._cli.start()  # first, as clients conclude from an answered ping that everything is there
        for server in self._udp:
            server.start(loop)
        if self._tcp is not None:
            self._tcp.listener.start(loop)
        if self._http is not None:
            self._http.start(loop)

    async def close(self) -> None:
        """Stop serving, drop the clients, free the ports."""
        loop = asyncio.get_running_loop()
        for server in self._udp:
            server.close(loop)
        self._udp.clear()
        if self._tcp is not None:
            await self._tcp.listener.close()
        if self._http is not None:
            await self._http.close()
        await self._cli.close()

    def shut(self) -> None:
        """Free the ports of what was not started."""
        for server in self._udp:
            server.close()
        if self._tcp is not None:
            self._tcp.listener.shut()
        if self._http is not None:
            self._http.shut()

    def __str__(self) -> str:
        """What listens where, in words."""
        tcp, http = self._tcp, self._http
        rows = (("ng", [server.endpoint for server in self._udp], True),
                ("ng over TCP", tcp.listener.addresses if tcp else [], False),
                ("HTTP", http.plain.addresses if http else [], False),
                ("HTTPS", http.secure.addresses if http else [], False),
                ("commands", self._cli.addresses, True))
        return ", ".join(f"for {what} on {_listed(endpoints)}" for what, endpoints, always in rows
                         if endpoints or always)


def _listed(endpoints: Iterable[Endpoint]) -> str:
    return ", ".join(map(str, endpoints)) or "no port"
