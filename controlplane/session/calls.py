# SPDX-License-Identifier: GPL-3.0-or-later
"""All calls: ng commands, packet sources and time come in, replies and changes for the engines go out."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from controlplane.addresses import Endpoint
from controlplane.errors import PeerError
from controlplane.events import ChangeSet, PacketHanded, SourceSeen, StreamStats, WantedTarget
from controlplane.ng.reply import LoadLimitReached
from controlplane.ng.request import Request
from controlplane.session import delete, learning, query, reporting, signalling, timeouts
from controlplane.session.agenda import Agenda
from controlplane.session.call import Call
from controlplane.session.connect import absorb
from controlplane.session.context import Context
from controlplane.session.fragments import Fragments
from controlplane.session.ice import Fragment, synchronize, trickle
from controlplane.session.latching import OutOfPorts
from controlplane.session.media import NOTHING_NOTED, Media
from controlplane.session.observer import Observer
from controlplane.session.paths import Paths
from controlplane.session.past import Past
from controlplane.session.piercing import PIERCE_INTERVAL, piercing
from controlplane.session.settings import SessionSettings
from controlplane.session.sockets import RandomSource, SocketPool
from controlplane.session.stages import note_stages
from controlplane.session.stream import Stream
from controlplane.session.trail import CLOSED, DELETED, ENDED, LEARNED, note_command
from controlplane.session.wanted import spare_targets, targets

DEFAULT_LIST_LIMIT = 32
_ID_BITS = 256
LONGEST_SLEEP = 30.0
"""A call is looked at at least this often (seconds), so that changed timeouts come to count."""
_NOT_FOUND = "Call-ID not found or tags didn't match"
Reply = dict[str, Any]


class Calls:
    """The calls by call-ID. ``settings`` may change at any time; times are Unix time in seconds.

    ``overload``, if set, names the limit that forbids further calls now, or returns None.
    """

    def __init__(self, settings: SessionSettings, sockets: SocketPool, random: RandomSource,
                 observer: Observer | None = None, overload: Callable[[], str | None] | None = None):
        self.settings = settings
        self.calls: dict[str, Call] = {}
        self.observer = observer
        self.overload = overload
        self._sockets = sockets
        self._random = random
        self._changes = ChangeSet()
        self._installed: dict[Endpoint, WantedTarget] = {}
        self._owners: dict[Endpoint, tuple[Call, Media, Stream]] = {}
        self._counting: dict[Endpoint, Stream] = {}
        self._closing: dict[Endpoint, Stream] = {}
        self.merged: dict[str, str] = {}
        self._agenda = Agenda()
        self._paths = Paths()
        self._fragments = Fragments()
        self.past = Past()

    def offer(self, request: Request, now: float) -> Reply:
        """ng ``offer``: the reply's keys. PeerError; LoadLimitReached if a new call is not allowed."""
        signalling.check(request, is_offer=True)
        if request.is_fragment:
            self._trickle(request, now)
            return {}
        call = self.find(str(request.call_id))
        if call is None:
            self._check_limits()
            call = self.find_or_create(request, now)
        else:
            note_command(call.trail, request, now)
        return self._exchange(call, request, True, now)

    def _trickle(self, request: Request, now: float) -> None:
        """Candidates for a party; one that is not known may be about to appear."""
        fragment = Fragment.read(request)
        call = self.find(fragment.call_id)
        if call is not None and trickle(call, fragment):
            self._synchronize(call, now)
        else:
            self._fragments.keep(fragment, now)

    def _synchronize(self, call: Call, now: float) -> None:
        """Signalling is over: the agents of the call go on from there."""
        if self._fragments.waiting:
            self._fragments.hand_over(call, self.find, now)
        for media in call.medias:
            if (media.ice is not None or media.dtls is not None) and media.mapping is not None:
                synchronize(media, self.settings.instance_id, now)
                self._paths.watch(call, media, now)
            if media.keys is not None or media.noted is not NOTHING_NOTED:
                note_stages(call, media, now)

    def find(self, call_id: str) -> Call | None:
        """The call with this ID, which may have been merged into another one."""
        return self.calls.get(call_id) or self.calls.get(self.merged.get(call_id, call_id))

    def find_or_create(self, request: Request, now: float) -> Call:
        """The call of the request, which is created if need be; without a call-ID one is made up."""
        call_id = f"{self._random.getrandbits(_ID_BITS):064x}" if request.call_id is None else request.call_id
        call = self.find(call_id)
        if call is None:
            call = self.calls[call_id] = Call(call_id, now, request.created_from, now, self.settings.tos)
            note_command(call.trail, request, now)
        return call

    def carry_out(self, call: Call, request: Request, command: Callable[[Context], Reply], now: float) -> Reply:
        """Have ``command`` change ``call``; its reply. PeerError; OutOfPorts ends a call in which nobody talks yet."""
        talked = call.talks
        try:
            return command(Context(call, request, self.settings, self._sockets, self._random, now))
        except OutOfPorts:
            if not talked:
                self.terminate(call, now, timeouts.UNKNOWN)
            raise
        finally:
            self.changed(call, now, now)

    def changed(self, call: Call, since: float, now: float) -> None:
        """After a command: sources are learned anew, and the engines told; ``since`` is when learning began."""
        if call.wake_at != inf:
            call.relearn_at = since + learning.WINDOW
            self._synchronize(call, now)
            self._refresh(call, report_sources=True)
            self._wake(call, now, self._pierce(call, now, call.relearn_at))

    def relinked(self, call: Call, now: float) -> None:
        """Who gets whose packets has changed: sources are learned anew, and the engines told."""
        for media in call.medias:
            for stream in media.streams:
                stream.confirmed = media.ice is not None
        self.changed(call, now, now)

    def merge(self, call: Call, other: Call, collision: str) -> None:
        """Make ``other`` a part of ``call``, known by both IDs. PeerError with ``collision`` if tags are used twice."""
        if other is call:
            return
        absorb(call, other, collision)
        del self.calls[other.call_id]
        other.wake_at = inf
        self.merged.update(dict.fromkeys(call.aliases, call.call_id))
        if self.observer is not None:
            self.observer.session_merged(other)

    def answer(self, request: Request, now: float) -> Reply:
        """ng ``answer``: the reply's keys. PeerError."""
        signalling.check(request, is_offer=False)
        call = self._known(request)
        note_command(call.trail, request, now)
        return self._exchange(call, request, False, now)

    def _exchange(self, call: Call, request: Request, is_offer: bool, now: float) -> Reply:
        talked = call.talks
        try:
            return signalling.carry_out(call, request, is_offer, self.settings, self._sockets, self._random, now)
        except OutOfPorts:
            if not talked:
                self.terminate(call, now, timeouts.UNKNOWN)
            raise
        finally:
            self.changed(call, call.last_signal, now)

    def delete(self, request: Request, now: float) -> Reply:
        """ng ``delete``: the reply's keys. PeerError if nothing matches and the flag ``fatal`` is given."""
        if request.call_id is None:
            raise PeerError("No call-id in message")
        call = self.find(request.call_id)
        if call is None:
            self.past.late(request, now)
        else:
            note_command(call.trail, request, now)
        reply = delete.carry_out(call, request, self.settings, now) if call is not None else None
        if call is None or reply is None:
            if "fatal" in request.flags:
                raise PeerError(_NOT_FOUND)
            return {"warning": _NOT_FOUND}
        self._attend(call, now)
        return reply

    def query(self, request: Request) -> Reply:
        """ng ``query``: the reply's keys. PeerError if the call is unknown."""
        return query.call_reply(self._known(request), request.to_tag or request.from_tag,
                                self.settings.ssrc_reporting, self.settings.scale)

    def list(self, request: Request) -> Reply:
        """ng ``list``: the call-IDs, at most as many as ``limit`` says. PeerError if it is negative."""
        limit = DEFAULT_LIST_LIMIT if request.limit is None else request.limit
        if limit < 0:
            raise PeerError("invalid limit, must be >= 0")
        return {"calls": [call_id for call_id, _ in zip(self.calls, range(limit))]}

    def sockets_of(self, call: Call) -> tuple[Endpoint, ...]:
        """The local sockets whose statistics concern ``call``."""
        return tuple([local for media in call.medias for mapping in media.mappings for local in mapping.sockets])

    def terminate(self, call: Call, now: float, reason: str = timeouts.FORCED) -> None:
        """Destroy a call at once."""
        if self.calls.pop(call.call_id, None) is None:
            return
        for call_id in call.aliases:
            self.merged.pop(call_id, None)
        if reason == timeouts.FORCED and call.deleted_at is not None:
            reason = timeouts.REGULAR  # it was over before
        call.end(now)
        if self.observer is not None:
            self.observer.session_ended(call, reason, now)
        call.trail.note(now, ENDED, (reason,))
        self.past.keep(call, reason, now)
        call.close()
        for local in call.released:  # nobody will ask what the streams have counted
            self._counting.pop(local, None)
        call.wake_at = inf
        self._report_closed(call)
        call.come_apart()

    def on_source(self, event: SourceSeen) -> None:
        """A packet came from a source not reported before; RTCP says nothing about where RTP comes from."""
        owner = self._owners.get(event.local)
        if owner is None or (event.is_rtcp and owner[2].is_rtp):
            return
        call, media, stream = owner
        confirmed = stream.confirmed
        first = media.handling.nat_wait and not stream.received
        stream.received = True
        endpoint = stream.endpoint
        held = learning.is_held(media, stream)
        if not learning.observe(stream, media.handling, event.source, event.at, call.last_signal, held):
            if first:
                self._refresh(call)
            return
        call.trail.note(event.at, LEARNED, (event.local, event.source, endpoint, stream.endpoint, stream.confirmed))
        index = media.streams.index(stream)
        others = [peer.streams[index] for peer in media.peers if index < len(peer.streams)]
        if confirmed:  # and now it is not: the other side learns anew as well
            for other in others:
                other.unconfirm()
        elif stream.confirmed and media.handling.unidirectional:
            for other in others:
                other.confirmed = other.filled
        self._refresh(call)

    def on_packet(self, event: PacketHanded) -> None:
        """A packet that is neither RTP nor RTCP has come to a medium that wants to know of it."""
        call = self._paths.receive(event)
        if call is not None:
            self._refresh(call)

    def update_stats(self, stats: Mapping[Endpoint, StreamStats], now: float) -> None:
        """Take over what the engines counted, by local socket; of those just closed for the last time."""
        counting, closing = self._counting, self._closing
        for local, counted in stats.items():
            stream = counting.get(local)
            if stream is not None:
                stream.count(local, counted)
            if closing and (stream := closing.pop(local, None)) is not None:
                stream.count(local, counted)
                stream.forget(local)

    def deadline(self) -> float | None:
        """When ``on_deadline`` is to be called next; None if there is no call."""
        return self._agenda.next_at

    @property
    def next_path_at(self) -> float:
        """When ICE has something to do."""
        return self._paths.deadline()

    def on_path_deadline(self, now: float) -> None:
        """Let ICE go on whose time has come."""
        for call in self._paths.on_time(now):
            self._refresh(call)

    def on_deadline(self, now: float, most: int | None = None) -> bool:
        """Look after the calls whose time has come, at most so many; True if there are more."""
        attended = 0
        while self._agenda.is_due(now):
            if attended == most:
                return True
            call = self._agenda.take(self.calls)
            if call is not None:
                self._attend(call, now)
                attended += 1
        return False

    def recheck(self, now: float) -> None:
        """The timeouts have changed: look at all calls."""
        for call in list(self.calls.values()):
            self._attend(call, now)

    def take_changes(self) -> ChangeSet:
        """What the engines are to do since the last time."""
        changes, self._changes = self._changes, ChangeSet()
        self._paths.give(changes)
        for local in [local for local in self._closing if local not in changes.closed]:
            self._closing.pop(local).forget(local)
        return changes

    def _known(self, request: Request) -> Call:
        if request.call_id is None:
            raise PeerError("No call-id in message")
        call = self.find(request.call_id)
        if call is None:
            raise PeerError("Unknown call-id")
        return call

    def full(self) -> bool:
        """True while there are as many own calls as there may be."""
        most = self.settings.max_sessions
        return 0 <= most <= len(self.calls) and most <= sum([not call.foreign for call in self.calls.values()])

    def _check_limits(self) -> None:
        if self.full():
            if self.observer is not None:
                self.observer.session_rejected()
            raise LoadLimitReached("Parallel session limit reached")
        reason = self.overload() if self.overload is not None else None
        if reason is not None:
            raise LoadLimitReached(reason)

    def _attend(self, call: Call, now: float) -> None:
        """Everything that time does to a call."""
        verdict = timeouts.judge(call, self.settings, now)
        if verdict.reason is not None:
            self.terminate(call, now, verdict.reason)
            return
        timeouts.warn(call, verdict, now)
        again = call.relearn_at is not None and now >= call.relearn_at
        if again:
            call.relearn_at = None
        for party in call.parties:
            if party.deletion_at is not None and party.deletion_at <= now and call.close_party(party):
                call.trail.note(now, DELETED, (party.tag,))
        self._refresh(call, report_sources=again)
        if now >= call.report_at:
            self._report(call, now)
        self._wake(call, now, self._pierce(call, now, verdict.next_at))

    def _wake(self, call: Call, now: float, at: float) -> None:
        """Put the call on the agenda, unless it stands there for an earlier time."""
        self._agenda.put(call, min(at, now + LONGEST_SLEEP, call.report_at,
                                   call.relearn_at if call.relearn_at is not None else inf))

    def _refresh(self, call: Call, *, report_sources: bool = False) -> None:
        """Note what has changed for the engines, which need not know of sockets that nobody has been told of yet.

        ``report_sources`` has the present sources reported again.
        """
        self._report_closed(call)
        for media, stream, target in targets(call, self.settings.reports_events or call.dtmf_log is not None):
            if stream.local == target.local:
                self._owners[target.local] = (call, media, stream)
                self._counting[target.local] = stream
            if stream.public or target.rtp_outputs or target.rtcp_outputs or target.local in self._installed:
                self._want(target, again=report_sources and target.learning)
        for target in spare_targets(call):
            self._owners.pop(target.local, None)
            self._want(target)

    def _want(self, target: WantedTarget, *, again: bool = False) -> None:
        if again or self._installed.get(target.local) != target:
            self._installed[target.local] = self._changes.wanted[target.local] = target

    def _pierce(self, call: Call, now: float, at: float) -> float:
        """Send what opens the way to parties; ``at``, or when that is to be done again if that is earlier."""
        packets = piercing(call)
        self._changes.datagrams += packets
        return min(at, now + PIERCE_INTERVAL) if packets else at

    def _report(self, call: Call, now: float) -> None:
        """Send RTCP of our own, of the counters at this moment; not at the same time for all calls (RFC 3550 6.3)."""
        if self.observer is not None:
            self.observer.refresh(call)
        self._changes.datagrams += reporting.reports(call, now, self.settings.instance_id)
        call.report_at = now + self.settings.rtcp_interval / 1000 + self._random.getrandbits(10) / 1024

    def owner(self, local: Endpoint) -> tuple[Call, Media] | None:
        """The call and the medium that the socket serves now."""
        found = self._owners.get(local)
        return found and found[:2]

    def _report_closed(self, call: Call) -> None:
        if call.released and call.wake_at != inf:
            call.trail.also(CLOSED, tuple(call.released))
        for local in call.released:
            self._owners.pop(local, None)
            self._paths.forget(local)
            self._installed.pop(local, None)
            counting = self._counting.pop(local, None)
            if counting is not None:
                self._closing[local] = counting
            self._changes.wanted.pop(local, None)
        self._changes.closed += call.released
        call.released.clear()
