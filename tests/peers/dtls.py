# SPDX-License-Identifier: GPL-3.0-or-later
"""A DTLS-SRTP peer made of pyOpenSSL alone."""
from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

PROFILE = "SRTP_AES128_CM_SHA1_80"
SIZES = {PROFILE: (16, 14), "SRTP_AES128_CM_SHA1_32": (16, 14), "SRTP_AEAD_AES_128_GCM": (16, 12),
         "SRTP_AEAD_AES_256_GCM": (32, 12)}
"""Bytes of key and salt by protection profile (RFC 5764 section 4.1.2, RFC 7714 section 14.2)."""
_DAY = datetime.timedelta(days=1)


class Certificate:
    """One that a peer shows, and its key; ``lifetime``: days from now that it is good for."""

    def __init__(self, lifetime: int = 1):
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")])
        now = datetime.datetime.now(datetime.timezone.utc)
        self.shown = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
                      .serial_number(x509.random_serial_number()).not_valid_before(now - 9 * _DAY)
                      .not_valid_after(now + lifetime * _DAY).sign(self.key, hashes.SHA256()))

    def fingerprint(self, algorithm: hashes.HashAlgorithm = hashes.SHA256(), name: str = "sha-256") -> str:
        """The value of the attribute."""
        return f"{name} {self.shown.fingerprint(algorithm).hex(':').upper()}"


class DtlsPeer:
    """One end of a connection; its first handshake is the only one."""

    def __init__(self, *, active: bool, profile: str = PROFILE, lifetime: int = 1,
                 certificate: Certificate | None = None):
        self.own = own = certificate or Certificate(lifetime)
        self.certificate, self.fingerprint = own.shown, own.fingerprint
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_certificate(own.shown)
        context.use_privatekey(own.key)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.set_tlsext_use_srtp(profile.encode())
        self.active, self.profile = active, profile
        self.done = False
        self._connection = SSL.Connection(context, None)
        self._connection.set_connect_state() if active else self._connection.set_accept_state()

    def lines(self, setup: str) -> tuple[str, str]:
        """The attributes of its section."""
        return f"a=setup:{setup}", f"a=fingerprint:{self.fingerprint()}"

    def receive(self, data: bytes = b"") -> list[bytes]:
        """What it has to say to a packet, or of its own accord: at most one datagram."""
        if data:
            self._connection.bio_write(data)
        try:
            self._connection.do_handshake()
            self.done = True
        except SSL.WantReadError:
            pass
        try:
            return [self._connection.bio_read(65536)]
        except SSL.WantReadError:
            return []

    def again(self) -> list[bytes]:
        """What it says once more, as nothing has come for a while."""
        if self.done or not self._connection.DTLSv1_handle_timeout():
            return []
        return [self._connection.bio_read(65536)]

    @property
    def keys(self) -> tuple[bytes, bytes]:
        """Key and salt in one, for what it sends and for what it receives."""
        key, salt = SIZES[self.profile]
        exported = self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        keys, salts = exported[:2 * key], exported[2 * key:]
        client, server = keys[:key] + salts[:salt], keys[key:] + salts[salt:]
        return (client, server) if self.active else (server, client)

    @property
    def peer_fingerprint(self) -> str:
        """Of the certificate that the other end has shown."""
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        assert certificate is not None
        return f"sha-256 {certificate.fingerprint(hashes.SHA256()).hex(':').upper()}"
