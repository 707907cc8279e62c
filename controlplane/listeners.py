# SPDX-License-Identifier: GPL-3.0-or-later
"""The control ports: every server that the settings ask for, opened, started and closed together."""
from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from controlplane.addresses import Endpoint
from controlplane.cli.dispatcher import Dispatcher as CliDispatcher
from controlplane.config.faults import Faults
from controlplane.config.listen import LISTENERS, Listen, Place, parse_listen
from controlplane.config.netdevs import Resolver
from controlplane.config.settings import Settings
from controlplane.errors import ConfigError
from controlplane.exports.ngcapture import NgCapture
from controlplane.report import prometheus
from controlplane.servers.access import Allowed
from controlplane.servers.cli import CliServer
from controlplane.servers.listener import Listener
from controlplane.servers.ng_tcp import NgTcpServer
from controlplane.servers.ng_udp import NgUdpServer
from controlplane.servers.services import Services
from controlplane.servers.tls import Certificate

if TYPE_CHECKING:
    from controlplane.proxy import Proxy
    from controlplane.servers.http import HttpServer

_WHAT = {"listen-ng": "ng", "listen-tcp-ng": "ng over TCP", "listen-http": "HTTP", "listen-https": "HTTPS",
         "listen-cli": "commands"}
_ALWAYS_SHOWN = ("listen-ng", "listen-cli")


def allowed_by(listen: Listen, option: str) -> Allowed | None:
    """The commands of a listener, None for all. ConfigError for one that does not exist."""
    return Allowed(listen.access.allow, option == "listen-cli") if listen.access.allow else None


class Listeners:
    """Opens the ports. ConfigError if one cannot be had; none stays open then. ``capture`` is told of ng messages."""

    def __init__(self, settings: Settings, resolver: Resolver, proxy: Proxy, commands: CliDispatcher,
                 clock: Callable[[], float], capture: NgCapture | None = None):
        self._settings = settings
        self._resolver = resolver
        self._services = Services(proxy.ng_message, proxy.ng_plain, commands.run, clock,
                                  lambda: prometheus.exposition(proxy.snapshot()), proxy.unready)
        self._udp: list[NgUdpServer] = []
        self._http: list[HttpServer] = []
        self._streams: list[Listener] = []
        self._told: list[NgTcpServer] = []
        self._places: dict[str, list[Place]] = {option: [] for option in LISTENERS}
        self._certificates: dict[str, Certificate] = {}
        open_one = {"listen-ng": self._open_ng, "listen-tcp-ng": self._open_tcp_ng, "listen-cli": self._open_cli,
                    "listen-http": self._open_http, "listen-https": self._open_https}
        try:
            for option, value in listener_values(settings):
                listen = parse_listen(option, value)
                allowed = allowed_by(listen, option)
                services = self._services if allowed is None else self._services.within(allowed)
                places = listen.places(resolver)
                if capture is not None:
                    here = [place for place in places if isinstance(place, Endpoint)]
                    services = replace(services, message=capture.around(services.message, here))
                self._places[option] += open_one[option](listen, places, services)
        except BaseException:
            self.shut()
            raise

    def _open_ng(self, listen: Listen, places: Sequence[Place], services: Services) -> list[Place]:
        if listen.path:
            return self._open_tcp_ng(listen, places, services)
        opened: list[Place] = []
        for place in listen.endpoints(self._resolver):
            self._udp.append(NgUdpServer(place, self._settings.control_tos, services.message, services.clock,
                                         self._settings.control_pmtu))
            opened.append(self._udp[-1].endpoint)
        return opened

    def _open_tcp_ng(self, listen: Listen, places: Sequence[Place], services: Services) -> list[Place]:
        server = NgTcpServer(places, services.message, services.clock, access=listen.access)
        if not listen.access.allow:
            self._told.append(server)
        return self._stream(server.listener)

    def _open_cli(self, listen: Listen, places: Sequence[Place], services: Services) -> list[Place]:
        return self._stream(CliServer(services.command, places, access=listen.access).listener)

    def _stream(self, listener: Listener) -> list[Place]:
        self._streams.append(listener)
        return listener.places

    def _open_http(self, listen: Listen, places: Sequence[Place], services: Services,
                   certificate: Certificate | None = None) -> list[Place]:
        from controlplane.servers.http import HttpServer  # takes a third of a second, which others need not spend
        settings = self._settings
        plain, secure = ([], places) if certificate else (places, [])
        server = HttpServer(plain, secure, services, certificate.context if certificate else None,
                            settings.http_idle_timeout, settings.http_buf_size, access=listen.access)
        self._http.append(server)
        return [*server.plain.places, *server.secure.places]

    def _open_https(self, listen: Listen, places: Sequence[Place], services: Services) -> list[Place]:
        authority = listen.access.client_ca
        if authority not in self._certificates:
            self._certificates[authority] = Certificate(self._settings.https_cert, self._settings.https_key, authority)
        return self._open_http(listen, places, services, self._certificates[authority])

    @property
    def certificates(self) -> list[Certificate]:
        """Those of the HTTPS listeners."""
        return list(self._certificates.values())

    def push(self, message: bytes) -> None:
        """Send a message to every ng client over TCP, unless it may use certain commands alone."""
        for server in self._told:
            server.push(message)

    def set_tos(self, tos: int) -> None:
        """Mark the ng replies over UDP (option control-tos)."""
        for server in self._udp:
            server.set_tos(tos)

    async def start(self) -> None:
        """Serve from now on."""
        loop = asyncio.get_running_loop()
        for stream in self._streams:
            stream.start(loop)
        for udp in self._udp:
            udp.start(loop)
        for http in self._http:
            http.start(loop)

    async def close(self) -> None:
        """Stop serving, drop the clients, free the ports."""
        loop = asyncio.get_running_loop()
        for udp in self._udp:
            udp.close(loop)
        self._udp.clear()
        for http in self._http:
            await http.close()
        for stream in self._streams:
            await stream.close()

    def shut(self) -> None:
        """Free the ports of what was not started."""
        for udp in self._udp:
            udp.close()
        for http in self._http:
            http.shut()
        for stream in self._streams:
            stream.shut()

    def __str__(self) -> str:
        """What listens where, in words."""
        return ", ".join(f"for {what} on {_listed(self._places[option])}" for option, what in _WHAT.items()
                         if self._places[option] or option in _ALWAYS_SHOWN)


def listener_values(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every listener that the settings ask for: its option and its value."""
    for option in LISTENERS:
        values = settings.current[option]
        for value in values if isinstance(values, tuple) else ():
            yield option, value


def check_commands(settings: Settings, faults: Faults) -> None:
    """``faults`` gets what is wrong with the listeners, such as that one allows a command that does not exist."""
    for option, value in listener_values(settings):
        try:
            allowed_by(parse_listen(option, value), option)
        except ConfigError as error:
            faults.add(f"{settings.origin[option]}: {option}: {error}")


def _listed(places: Iterable[Place]) -> str:
    return ", ".join(map(str, places)) or "no port"
