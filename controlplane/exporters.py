# SPDX-License-Identifier: GPL-3.0-or-later
"""The exports that the settings ask for, connected to the proxy."""
from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from controlplane.config.secret import revealed
from controlplane.config.settings import Settings
from controlplane.errors import ConfigError, PeerError
from controlplane.exports import cdr, dtmf, hep, mqtt, rtcpline
from controlplane.exports.datagrams import Datagrams
from controlplane.exports.homer import Homer
from controlplane.exports.ngcapture import NgCapture
from controlplane.exports.outlet import Outlet
from controlplane.exports.publication import Publications
from controlplane.exports.records import recorder
from controlplane.exports.reporter import Reporter
from controlplane.ng.values import raw_bytes
from controlplane.proxy import Proxy
from controlplane.rtcp.packet import parse
from controlplane.rtcpfeed import Heard
from controlplane.session.call import Call
from controlplane.session.media import Media

_log = logging.getLogger("rtpengine.core")


class Exporters:
    """Made before the loop runs, started inside it. ``push`` sends a message to the ng clients over TCP."""

    def __init__(self, settings: Settings, proxy: Proxy, push: Callable[[bytes], None]):
        self._jobs: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._directed = Datagrams("A DTMF event")
        self._records(settings, proxy)
        self._events(settings, proxy, push)
        if settings.graphite:
            host, port = _split(settings.graphite)
            outlet = Outlet("Graphite", host, port, settings.graphite_timeout)
            self._jobs.append(Reporter(outlet, proxy.snapshot, settings.graphite_interval, settings.graphite_prefix,
                                       time.monotonic).run)
        self.ng_capture: NgCapture | None = None
        """Who is told of all ng messages."""
        if settings.homer and (settings.homer_enable_ng or not settings.homer_disable_rtcp_stats):
            self._homer(settings, proxy)
        if settings.mqtt_host:
            self._mqtt(settings, proxy)

    def _records(self, settings: Settings, proxy: Proxy) -> None:
        if settings.log_facility_cdr:
            write = recorder(settings.log_facility_cdr, settings.log_stderr)

            def ended(call: Call, reason: str, now: float) -> None:
                if line := cdr.line(call, reason, now):
                    write(line)
            proxy.watchers.append(ended)
        if settings.log_facility_rtcp:
            keep = recorder(settings.log_facility_rtcp, settings.log_stderr)

            def heard(packet: Heard) -> None:
                if not packet.ours and (line := rtcpline.line(packet.call_id, packet.data)):
                    keep(line)
            proxy.rtcp.watchers.append(heard)

    def _events(self, settings: Settings, proxy: Proxy, push: Callable[[bytes], None]) -> None:
        """Tell of DTMF whoever is to be told; a call may have a collector of its own (ng ``DTMF-log-dest``)."""
        takers: list[Callable[[dtmf.Event], None]] = []
        if settings.log_facility_dtmf:
            note = recorder(settings.log_facility_dtmf, settings.log_stderr)
            takers.append(lambda event: note(dtmf.line(event)))
        collector = None
        if settings.dtmf_log_dest:
            collector = Homer(*_split(settings.dtmf_log_dest), tcp=False, name="the DTMF log")
            self._jobs.append(collector.run)
        if settings.dtmf_log_ng_tcp:
            takers.append(lambda event: push(dtmf.message(event)))
        events = dtmf.Events()

        def heard(call: Call, media: Media, packet: Heard) -> None:
            event = events.heard(call, media, packet.data, packet.source, packet.destination, packet.at)
            if event is None:
                return
            for take in takers:
                take(event)
            if call.dtmf_log is not None:
                self._directed.send(raw_bytes(dtmf.line(event)), call.dtmf_log)
            elif collector is not None:
                collector.put(raw_bytes(dtmf.line(event)))
        proxy.calls.settings.reports_events = bool(takers) or collector is not None
        proxy.rtcp.event_watchers.append(heard)

    def _mqtt(self, settings: Settings, proxy: Proxy) -> None:
        try:
            password = revealed(settings.mqtt_pass)
        except ValueError as error:
            raise ConfigError(f"{settings.origin['mqtt-pass']}: mqtt-pass: {error}") from None
        tls = mqtt.tls_context(settings.mqtt_cafile, settings.mqtt_capath, settings.mqtt_certfile,
                               settings.mqtt_keyfile, settings.mqtt_tls_alpn)
        broker = mqtt.Broker(settings.mqtt_host, settings.mqtt_port, settings.mqtt_publish_topic,
                             settings.mqtt_publish_qos, settings.mqtt_id or None, settings.mqtt_keepalive,
                             settings.mqtt_user or None, password or None, tls)
        publications = Publications()
        publisher = mqtt.Publisher(broker, lambda: publications.messages(
            settings.mqtt_publish_scope, proxy.snapshot(), list(proxy.calls.calls.values())),
            settings.mqtt_publish_interval / 1000)
        self._jobs.append(publisher.run)

    def _homer(self, settings: Settings, proxy: Proxy) -> None:
        homer = Homer(*_split(settings.homer), tcp=settings.homer_protocol == "tcp")

        def heard(packet: Heard) -> None:
            try:
                payload = hep.rtcp_json(parse(packet.data))
            except PeerError:
                return  # counted where it was read
            if payload:
                homer.put(hep.packet(packet.source, packet.destination, packet.at, hep.RTCP_JSON, settings.homer_id,
                                     packet.call_id, payload))
        if not settings.homer_disable_rtcp_stats:
            proxy.rtcp.watchers.append(heard)
        if settings.homer_enable_ng:
            self.ng_capture = NgCapture(homer.put, settings.homer_ng_capture_proto, settings.homer_id, time.time)
        self._jobs.append(homer.run)

    def start(self) -> None:
        """Begin; needs a running loop."""
        self._tasks = [asyncio.create_task(_lasting(job)) for job in self._jobs]

    async def close(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._directed.close()


async def _lasting(job: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """An export that fails by a bug of ours says so; calls go on."""
    try:
        await job()
    except Exception:
        _log.exception("An export has ended")


def _split(endpoint: str) -> tuple[str, int]:
    """Host, without brackets, and port."""
    host, _, port = endpoint.rpartition(":")
    return host.strip("[]"), int(port)
