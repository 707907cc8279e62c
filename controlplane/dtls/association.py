# SPDX-License-Identifier: GPL-3.0-or-later
"""The DTLS association of one socket with one peer (RFC 5763): who may end a handshake, and what comes of it.

Every ClientHello has a handshake of its own, and only one whose certificate is the announced one counts: whatever
others send ends nothing and changes nothing, even under the peer's address. The same holds for a second handshake with
the same peer: the keys of the first last until the other has succeeded.

A source that has not shown that it receives what we send is sent nothing but a request for a cookie, which is shorter
than any ClientHello, and nothing is kept of it (RFC 6347 section 4.2.1). Where ICE has checked the path there is no
need of that, unless many begin at once. The cookie is of the source alone: whoever sends a ClientHello under the peer's
address has it told the same.

Where we begin a request for a cookie may be anybody's, too. If no certificate comes for a while it is believed, but
another handshake has begun meanwhile that goes on without a cookie.
"""
from __future__ import annotations

import hmac
from enum import Enum
from math import inf

from controlplane.addresses import Endpoint
from controlplane.dtls.fingerprint import Fingerprint, is_one_of
from controlplane.dtls.handshake import Handshake
from controlplane.dtls.identity import Identity
from controlplane.dtls.keys import SessionKeys
from controlplane.dtls.records import client_random, cookie_of, hello_verify, without_clear_alerts
from controlplane.events import Datagram

PATIENCE = 30.0
"""Seconds from the begin of handshakes until they are given up."""
MAX_HANDSHAKES = 32
"""At the rate at which the relay hands up ClientHellos with cookies (200 a second) those who have got some need 0.16 s
to push a handshake out: longer than a real peer takes to answer. Each takes 66 kB.
"""
MAX_UNASKED = 4
"""ClientHellos in a second until cookies are asked for even where ICE has checked the path."""
COOKIE_DELAY = 0.3
"""Seconds that a request for a cookie waits for the peer to say that it wants none, and after that:"""
COOKIE_PATIENCE = 2.0
"""Seconds for the peer to go on with the cookie, until it is asked for another one."""
_AGAIN = 1.0        # seconds after a handshake of ours has failed
_KNOCKING = 0.5     # seconds until a ClientHello is repeated first, and at most:
_SLOWEST = 3.0
_MISMATCH = "the peer's certificate is not the one whose fingerprint was signalled"
Key = tuple[Endpoint, bytes]
"""Of a handshake: the source, and the random bytes of its ClientHello; if that is ours none or, of
the second of two, _SECOND."""
_SECOND = b"for cookies"


class Role(Enum):
    """RFC 4145: the active side sends the ClientHello."""

    ACTIVE = "active"
    PASSIVE = "passive"


class Phase(Enum):
    """How far an association has come; the values are for people."""

    WAITING = "waits to know who begins, and where the peer is"
    HANDSHAKING = "shakes hands"
    UNVERIFIED = "has keys, but no fingerprint to verify the peer's certificate by"
    ESTABLISHED = "established"
    CLOSED = "closed by the peer"
    FAILED = "failed"


class Association:
    """Times are Unix time in seconds; after each call ``take_datagrams`` has what is to be sent.

    ``keys`` are those of the last handshake that a validated peer completed, ``peer`` is where it is; ``reason`` says
    what went wrong last. Call ``on_time`` at ``next_at``.
    """

    def __init__(self, identity: Identity):
        self.identity = identity
        self.role: Role | None = None
        self.phase = Phase.WAITING
        self.reason = ""
        self.keys: SessionKeys | None = None
        self.peer: Endpoint | None = None
        self._fingerprints: tuple[Fingerprint, ...] = ()
        self._local: Endpoint | None = None
        self._checked = False
        self._expected: Endpoint | None = None
        self._renewing = False
        self._current: Handshake | None = None
        self._handshakes: dict[Key, Handshake] = {}
        self._early: dict[Endpoint, bytes] = {}
        self._datagrams: list[Datagram] = []
        self._ends = inf
        self._again = inf
        self._repeat_at = inf
        self._knock_at = inf
        self._knock_wait = _KNOCKING
        self._believe_at = inf
        self._is_greeted = False
        self._unasked = 0
        self._unasked_since = -inf

    @property
    def why(self) -> str:
        """What went wrong last or, if nothing did and there are no keys, what has not come."""
        begun = [each for each in self._handshakes.values() if each.heard]
        if self.reason or begun or self.phase is not Phase.HANDSHAKING:
            return self.reason
        if self.role is Role.ACTIVE:
            return f"{self._expected} has not answered our ClientHello"
        return "no ClientHello has come" + " with the cookie that we ask for" * self._is_greeted

    # --- what signalling says ---

    def set_fingerprints(self, fingerprints: tuple[Fingerprint, ...], now: float) -> None:
        """The peer's certificate has one of these. They may come after the handshake."""
        self._fingerprints = fingerprints
        self._conclude_all(now)

    def set_role(self, role: Role, now: float) -> None:
        """Who begins. ClientHellos that came too early are looked at now, if the peer is to send them."""
        if self.role is role:
            return
        self.role = role
        if self._goes_on:
            return
        self._handshakes.clear()
        early, self._early = self._early, {}
        if role is Role.PASSIVE:
            self._begin(now)
            for source, data in early.items():
                self.receive(data, source, now)
        elif self._expected is not None:
            self._call(now)

    def set_path(self, local: Endpoint, endpoint: Endpoint | None, now: float, *, checked: bool = False) -> None:
        """Our socket, and where the peer is expected to be; the active side begins as soon as it knows.

        ``checked``: ICE lets nothing come but from where the peer receives.
        """
        self._local = local
        self._checked = checked
        if self._expected == endpoint or endpoint is None:
            return
        self._expected = endpoint
        if self.keys is not None:
            self.peer = endpoint    # it has moved, and goes on where it was
        if not self._goes_on and self.role is Role.ACTIVE:
            self._call(now)

    def begin_again(self, now: float) -> None:
        """Signalling has gone on: a peer that did not listen before, as its phone rang, may do so now."""
        if self.keys is not None or self.role is None or any(each.heard for each in self._handshakes.values()):
            return
        self._begin(now)
        if self.role is Role.ACTIVE and not self._handshakes:
            self._call(now)
        elif self.role is Role.ACTIVE:
            self._knock(now, _KNOCKING)

    def renew(self) -> None:
        """The peer may want another handshake, or not: if none succeeds, everything is as it was."""
        if self.keys is not None:
            self.role, self._expected = None, None
            self._handshakes.clear()
            self._renewing = True

    @property
    def _goes_on(self) -> bool:
        """True if there is nothing more to be agreed on."""
        return self.keys is not None and not self._renewing

    def resume(self, keys: SessionKeys, peer: Endpoint | None, role: Role | None) -> None:
        """Go on after the handshake of another process, which nothing can be said in any more but its keys."""
        self.keys, self.peer, self.role = keys, peer, role
        self.phase = Phase.ESTABLISHED

    # --- packets ---

    def receive(self, data: bytes, source: Endpoint, now: float) -> None:
        """A packet of DTLS that came to our socket; anything wrong with it is as if it had not come."""
        if self._local is None:
            return
        data, alert = without_clear_alerts(data)
        if alert is not None and self.keys is None:
            self.reason = f"somebody says that the peer refuses: alert {alert}"
        if not data:
            return
        hello = client_random(data)
        if self.role is None:
            if hello is not None and (source in self._early or len(self._early) < MAX_HANDSHAKES):
                self._early[source] = data
            return
        if hello is not None and self.role is Role.PASSIVE:
            self._greeted(data, source, hello, now)
        else:
            self._feed(data, source, now)

    def _greeted(self, data: bytes, source: Endpoint, hello: bytes, now: float) -> None:
        """A ClientHello. If it is one that we have answered the answer was lost; else a handshake begins."""
        if source == self.peer and self._current is not None and hello == self._current.client_random:
            return
        known = self._handshakes.get((source, hello))
        if known is not None:
            if not known.is_answered:
                self._send(source, known.first)
            return
        cookie = self.identity.cookie(source)
        has_cookie = hmac.compare_digest(cookie, cookie_of(data))
        self._is_greeted = True
        if not has_cookie and (not self._checked or self._is_crowded(now)):
            self._send(source, [hello_verify(cookie)])
            return
        if self._ends == inf:
            self._begin(now)
        self._make_room()
        handshake = self._handshakes[source, hello] = Handshake(
            self.identity, is_client=False, has_cookie=has_cookie)
        handshake.receive(data, self._fingerprints)
        self._look_after((source, hello), handshake, now)

    def _is_crowded(self, now: float) -> bool:
        """True if more handshakes begin than a peer has a reason to."""
        if not 0 <= now - self._unasked_since < 1:
            self._unasked, self._unasked_since = 0, now
        self._unasked += 1
        return self._unasked > MAX_UNASKED

    def _feed(self, data: bytes, source: Endpoint, now: float) -> None:
        """Packets do not tell which handshake they are part of; those that are not meant fail or take no notice."""
        meant = [(key, handshake) for key, handshake in self._handshakes.items() if key[0] == source]
        if source == self.peer and self._current is not None:
            meant.append(((source, b""), self._current))
        for key, handshake in meant:
            if handshake is self._current or key in self._handshakes:
                handshake.receive(data, self._fingerprints)
                self._look_after(key, handshake, now)
        first = self._handshakes.get((source, b""))
        if first is not None and first.is_asked and not first.heard:
            self._double(source, now)

    def _double(self, source: Endpoint, now: float) -> None:
        """One handshake is going to show the cookie that was requested of it; begin another that never has one."""
        key = source, _SECOND
        if key not in self._handshakes:
            self._handshakes[key] = Handshake(self.identity, is_client=True)
            self._look_after(key, self._handshakes[key], now)
        if self._believe_at == inf:
            self._believe_at = now + COOKIE_DELAY

    def _believe(self, now: float) -> None:
        """The first handshake takes the cookie, and changes places with the second; after a while it is given up."""
        self._believe_at = inf
        if self._expected is None:
            return
        plain, other = (self._expected, b""), (self._expected, _SECOND)
        first, second = self._handshakes.get(plain), self._handshakes.get(other)
        if second is None or second.heard:
            return
        if second.believes:
            del self._handshakes[other]
            if first is None:
                self._call(now)
            else:
                self._knock(now, self._knock_wait)
            return
        if first is None or first.heard or not first.is_asked:
            return
        if first.doubts():
            self._believe_at = now + COOKIE_DELAY
            return
        self._handshakes[plain], self._handshakes[other] = second, first
        first.believe()
        self._believe_at = now + COOKIE_PATIENCE
        self._look_after(other, first, now)

    def _make_room(self) -> None:
        """The oldest gives way that is no further than its ClientHello, and rather not one of the expected peer."""
        if len(self._handshakes) >= MAX_HANDSHAKES:
            del self._handshakes[min(self._handshakes, key=lambda key: (
                self._handshakes[key].is_answered, key[0] == self._expected))]

    # --- time ---

    @property
    def next_at(self) -> float:
        """When ``on_time`` is to be called, at the latest; infinity if there is nothing to wait for."""
        return min(self._ends, self._again, self._repeat_at, self._knock_at, self._believe_at)

    def on_time(self, now: float) -> None:
        """Do what is due: send again, begin again, give up."""
        if self._again <= now:
            self._call(now)
        if self._knock_at <= now:
            self._knock(now, min(2 * self._knock_wait, _SLOWEST))
        for key, handshake in list(self._handshakes.items()):
            handshake.on_time()
            self._look_after(key, handshake, now)
        if self._believe_at <= now:
            self._believe(now)
        if self._ends <= now:
            self._give_up()

    def _begin(self, now: float) -> None:
        self._ends = now + PATIENCE
        if self.keys is None:
            self.phase = Phase.HANDSHAKING

    def _call(self, now: float) -> None:
        """Send a ClientHello to where the peer is expected."""
        self._again = inf
        if self._expected is None:
            return
        if self._ends == inf:
            self._begin(now)
        self._handshakes.clear()
        self._believe_at = inf
        key = self._expected, b""
        handshake = self._handshakes[key] = Handshake(self.identity, is_client=True)
        self._knock_wait, self._knock_at = _KNOCKING, now + _KNOCKING
        self._look_after(key, handshake, now)

    def _knock(self, now: float, wait: float) -> None:
        """Send the same ClientHello again to a peer that has not said anything: OpenSSL gets slower and slower."""
        self._knock_at = inf
        for (source, _), handshake in self._handshakes.items():
            if not (handshake.heard or handshake.believes):
                self._send(source, handshake.first)
                self._knock_wait, self._knock_at = wait, now + wait

    def _give_up(self) -> None:
        """What the peer may still have to answer is kept."""
        self._ends = self._again = self._repeat_at = self._knock_at = self._believe_at = inf
        self._renewing = False
        self._handshakes = {key: handshake for key, handshake in self._handshakes.items()
                            if self.role is Role.ACTIVE and not handshake.heard}
        if self.keys is None:
            self.reason = self.reason or f"no handshake within {PATIENCE:.0f} seconds{': ' * bool(self.why)}{self.why}"
            self.phase = Phase.FAILED

    # --- conclusions ---

    def _send(self, source: Endpoint, packets: list[bytes]) -> None:
        """Alerts in clear are left out: the peer might take one for the end of a handshake that has nothing of it."""
        if self._local is not None:
            said = [without_clear_alerts(packet)[0] for packet in packets]
            self._datagrams += [Datagram(self._local, source, packet) for packet in said if packet]

    def _look_after(self, key: Key, handshake: Handshake, now: float) -> None:
        """Send what a handshake has to say, and see how far it is."""
        self._send(key[0], handshake.take())
        if handshake.failure:
            self._refuse(key, handshake.failure, now)
        elif handshake is self._current:
            if handshake.is_closed:
                self.phase = Phase.CLOSED
        elif handshake.is_done:
            self._conclude(key, handshake, now)
        if handshake.mismatch and self.keys is None:
            self.reason = self.reason or _MISMATCH
        waits = [each.timeout for each in self._handshakes.values()]
        self._repeat_at = min([now + wait for wait in waits if wait is not None], default=inf)

    def _conclude_all(self, now: float) -> None:
        for key, handshake in list(self._handshakes.items()):
            handshake.reconsider(self._fingerprints)
            self._look_after(key, handshake, now)

    def _conclude(self, key: Key, handshake: Handshake, now: float) -> None:
        """A handshake is done: with whom?"""
        keys = handshake.session_keys()
        if keys is None:
            self._refuse(key, "the peer knows none of our SRTP profiles", now)
        elif not self._fingerprints:
            if self.keys is None:
                self.phase = Phase.UNVERIFIED
        elif not is_one_of(handshake.certificate, self._fingerprints):
            self._refuse(key, _MISMATCH, now)
        else:
            self._current, self.peer, self.keys = handshake, key[0], keys
            self._handshakes.clear()
            self._ends = self._again = self._knock_at = self._believe_at = inf
            self._renewing = False
            self.phase, self.reason = Phase.ESTABLISHED, ""

    def _refuse(self, key: Key, reason: str, now: float) -> None:
        """It came to nothing. What is said in clear may be anybody's word, so we begin again."""
        self._handshakes.pop(key, None)
        self.reason = reason if self.keys is None else self.reason
        if self.role is Role.ACTIVE and not self._handshakes:
            self._again = now + _AGAIN

    def take_datagrams(self) -> list[Datagram]:
        """What is to be sent now."""
        datagrams, self._datagrams = self._datagrams, []
        return datagrams
