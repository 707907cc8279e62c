# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from controlplane.dtls.fingerprint import Fingerprint, fingerprint_of, is_one_of, parse_fingerprint
from tests.unit.dtls.net import identity


@pytest.mark.parametrize("text, found", [
    ("sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB",
     Fingerprint("sha-1", bytes.fromhex("4aadb9b13f82183b540212df3e5d496b19e57cab"))),
    (" SHA-1 4a:ad:b9:b1:3f:82:18:3b:54:02:12:df:3e:5d:49:6b:19:e5:7c:ab",
     Fingerprint("sha-1", bytes.fromhex("4aadb9b13f82183b540212df3e5d496b19e57cab"))),
    ("sha-256 4A:AD", None), ("md5 " + ":".join(["00"] * 16), None), ("sha-1 XX", None), ("sha-1", None), ("", None)])
def test_parse(text: str, found: Fingerprint | None) -> None:
    assert parse_fingerprint(text) == found
    if found:
        assert parse_fingerprint(str(found)) == found


def test_against_the_library() -> None:
    one, other = identity(), identity()
    certificate = x509.load_der_x509_certificate(one.certificate)
    assert one.fingerprint("sha-512").digest == certificate.fingerprint(hashes.SHA512())
    assert is_one_of(one.certificate, [fingerprint_of(other.certificate, "sha-1"), one.fingerprint("sha-384")])
    assert not is_one_of(one.certificate, [other.fingerprint("sha-256")]) and not is_one_of(one.certificate, [])
