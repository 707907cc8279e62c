# SPDX-License-Identifier: GPL-3.0-or-later
"""Against the host's openssl program, over loopback."""
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controlplane.addresses import Endpoint
from controlplane.dtls.association import Association, Phase, Role
from controlplane.dtls.fingerprint import parse_fingerprint
from tests.unit.dtls.net import identity

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the program openssl")
PROFILE = "SRTP_AES128_CM_SHA1_80"
EXPORT = ("-use_srtp", PROFILE, "-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", "60")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    at = tmp_path_factory.mktemp("openssl")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", at / "key", "-out", at / "cert", "-subj", "/CN=peer", "-days", "2"],
                   check=True, capture_output=True)
    return at / "cert", at / "key"


def fingerprint_text(certificate: Path) -> str:
    shown = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"], check=True,
                           capture_output=True, text=True).stdout
    return "sha-256 " + shown.strip().partition("=")[2]


@contextmanager
def openssl(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(["openssl", *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def converse(association: Association, sock: socket.socket) -> None:
    """Until the handshake has ended, or twenty seconds are over."""
    end = time.time() + 20
    sock.settimeout(0.05)
    while association.phase is not Phase.ESTABLISHED and time.time() < end:
        for packet in association.take_datagrams():
            sock.sendto(packet.data, (str(packet.destination.address), packet.destination.port))
        try:
            data, (address, port) = sock.recvfrom(4096)
            association.receive(data, Endpoint.parse(f"{address}:{port}"), time.time())
        except (TimeoutError, ConnectionRefusedError):
            pass
        if association.next_at <= time.time():
            association.on_time(time.time())
    for packet in association.take_datagrams():
        sock.sendto(packet.data, (str(packet.destination.address), packet.destination.port))


def exported(process: subprocess.Popen[str]) -> bytes:
    """What openssl says it has exported."""
    assert process.stdout
    for line in process.stdout:
        if found := re.search(r"Keying material: ([0-9A-F]{120})", line):
            return bytes.fromhex(found[1])
    raise AssertionError("openssl has exported nothing")


def made(sock: socket.socket, role: Role, certificate: Path, peer: int = 0) -> Association:
    association = Association(identity())
    fingerprint = parse_fingerprint(fingerprint_text(certificate))
    assert fingerprint
    association.set_fingerprints((fingerprint,), time.time())
    own = Endpoint.parse(f"127.0.0.1:{sock.getsockname()[1]}")
    association.set_path(own, Endpoint.parse(f"127.0.0.1:{peer}"), time.time())
    association.set_role(role, time.time())
    return association


def test_openssl_begins(certificate: tuple[Path, Path]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        association = made(sock, Role.PASSIVE, certificate[0])
        with openssl("s_client", "-dtls1_2", "-connect", f"127.0.0.1:{sock.getsockname()[1]}", "-cert", certificate[0],
                     "-key", certificate[1], *EXPORT) as process:
            converse(association, sock)
            keys = association.keys
            assert keys and keys.suite.name == "AES_CM_128_HMAC_SHA1_80", association.reason
            theirs = exported(process)
    assert theirs == (keys.received.key + keys.sent.key + keys.received.salt + keys.sent.salt)


def test_openssl_waits(certificate: tuple[Path, Path]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, \
            openssl("s_server", "-dtls1_2", "-accept", f"127.0.0.1:{port}", "-cert", certificate[0], "-key",
                    certificate[1], "-verify", "1", *EXPORT) as process:
        sock.bind(("127.0.0.1", 0))
        association = made(sock, Role.ACTIVE, certificate[0], port)
        converse(association, sock)
        keys = association.keys
        assert keys and keys.suite.name == "AES_CM_128_HMAC_SHA1_80", association.reason
        theirs = exported(process)
    assert theirs == (keys.sent.key + keys.received.key + keys.sent.salt + keys.received.salt)
