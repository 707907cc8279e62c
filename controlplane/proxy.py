# SPDX-License-Identifier: GPL-3.0-or-later
"""The assembled proxy without its listeners: requests in, replies out, engines kept at what the sessions want."""
from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from controlplane.admission import Admission
from controlplane.addresses import Endpoint
from controlplane.config.interfaces import InterfaceSpec
from controlplane.config.settings import Settings
from controlplane.dataplane.indices import Indices
from controlplane.dataplane.look import Look
from controlplane.dataplane.program import Program
from controlplane.dataplane.relay import Relay
from controlplane.dataplane.selector import Accelerator, adopted_by
from controlplane.dtls.identity import Identities, IdentityOptions
from controlplane.errors import DataPlaneError
from controlplane.events import SocketFailed
from controlplane.hostload import HostLoad
from controlplane.log import Seldom
from controlplane.ng.cookies import CookieCache
from controlplane.ng.dispatch import Answer, Dispatcher, Handler, Hooks
from controlplane.ng.reply import Reply
from controlplane.ng.request import Request
from controlplane.nglog import call_ended, logged, repeated
from controlplane.noting import Notes
from controlplane.persist.document import read_call, write_call
from controlplane.persist.kinds import Document, Plain
from controlplane.persist.sockets import Surroundings
from controlplane.ports.sockets import Sockets
from controlplane.report import json as report_json
from controlplane.report import snapshot
from controlplane.report.counters import Statistics
from controlplane.report.model import PortUsage
from controlplane.rtcp.mos import Scale
from controlplane.rtcpfeed import RtcpFeed
from controlplane.session import timeouts
from controlplane.session.adoption import adopt
from controlplane.session.call import Call
from controlplane.session.calls import Calls
from controlplane.session.commands import COMMANDS, Command
from controlplane.session.settings import SessionSettings
from controlplane.standing import states, with_states
from controlplane.storing import Store, Storing
from controlplane.unreachable import Unreachable

_log = logging.getLogger("rtpengine.core")
_control = logging.getLogger("rtpengine.control")

SESSION_SETTINGS = ("timeout", "silent_timeout", "offer_timeout", "final_timeout", "delete_delay", "max_sessions",
                    "tos", "endpoint_learning", "sip_source", "reject_invalid_sdp", "rtcp_interval", "ssrc_reporting",
                    "dtls_passive")
"""The options that the sessions read; attributes of both Settings and SessionSettings."""


_CHANGING_NOTHING = ("ping", "query", "list", "statistics")
_CALLS_AT_ONCE = 32
"""Calls looked after before requests are served again."""


def _identities(settings: Settings, now: float) -> Identities:
    """Our certificates as the options want them; the first is made at once. ConfigError."""
    options = IdentityOptions(settings.dtls_cert_cipher, settings.dtls_rsa_key_size, settings.dtls_signature,
                              settings.dtls_ciphers, settings.dtls_mtu)
    if options.is_weak:
        _log.warning("dtls-signature=%s: nobody accepts such certificates any more, ours is signed with SHA-256",
                     settings.dtls_signature)
    identities = Identities(options)
    identities.current(now)
    return identities


class Proxy:
    """Sessions, ports, engines and counters, wired together.

    ``clock`` gives Unix time in seconds. After every method the engines hold what the sessions want. ``watchers``
    are told of each call that ends: why, and when.
    """

    def __init__(self, settings: Settings, relay: Relay, accelerator: Accelerator | None,
                 specs: Sequence[InterfaceSpec], aliases: Mapping[str, str], clock: Callable[[], float]):
        self.settings = settings
        self.statistics = Statistics(clock())
        self.watchers: list[Callable[[Call, str, float], None]] = []
        self._clock = clock
        self._relay = relay
        self.admission = Admission(HostLoad(), self.statistics)
        self._seldom = Seldom()
        self._fresh: str | None = None
        """The call whose counters were read just now."""
        self._random = source = random.SystemRandom()
        self._sockets = Sockets(specs, aliases, source, relay.open, relay.close)
        session_settings = SessionSettings(instance_id=f"{source.getrandbits(48):012x}", identities=_identities(
            settings, clock()), scale=Scale(settings.mos) if settings.measure_rtp else None)
        self.calls = Calls(session_settings, self._sockets, source, self, self.admission.refusal)
        self.admission.calls = self.calls.calls
        self._storing = Storing(self.calls)
        self._notes = Notes(self.calls, clock)
        self.unreachable = Unreachable(self.calls, clock)
        self.rtcp = RtcpFeed(self.calls, self.statistics, Scale(settings.mos), self.refresh, clock)
        self._program = Program(relay, accelerator, self._sockets.release, self.rtcp.tap, adopted_by(accelerator))
        self.settings_changed()
        hooks = Hooks(self.statistics.ng_request, self._warn, repeated, self._bug)
        handlers = {command: self._logged(command, handler) for command, handler in self._handlers().items()}
        self._templates: dict[str, str] = {}
        self.renew_templates(settings)
        self._dispatcher = Dispatcher(handlers, CookieCache(clock()), time.perf_counter, hooks, self._templates)

    def _logged(self, command: str, handler: Handler) -> Handler:
        return logged(command, handler, refused=None if command in _CHANGING_NOTHING else self._notes.refused)

    def _handlers(self) -> dict[str, Handler]:
        return {
            "ping": self.admission.ping,
            "offer": lambda request: self.calls.offer(request, self._clock()),
            "answer": lambda request: self.calls.answer(request, self._clock()),
            "delete": self._delete,
            "query": self._query,
            "list": self.calls.list,
            "statistics": lambda request: {"statistics": report_json.document(self.snapshot())},
            **{command: self._changing(change) for command, change in COMMANDS.items()},
        }

    def _changing(self, change: Command) -> Handler:
        """The handler of a command that changes who gets whose packets; what was counted before must not be lost."""
        def handle(request: Request) -> Reply:
            for call_id in (request.call_id, request.to_call_id, *request.calls):
                self._refresh_stats(call_id)
            self._notes.request(request)
            return change(self.calls, request, self._clock())
        return handle

    def attach(self, store: Store) -> None:
        """Tell ``store`` of all calls from now on."""
        self._storing.store = store
        for command, handler in self._handlers().items():
            if command not in _CHANGING_NOTHING:
                self.add_command(command, self._storing.storing(handler))

    def detach(self) -> None:
        """What is stored stays as it is."""
        self._storing.store = None

    def add_command(self, command: str, handler: Handler) -> None:
        """Serve one more ng command."""
        self._dispatcher.add(command, self._logged(command, handler))

    def ng_message(self, data: bytes, source: str, now: float) -> Answer | None:
        """The reply to an ng message with a cookie; the engines are up to date before it leaves."""
        reply = self._dispatcher.message(data, source, now)
        self._apply()
        self._storing.unstored = None
        return reply

    def ng_plain(self, payload: bytes, source: str, now: float) -> Answer:
        """The reply to an ng message without a cookie, which is executed however often it comes."""
        reply = self._dispatcher.plain(payload, source, now)
        self._apply()
        self._storing.unstored = None
        return reply

    def _delete(self, request: Request) -> Reply:
        self._refresh_stats(request.call_id)
        self._fresh = request.call_id
        try:
            return self.calls.delete(request, self._clock())
        finally:
            self._fresh = None

    def _query(self, request: Request) -> Reply:
        self._refresh_stats(request.call_id)
        self.unreachable.hear()
        reply, call = self.calls.query(request), self.calls.find(request.call_id or "")
        return with_states(reply, states(call, self.look)) if call is not None else reply

    def _refresh_stats(self, call_id: str | None) -> None:
        call = self.calls.find(call_id) if call_id is not None else None
        if call is not None:
            self.refresh(call)

    def refresh(self, call: Call) -> None:
        """Read the counters of one call now."""
        stats = {local: self._program.stream_stats(local) for local in self.calls.sockets_of(call)}
        self.calls.update_stats(stats, self._clock())

    def look(self, local: Endpoint) -> Look:
        """What the engines do with one socket now. DataPlaneError."""
        return self._program.look(local)._replace(unreachable=self.unreachable.of(local))

    def on_relay_events(self) -> None:
        """Packet sources to learn from and failed sockets, as the relay reports them."""
        for event in self._relay.events():
            if isinstance(event, SocketFailed):
                error = DataPlaneError(event.errno, "receive")
                _log.error("Media socket %s failed: %s", event.local, error)
                self._notes.failed(event.local, error)
            else:
                self.calls.on_source(event)
        self._apply()

    def on_relay_packets(self) -> None:
        """Packets of protocols that the sessions speak themselves."""
        for packet in self._relay.packets():
            self.calls.on_packet(packet)
        self._apply()

    def tick(self) -> None:
        """Once a second: counters from the engines to the calls and the statistics, and what time does to calls."""
        for _ in self.tick_by_pieces():
            pass

    def tick_by_pieces(self) -> Iterator[None]:
        """The same a few milliseconds at a time; anything may be served in between."""
        yield from self.count_by_pieces()
        self.statistics.demoted = self._program.watch.demoted
        self.statistics.tick(self._clock())
        if self.settings.measure_rtp:
            yield from self.rtcp.measure(self._clock())
        yield from self.statistics.census.take(self.calls.calls, self._clock())
        yield from self.deadlines()

    def count_by_pieces(self) -> Iterator[None]:
        """Read the engines' counters alone, some at a time."""
        for stats in self._program.stats():
            self.calls.update_stats(stats, self._clock())
            self.statistics.account(stats)
            yield
        self.unreachable.hear()
        if self._program.moves:
            self._notes.moved(self._program.take_moves())

    def on_deadline(self) -> None:
        """Look after the calls whose time has come."""
        for _ in self.deadlines():
            pass

    def deadlines(self) -> Iterator[None]:
        """The same, some calls at a time."""
        while self.calls.on_deadline(self._clock(), _CALLS_AT_ONCE):
            self._apply()
            yield
        self._apply()

    def on_path_deadline(self) -> None:
        """Let ICE go on whose time has come."""
        now = self._clock()
        if self.calls.next_path_at <= now:
            self.calls.on_path_deadline(now)
            self._apply()

    def next_path_in(self) -> float:
        """Seconds until ICE has something to do."""
        return self.calls.next_path_at - self._clock()

    def update_load(self) -> None:
        """Look at how busy the host is."""
        self.admission.update()

    def unready(self) -> str | None:
        """Why new calls would be refused now; None if they would be taken."""
        return self.admission.unready(self.calls.full())

    def renew_templates(self, settings: Settings) -> None:
        """Use the signalling templates of these settings from now on."""
        self._templates.clear()
        self._templates.update(settings.template_lines())
        if settings.templates and not self._templates:
            _log.warning("There are no templates in section [%s] of %s", settings.templates, settings.file.path)

    def settings_changed(self) -> None:
        """Hand the settings to the sessions."""
        for name in SESSION_SETTINGS:
            setattr(self.calls.settings, name, getattr(self.settings, name))
        self.admission.limit(self.settings)
        self.calls.recheck(self._clock())
        self._apply()

    def interfaces(self) -> Sequence[PortUsage]:
        """The local addresses with their ports in use, in the order of the settings."""
        return self._sockets.usage()

    def snapshot(self) -> snapshot.Snapshot:
        """All statistics as they are now."""
        return snapshot.take(_Sources(self), self.statistics, self._clock())

    def end(self, calls: list[Call], reason: str = timeouts.FORCED, why: str = "") -> None:
        """Destroy calls at once; ``why`` is noted."""
        for call in calls:
            if why:
                self._notes.terminated(call, why)
            self.calls.terminate(call, self._clock(), reason)
        self._apply()

    def all_calls(self) -> dict[str, Call]:
        """Those there are, by call-ID."""
        return self.calls.calls

    def document(self, call: Call) -> Document:
        """All that another process needs to go on with a call."""
        self.refresh(call)
        return write_call(call, self._program.indices_of(self.calls.sockets_of(call)).export())

    def restore(self, document: Plain, foreign: bool = False) -> Call:
        """Go on with a call of another process. PeerError if that is not possible, which changes nothing."""
        now = self._clock()
        around = Surroundings(self.calls.settings, self._sockets, self._random, now)
        call, indices = read_call(document, around)
        call.foreign = foreign
        try:
            adopt(self.calls, call, now)
        except BaseException:
            around.claimed.give_back()
            raise
        carried = Indices()
        carried.load(indices)
        self._apply(carried)
        return call

    def all_restored(self) -> None:
        """What an earlier process has left in the accelerator for calls that nobody restored ends now."""
        self._program.claimed()

    def session_rejected(self) -> None:
        """An offer was refused by the session limit."""
        self.statistics.session_rejected()

    def session_merged(self, call: Call) -> None:
        """A call has become a part of another one, with which it is stored from now on."""
        self._storing.ended(call)

    def session_ended(self, call: Call, reason: str, now: float) -> None:
        """A call is about to lose its sockets: read their counters a last time."""
        if call.call_id != self._fresh:
            self.refresh(call)
        self._storing.ended(call)
        self.statistics.session_ended(call, reason, now)
        if not call.foreign:
            call_ended(call, reason, now)
        for watch in self.watchers:
            try:
                watch(call, reason, now)
            except Exception:   # whoever looks on must not keep the sockets open
                _log.exception("Failure while the end of call %r is exported", call.call_id[:80])

    def _apply(self, carried: Indices | None = None) -> None:
        changes = self.calls.take_changes()
        if not changes:
            return
        if changes.closed:
            last = {local: self._program.stream_stats(local) for local in changes.closed}
            self.calls.update_stats(last, self._clock())
            self.statistics.account(last)
        self._program.apply(changes, carried)
        if self._program.moves:
            self._notes.moved(self._program.take_moves())
        if changes.wanted:
            self._storing.owners_changed(changes.wanted)
        for local, destination, data in changes.datagrams:
            try:
                self._relay.send(local, destination, data)
                self.rtcp.sent(local, destination, data)
            except DataPlaneError as error:
                _log.debug("%s", error)
        for local in changes.closed:
            self.statistics.forget(local)

    def _warn(self, kind: str, line: str) -> None:
        if kind:
            self._seldom.log(_control, logging.WARNING, kind, "%s", line)
        else:
            _control.warning("%s", line)

    def _bug(self, what: str, error: Exception) -> None:
        _log.error("Internal error while %s", what, exc_info=error)


class _Sources:
    """What the reports read."""

    def __init__(self, proxy: Proxy):
        self._proxy = proxy

    def calls(self) -> dict[str, Call]:
        return self._proxy.calls.calls

    def interfaces(self) -> Sequence[PortUsage]:
        return self._proxy.interfaces()
