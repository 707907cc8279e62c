# SPDX-License-Identifier: GPL-3.0-or-later
"""Our certificate, and all that OpenSSL is told once for every handshake under it."""
from __future__ import annotations

import datetime
import hashlib
import hmac
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from controlplane.addresses import Endpoint
from controlplane.dtls.fingerprint import Fingerprint, fingerprint_of
from controlplane.dtls.keys import PROFILES
from controlplane.errors import ConfigError, PeerError

LIFETIME = 30 * 86400.0
"""Seconds that a certificate is valid; it is to be renewed when half of them are over."""
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rtpengine")])
_SPARE = 3600.0     # seconds that a call may take until its last handshake
_SKEW = 86400.0     # seconds that a peer's clock may be behind ours
_MOST_LOADED = 64   # identities of other processes, each of which has many calls
_IP_AND_UDP = 48    # bytes of an IPv6 and a UDP header
_COOKIE = 16        # bytes
_ADDRESS = 16
_SIGNATURES = ("sha-256", "sha256", "sha-1", "sha1")
_CURVES = ("prime256v1", "ec-prime256v1", "ec_prime256v1")


class IdentityOptions:
    """The options ``dtls-cert-cipher``, ``-rsa-key-size``, ``-signature``, ``-ciphers`` and ``-mtu`` by these names.

    Raises ConfigError if one cannot be used. A signature with SHA-1 is one with SHA-256 (``is_weak``): nobody
    verifies it, and today's libraries refuse to make or take the other.
    """

    def __init__(self, cipher: str = "prime256v1", rsa_bits: int = 2048, signature: str = "SHA-256",
                 ciphers: str = "DEFAULT", mtu: int = 1200):
        self.is_rsa = cipher.lower() == "rsa"
        if not self.is_rsa and cipher.lower() not in _CURVES:
            raise ConfigError(f"dtls-cert-cipher: {cipher!r} is neither prime256v1 nor RSA")
        if signature.lower() not in _SIGNATURES:
            raise ConfigError(f"dtls-signature: {signature!r} is neither SHA-256 nor SHA-1")
        self.rsa_bits = rsa_bits
        self.is_weak = signature.lower() in _SIGNATURES[2:]
        self.ciphers = ciphers
        self.mtu = mtu - _IP_AND_UDP


PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Identity:
    """A key, the certificate for it that we signed ourselves, and the OpenSSL context with both.

    ``certificate`` and ``key`` are in DER. A call keeps the identity it began with; see ``is_fresh`` for when new ones
    get another, ``is_valid`` for when they must. ``cookie_context`` is for peers that have shown a cookie,
    ``secret`` makes those.
    """

    def __init__(self, options: IdentityOptions, key: PrivateKey, signed: x509.Certificate):
        self.certificate = signed.public_bytes(serialization.Encoding.DER)
        self.key = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption())
        self.mtu = options.mtu
        end = signed.not_valid_after_utc
        self._end = end.timestamp()
        self._fingerprints: dict[str, Fingerprint] = {}
        self._shown: dict[str, str] = {}
        self.context = _context(options, signed, key)
        self.cookie_context = _context(options, signed, key)
        assert SSL.OP_COOKIE_EXCHANGE is not None
        self.cookie_context.set_options(SSL.OP_COOKIE_EXCHANGE)
        self.cookie_context.set_cookie_generate_callback(lambda _: b"made elsewhere")
        self.cookie_context.set_cookie_verify_callback(lambda *_: True)
        self.secret = hashlib.sha256(self.key).digest()

    @classmethod
    def make(cls, options: IdentityOptions, now: float) -> Identity:
        """A new one."""
        key: PrivateKey
        try:
            key = rsa.generate_private_key(65537, options.rsa_bits) if options.is_rsa else \
                ec.generate_private_key(ec.SECP256R1())
        except ValueError as error:
            raise ConfigError(f"dtls-rsa-key-size: {error}") from None
        begin = datetime.datetime.fromtimestamp(now - _SKEW, datetime.timezone.utc)
        end = datetime.datetime.fromtimestamp(now + LIFETIME, datetime.timezone.utc)
        return cls(options, key, (
            x509.CertificateBuilder().subject_name(_NAME).issuer_name(_NAME).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
            .sign(key, hashes.SHA256())))

    @classmethod
    def load(cls, options: IdentityOptions, certificate: bytes, key: bytes) -> Identity:
        """The one whose ``certificate`` and ``key`` these were. PeerError if they make no sense."""
        try:
            loaded = serialization.load_der_private_key(key, None)
            signed = x509.load_der_x509_certificate(certificate)
            if not isinstance(loaded, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
                raise PeerError("a certificate with a key that is none of ours")
            return cls(options, loaded, signed)
        except (ValueError, TypeError, UnsupportedAlgorithm, SSL.Error):
            raise PeerError("not a certificate with its key") from None

    def is_fresh(self, now: float) -> bool:
        """False once less than half of its life is left."""
        return now < self._end - LIFETIME / 2

    def is_valid(self, now: float) -> bool:
        """False from an hour before the end of its life."""
        return now < self._end - _SPARE

    def cookie(self, peer: Endpoint) -> bytes:
        """What nobody but a peer who receives there can know (RFC 6347 section 4.2.1); relay/sift.c makes the same."""
        where = peer.address.packed.ljust(_ADDRESS, b"\0") + peer.port.to_bytes(2, "big")
        return hmac.digest(self.secret, where, "sha1")[:_COOKIE]

    def fingerprint(self, name: str) -> Fingerprint:
        """Of the certificate; ``name`` is a key of HASHES."""
        if name not in self._fingerprints:
            self._fingerprints[name] = fingerprint_of(self.certificate, name)
        return self._fingerprints[name]

    def shown(self, name: str) -> str:
        """The value of the attribute with that fingerprint."""
        if name not in self._shown:
            self._shown[name] = str(self.fingerprint(name))
        return self._shown[name]


class Identities:
    """The identity for new calls, made when it is first wanted.

    To make one takes a millisecond, with RSA some hundred: where others wait, ``make`` it in another thread once
    ``is_due`` says so, and hand it to ``renew``. Else ``current`` does, at the last moment.
    """

    def __init__(self, options: IdentityOptions):
        self.options = options
        self._current: Identity | None = None
        self._loaded: dict[bytes, Identity] = {}

    def current(self, now: float) -> Identity:
        """That of today; ``now`` is Unix time in seconds."""
        if self._current is None or not self._current.is_valid(now):
            self._current = self.make(now)
        return self._current

    def is_due(self, now: float) -> bool:
        """True if there ought to be another for new calls."""
        return self._current is None or not self._current.is_fresh(now)

    def make(self, now: float) -> Identity:
        """Another identity; touches nothing else."""
        return Identity.make(self.options, now)

    def renew(self, identity: Identity) -> None:
        """New calls get this one."""
        self._current = identity

    def load(self, certificate: bytes, key: bytes) -> Identity:
        """One that calls of another process began with, which may be that of today. PeerError."""
        if self._current is not None and self._current.certificate == certificate:
            return self._current
        if certificate not in self._loaded:
            while len(self._loaded) >= _MOST_LOADED:
                del self._loaded[next(iter(self._loaded))]
            self._loaded[certificate] = Identity.load(self.options, certificate, key)
        return self._loaded[certificate]


def set_ciphers(context: SSL.Context, ciphers: str) -> None:
    """Have the context use these. ConfigError if OpenSSL has none of them."""
    try:
        context.set_cipher_list(ciphers.encode())
    except (SSL.Error, UnicodeEncodeError):
        raise ConfigError(f"dtls-ciphers: OpenSSL knows none of {ciphers!r}") from None


def _context(options: IdentityOptions, signed: x509.Certificate,
             key: PrivateKey) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.use_certificate(signed)
    context.use_privatekey(key)
    set_ciphers(context, options.ciphers)
    context.set_tlsext_use_srtp(":".join(PROFILES).encode())
    context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    # Certificates of peers are signed by themselves; what counts is the fingerprint, once there is a certificate.
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    return context
