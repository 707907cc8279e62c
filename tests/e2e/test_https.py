# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS of a running daemon: its certificate renewed, and what is said of one that cannot be used."""
from __future__ import annotations

import re
import shutil
import signal
import socket
import ssl
import time
from pathlib import Path

import pytest

from tests.peers.daemon import Daemon, DaemonFailed, free_port
from tests.unit.servers.test_tls import certificate

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")]


def options(cert: Path, key: Path, port: int) -> list[str]:
    return [f"--listen-https=127.0.0.1:{port}", f"--https-cert={cert}", f"--https-key={key}"]


def ping(port: int, trusted: Path) -> bytes:
    context = ssl.create_default_context(cafile=str(trusted))
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plain, \
            context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
        sock.sendall(b"GET /ping HTTP/1.0\r\n\r\n")
        reply = b""
        while piece := sock.recv(4096):
            reply += piece
        return reply


def told(daemon: Daemon, pattern: str) -> bool:
    deadline = time.monotonic() + 30
    while not re.search(pattern, daemon.log_text()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_certificate_is_renewed_by_a_signal(tmp_path: Path) -> None:
    (old, old_key), (new, new_key) = certificate(tmp_path, "old"), certificate(tmp_path, "new")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    shutil.copy(old, cert)
    shutil.copy(old_key, key)
    port = free_port(socket.SOCK_STREAM)
    with Daemon(options=options(cert, key, port)) as daemon:
        assert f"for HTTPS on 127.0.0.1:{port}" in daemon.log_text()
        assert ping(port, old).endswith(b"\r\n\r\npong\n")
        shutil.copy(new, cert)
        daemon.process.send_signal(signal.SIGHUP)
        assert told(daemon, r"ERR: SIGHUP: HTTPS goes on with the certificate it has: https-key .*/key.pem: does not "
                            r"belong to the certificate .*/cert.pem")
        assert ping(port, old).endswith(b"pong\n")
        shutil.copy(new_key, key)
        daemon.process.send_signal(signal.SIGHUP)
        assert told(daemon, "NOTICE: SIGHUP: the HTTPS certificate is read again")
        assert ping(port, new).endswith(b"pong\n")
        assert "Internal error" not in daemon.log_text()
        with pytest.raises(ssl.SSLCertVerificationError):
            ping(port, old)


def test_without_its_certificate_it_does_not_start_and_says_why(tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"
    reason = f"https-cert {missing}: No such file or directory"
    with pytest.raises(DaemonFailed, match=f"status 1:\n.*Fatal error: command line: {reason}"):
        Daemon(options=options(missing, missing, free_port(socket.SOCK_STREAM)))
