# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of the HTTPS listeners, from files that may be replaced while the daemon runs."""
from __future__ import annotations

import ssl

from controlplane.errors import ConfigError


class Certificate:
    """A certificate with its chain, and its key, in PEM files; without ``key`` it is in the certificate's file.

    ``client_ca`` names a file with those who sign the certificates that clients need; without it they need none.
    ``context`` is what listeners use. ConfigError names the file that cannot be used and says why.
    """

    def __init__(self, cert: str, key: str = "", client_ca: str = ""):
        self._cert = cert
        self._key = key or cert
        self._client_ca = client_ca
        self.context = self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    def reload(self) -> None:
        """Read the files again, for connections to come. ConfigError leaves everything as it was."""
        self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # the one in use is half changed if its turn fails
        self._load(self.context)

    def _load(self, context: ssl.SSLContext) -> ssl.SSLContext:
        for option, path in (("https-cert", self._cert), ("https-key", self._key)):
            try:
                with open(path, "rb"):
                    pass
            except OSError as error:
                raise ConfigError(f"{option} {path}: {error.strerror}") from None
        try:
            context.load_cert_chain(self._cert, self._key, self._no_password)
        except ssl.SSLError as error:
            raise ConfigError(self._reason(error)) from None
        if self._client_ca:
            try:
                context.load_verify_locations(self._client_ca)
            except OSError as error:    # what OpenSSL says of a file is one too
                raise ConfigError(f"client-ca {self._client_ca}: {error.strerror or 'no certificate'}") from None
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _reason(self, error: ssl.SSLError) -> str:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"https-key {self._key}: does not belong to the certificate {self._cert}"
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(self._cert)
        except ssl.SSLError:
            return f"https-cert {self._cert}: no certificate in PEM format"
        if error.reason:
            return f"https-cert {self._cert}: {error.reason.lower().replace('_', ' ')}"
        return f"https-key {self._key}: no key in PEM format"

    def _no_password(self) -> str:
        raise ConfigError(f"https-key {self._key}: protected by a password, which nobody can enter here")
