# SPDX-License-Identifier: GPL-3.0-or-later
"""One handshake with one peer: OpenSSL between two buffers of memory."""
from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from controlplane.dtls import keys, records
from controlplane.dtls.fingerprint import Fingerprint
from controlplane.dtls.identity import Identity
from controlplane.dtls.intake import Intake
from controlplane.dtls.keys import PROFILES, SessionKeys

_PIECE = 1 << 16    # bytes of DTLS records taken at once; of application data nothing is wanted


class Handshake:
    """A DTLS connection. OpenSSL keeps the time of its retransmissions itself, by the clock of the host.

    ``failure`` says why it came to nothing, ``is_closed`` that the peer has said goodbye after it succeeded, ``heard``
    how often the peer has said something, ``first`` what was sent first. ``believes``: a request for a cookie, which is
    no word of the peer's. ``has_cookie``: its ClientHello has one, and OpenSSL is to think that it made it.
    """

    def __init__(self, identity: Identity, *, is_client: bool, has_cookie: bool = False):
        self.identity = identity
        self.is_client = is_client
        self.is_done = False
        self.is_closed = False
        self.failure = ""
        self.heard = 0
        self.believes = False
        self.first: list[bytes] = []
        self.certificate = b""
        self._said = b""
        self._intake = Intake(is_client)
        self._connection = SSL.Connection(identity.cookie_context if has_cookie else identity.context, None)
        if is_client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self._connection.set_ciphertext_mtu(identity.mtu)
        if is_client:
            self._advance()
        elif has_cookie:
            self._connection.bio_write(records.BARE_HELLO)
            self._advance()
            self._connection.bio_read(_PIECE)   # the request for a cookie, which the peer has got already

    def receive(self, data: bytes, fingerprints: tuple[Fingerprint, ...]) -> None:
        """A datagram of whole records, from one whose certificate has one of these, or from somebody else."""
        if not (self.failure or self.is_closed):
            self._give(self._intake.take(data, fingerprints))

    @property
    def is_asked(self) -> bool:
        """True if somebody has requested a cookie."""
        return bool(self._intake.request)

    def doubts(self) -> bool:
        """True if somebody else has as well, so that they are forgotten."""
        return self._intake.doubts()

    def believe(self) -> None:
        """Say the same once more, with the cookie that was requested."""
        self.believes = True
        self._connection.bio_write(self._intake.believe())
        self._advance()

    def reconsider(self, fingerprints: tuple[Fingerprint, ...]) -> None:
        """It is these that the peer's certificate has."""
        self._give(self._intake.release(fingerprints))

    def _give(self, pieces: list[bytes]) -> None:
        """Until OpenSSL answers the peer's flight: what is left then is somebody else's."""
        for data in filter(None, pieces):
            self.heard += 1
            self._connection.bio_write(data)
            self._advance()
            if self.failure or self.is_done:
                return
            if self._listen() and self.is_client:
                self._intake.complete()
                return

    def _listen(self) -> bool:
        """Take from OpenSSL what it has to say; True if that is more than a ClientHello."""
        said = b""
        try:
            while True:
                said += self._connection.bio_read(_PIECE)
        except SSL.WantReadError:
            self._said += said
            return any(records.client_random(record) is None for record in records.records(said) or [])

    def _advance(self) -> None:
        try:
            if not self.is_done:
                self._connection.do_handshake()
                self.is_done = True
                self._intake.open()
                self.certificate = _der(self._connection)
            while True:
                self._connection.recv(_PIECE)
        except (SSL.WantReadError, SSL.WantWriteError):
            pass
        except SSL.ZeroReturnError:
            self.is_closed = True
        except SSL.Error as error:
            if not self.is_done:
                self.failure = _reason(error)

    def take(self) -> list[bytes]:
        """Datagrams to be sent now."""
        self._listen()
        taken, self._said = list(records.datagrams(self._said, self.identity.mtu)), b""
        self.first = self.first or taken
        if self.first:
            self._intake.greeted()
        return taken

    @property
    def client_random(self) -> bytes:
        """By which a ClientHello that comes again is known."""
        return self._connection.client_random() or b""

    @property
    def is_answered(self) -> bool:
        """True once the peer has said something after our first words."""
        return self.heard > (0 if self.is_client else 1)

    @property
    def mismatch(self) -> bool:
        """True if somebody has shown another certificate than the one announced."""
        return self._intake.mismatch

    @property
    def timeout(self) -> float | None:
        """Seconds until ``on_time`` must be called; None: nothing to wait for.

        A cookie is not shown twice: a peer that wants none and listens only now would take that for the first word.
        """
        if self.is_done or self.failure or (self.believes and not self.heard):
            return None
        get: Callable[[], float | None] = self._connection.DTLSv1_get_timeout   # says int, and is not
        return get()

    def on_time(self) -> None:
        """Send again what was not answered, if it is time."""
        if self.timeout is None:
            return
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            self.failure = _reason(error)

    def session_keys(self) -> SessionKeys | None:
        """What media are encrypted with; None if the peer knows none of our profiles."""
        suite = PROFILES.get(self._connection.get_selected_srtp_profile().decode())
        if suite is None:
            return None
        exported = self._connection.export_keying_material(keys.LABEL, keys.exported_size(suite))
        return keys.split(suite, exported, self.is_client)


def _der(connection: SSL.Connection) -> bytes:
    certificate = connection.get_peer_certificate(as_cryptography=True)
    return certificate.public_bytes(Encoding.DER) if certificate is not None else b""


def _reason(error: SSL.Error) -> str:
    """What OpenSSL says, without the names of its functions."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(entry[-1] for entry in queue if entry[-1]) or "the connection broke off"
