# SPDX-License-Identifier: GPL-3.0-or-later
"""The running daemon: listeners, timers and signals around a Proxy."""
from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from controlplane import VERSION, notify, process
from controlplane.cli.dispatcher import Dispatcher as CliDispatcher
from controlplane.config.interfaces import build_interfaces
from controlplane.config.netdevs import is_local, system_resolver
from controlplane.config.settings import Settings
from controlplane.dataplane.firewall import Firewall, rule_of
from controlplane.dataplane.icmp import IcmpSockets
from controlplane.dataplane.kernel import KernelTable
from controlplane.dataplane.relay import Relay
from controlplane.dataplane.rtcp import RtcpTap
from controlplane.dataplane.selector import Accelerator, hook_devices, kernel_table
from controlplane.devlog import LOCAL
from controlplane.dtls.identity import Identities
from controlplane.errors import ConfigError
from controlplane.exporters import Exporters
from controlplane.garbage import PERIOD, Garbage
from controlplane.handover import leave_calls, take_calls
from controlplane.hostload import INTERVAL as LOAD_INTERVAL
from controlplane.listeners import Listeners
from controlplane.log import NOTICE, Log, Seldom
from controlplane.ngcli import NgCli
from controlplane.operator import Operator
from controlplane.ports.reserved import reserve
from controlplane.proxy import Proxy
from controlplane.report.counters import Statistics
from controlplane.store.store import Store
from controlplane.store.store import create as create_store
from controlplane.renewal import Renewal
from controlplane.stall import Stall

_log = logging.getLogger("rtpengine.core")
_TICK = 1.0
"""Seconds between two readings of the engines' counters."""
_RENEWAL = 600.0
"""Seconds between two looks at the age of our DTLS certificate."""
_HASTE = 0.005
_ATTENTION = 0.1
"""Seconds by which a deadline of a call (learning, deletion, timeout) may be late; _HASTE: one of ICE."""


def accelerator_of(settings: Settings, relay: Relay) -> Accelerator | None:
    """What the settings ask for, as far as the host has it. ConfigError if it must be had and cannot."""
    if settings.accelerator == "kernel" and settings.table >= 0:
        return kernel_table(settings.table, settings.no_fallback, adopt=bool(settings.keep_flows))
    if settings.accelerator == "nfqueue":
        from controlplane.dataplane.nfqueue import NfQueue  # needs a library that others need not have
        try:
            return NfQueue(relay, settings.nfqueue_number)
        except OSError as error:
            if settings.no_fallback:
                raise ConfigError(f"no-fallback is set and NFQUEUE cannot be used: {error}") from None
            _log.error("NFQUEUE %d cannot be used: %s. All media stay in user space", settings.nfqueue_number, error)
    return None


class App:
    """Everything the daemon holds. Construct after going to the background: it starts threads."""

    def __init__(self, settings: Settings, log: Log):
        self._settings = settings
        self._log_levels = log
        resolver = system_resolver()
        specs, aliases = build_interfaces(settings, resolver)
        for warning in settings.warnings:
            _log.warning("%s", warning)
        for spec in specs:
            if not is_local(spec.address):
                _log.warning("Interface %s: this host does not have the address %s; calls cannot use it until "
                             "it has", spec.name, spec.address)
        if settings.reserve_ports:
            reserve((spec.port_min, spec.port_max) for spec in specs)
        self._relay = Relay(settings.num_threads)
        self._accelerator: Accelerator | None = None
        self._firewall: Firewall | None = None
        self._took_over = False
        self._silent_manager = Seldom()
        self._icmp: IcmpSockets | None = None
        self._listeners: Listeners | None = None
        self._store: Store | None = None
        try:
            self._accelerator = accelerator_of(settings, self._relay)
            self.proxy = Proxy(settings, self._relay, self._accelerator, specs, aliases, time.time)
            operator = Operator(self.proxy, log, time.time, self._set_control_tos)
            operator.store = self._store = create_store(
                settings, self.proxy, self.proxy.calls.settings.instance_id, time.time)
            commands = CliDispatcher(operator)
            self._renewal = Renewal(self.proxy, operator,
                                    lambda: self._listeners.certificates if self._listeners else [])
            self.proxy.add_command("cli", NgCli(commands.run))
            self._exporters = Exporters(settings, self.proxy, self._push)
            self._listeners = Listeners(settings, resolver, self.proxy, commands, time.time,
                                        self._exporters.ng_capture)
            self._media = ", ".join(f"{each.name}/{each.address} ports {each.port_min} to {each.port_max}"
                                    for each in self.proxy.interfaces())
            self._garbage = Garbage(lambda: len(self.proxy.calls.calls))
            self._stall = Stall(time.time)
            self._icmp = self.proxy.unreachable.source = IcmpSockets()
            self._feed_accelerator()
        except BaseException:
            self._release(bool(settings.keep_flows))
            raise

    def _go_on(self, path: Path) -> None:
        """Take over from the process before."""
        self._took_over = True
        count = take_calls(self.proxy, path)
        if count:
            _log.info("%d calls of the process before go on", count)

    def _push(self, message: bytes) -> None:
        if self._listeners is not None:
            self._listeners.push(message)

    def _set_control_tos(self, tos: int) -> None:
        if self._listeners is not None:
            self._listeners.set_tos(tos)

    def _feed_accelerator(self) -> None:
        """Lead packets to the accelerator: from network devices, else by the firewall rule."""
        settings = self._settings
        if self._accelerator is None:
            return
        if isinstance(self._accelerator, KernelTable) and settings.ingress_device:
            hook_devices(self._accelerator, settings.ingress_device)
            if not settings.iptables_rule:
                return
        self._feed_by_rule(settings)

    def _feed_by_rule(self, settings: Settings) -> None:
        """Install the rule if asked to; without the rule the accelerator would never see a packet, so look."""
        firewall = Firewall(rule_of(settings.accelerator, settings.table, settings.nfqueue_number),
                            settings.iptables_backend)
        if settings.iptables_rule:
            firewall.install()
            self._firewall = firewall
            return
        try:
            missing = firewall.missing_families()
        except ConfigError as error:
            _log.info("Cannot tell whether the firewall rule is there: %s", error)
            return
        for family in missing:
            _log.warning("No IPv%d firewall rule feeds the accelerator: 'rtpengine-ctl rule install' or option "
                         "iptables-rule puts it there", family)

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM; calls ``ready`` once everything listens."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        listeners = self._listeners
        assert listeners is not None, "closed"
        self._handle_signals(loop, ended)
        loop.add_reader(self._relay.fileno(), self.proxy.on_relay_events)
        loop.add_reader(self._relay.packets_fileno(), self.proxy.on_relay_packets)
        for tap in self.proxy.rtcp.taps:
            loop.add_reader(tap.fileno(), self._read_rtcp, loop, tap)
        if self._settings.keep_flows:
            self._go_on(Path(self._settings.keep_flows))
        if self._store is not None:
            self.proxy.attach(self._store)
            await self._store.start()
        self.proxy.all_restored()   # all calls that go on, wherever they come from, are here
        await listeners.start()
        self._exporters.start()
        timers = [asyncio.create_task(_every(_TICK, self._tick)),
                  asyncio.create_task(_every(_ATTENTION, self._deadlines)),
                  asyncio.create_task(_attend_paths(self.proxy)),
                  asyncio.create_task(_renew_certificate(self.proxy.calls.settings.identities)),
                  asyncio.create_task(_every(PERIOD, self._garbage.set_aside)),
                  asyncio.create_task(_flush_log(self.proxy.statistics)),
                  asyncio.create_task(_every(LOAD_INTERVAL, self.proxy.update_load))]
        if interval := notify.watchdog_interval():
            timers.append(asyncio.create_task(_every(interval, lambda: self._tell_manager(notify.WATCHDOG))))
        _log.info("Version %s listens %s, for media on %s", VERSION, listeners, self._media)
        ready()
        self._tell_manager(notify.READY)
        await ended.wait()
        self._tell_manager(notify.STOPPING)
        _log.info("Shutting down with %d calls", len(self.proxy.calls.calls))
        for timer in timers:
            timer.cancel()
        loop.remove_reader(self._relay.fileno())
        loop.remove_reader(self._relay.packets_fileno())
        for tap in self.proxy.rtcp.taps:
            loop.remove_reader(tap.fileno())
        await listeners.close()
        if self._store is not None:
            self.proxy.detach()
            await self._store.stop()
        await self._exporters.close()

    def _tick(self) -> Iterator[None]:
        """Read the counters, which is what ends a stall, and look after the calls."""
        if self._stall.lasts():
            yield from self.proxy.count_by_pieces()
            self._stall.counted()
        else:
            yield from self.proxy.tick_by_pieces()

    def _deadlines(self) -> Iterator[None]:
        return iter(()) if self._stall.lasts() else self.proxy.deadlines()

    def _read_rtcp(self, loop: asyncio.AbstractEventLoop, tap: RtcpTap) -> None:
        if not self.proxy.rtcp.read(tap):
            loop.remove_reader(tap.fileno())

    def _handle_signals(self, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        loop.add_signal_handler(signal.SIGHUP, self._renew)
        loop.add_signal_handler(signal.SIGUSR1, self._shift_log_levels, -1)
        loop.add_signal_handler(signal.SIGUSR2, self._shift_log_levels, 1)

    def _renew(self) -> None:
        """Read again what may change meanwhile."""
        self._tell_manager(notify.reloading(time.monotonic()))
        self._renewal.renew()
        self._tell_manager(notify.READY)

    def _shift_log_levels(self, by: int) -> None:
        self._log_levels.shift(by)
        _log.log(NOTICE, "Log level is now %d", self._log_levels.levels["core"])

    def _tell_manager(self, message: str) -> None:
        """Tell the service manager; the daemon works without one too."""
        try:
            notify.notify(message)
        except OSError as error:
            self._silent_manager.log(_log, logging.WARNING, "manager", "Cannot tell the service manager %s through "
                                     "NOTIFY_SOCKET: %s", message, error.strerror or error)

    def close(self) -> None:
        """End all calls, or leave them to the next process, and give back rule, table, ports and threads."""
        path = self._settings.keep_flows
        kept = bool(path) and (not self._took_over or self._leave(Path(path)))
        if not kept:
            self.proxy.end(list(self.proxy.calls.calls.values()))
        self.proxy.rtcp.close()
        self._release(kept)

    def _leave(self, path: Path) -> bool:
        """Write down all calls; False if that fails."""
        try:
            count = leave_calls(self.proxy, path)
        except OSError as error:
            _log.error("Cannot leave the calls to the next process: %s", error)
            return False
        _log.info("%d calls are left to the next process", count)
        return True

    def _release(self, kept: bool = False) -> None:
        """``kept``: whoever comes next needs rule and table as they are."""
        if self._listeners is not None:
            self._listeners.shut()
        firewall, engine = self._firewall if not kept else None, self._accelerator
        leave = engine.leave if kept and isinstance(engine, KernelTable) else engine and engine.close
        for what, release in (("firewall rule", firewall and firewall.remove), ("accelerator", leave),
                              ("relay", self._relay.shutdown), ("ICMP sockets", self._icmp and self._icmp.close)):
            try:
                if release:
                    release()
            except (ConfigError, OSError) as error:
                _log.error("Shutdown of the %s: %s", what, error)


async def _attend_paths(proxy: Proxy) -> None:
    """Let ICE go on in time; a failure is logged and does not end it."""
    while True:
        await asyncio.sleep(min(_ATTENTION, max(_HASTE, proxy.next_path_in())))
        try:
            proxy.on_path_deadline()
        except Exception:
            _log.exception("Failure in a timer")


async def _flush_log(statistics: Statistics) -> None:
    """Send on what the syslog did not take at once."""
    while True:
        await asyncio.sleep(LOCAL.pause())
        LOCAL.flush()
        statistics.lost_lines = LOCAL.lost


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """How to make the event loop: uvloop's where it is installed takes less for each request; None: Python's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _renew_certificate(identities: Identities) -> None:
    """Have another certificate for DTLS made in time, beside the loop; a failure is logged, and it is tried again."""
    while True:
        await asyncio.sleep(_RENEWAL)
        try:
            if identities.is_due(time.time()):
                identities.renew(await asyncio.to_thread(identities.make, time.time()))
                _log.info("New calls have a new DTLS certificate")
        except Exception:
            _log.exception("Failure in a timer")


async def _every(seconds: float, act: Callable[[], Iterator[None] | None]) -> None:
    """Call ``act`` regularly; others run between its pieces. A failure is logged and does not end it."""
    while True:
        await asyncio.sleep(seconds)
        try:
            for _ in act() or ():
                await asyncio.sleep(0)
        except Exception:
            _log.exception("Failure in a timer")


def run(settings: Settings, log: Log, detach: Callable[[], None] | None) -> None:
    """Be the daemon until told to stop. ConfigError if it cannot start.

    ``detach`` lets the process that started this one go, as soon as everything listens.
    """
    def ready() -> None:
        if settings.pidfile:
            process.write_pid_file(settings.pidfile)
        if detach is not None:
            log.detached()
            detach()

    process.raise_open_files()
    app = App(settings, log)
    try:
        with asyncio.Runner(loop_factory=_event_loop()) as runner:
            runner.run(app.run(ready))
    finally:
        app.close()
        if settings.pidfile:
            process.remove_pid_file(settings.pidfile)
