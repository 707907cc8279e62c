# SPDX-License-Identifier: GPL-3.0-or-later
"""A syslog that does not read: calls go on, and what it has missed is counted and told."""
from __future__ import annotations

import json
import re
import socket

import pytest

from tests.peers.collector import wait
from tests.peers.daemon import Daemon, free_port, own_command
from tests.peers.syslog import Syslog

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(
    not Syslog.possible(), reason="a syslog of its own needs root and unshare")]
REQUESTS = 1500
LOST = re.compile(r"(\d+) lines of this log were lost")


def test_nobody_waits_for_it() -> None:
    ng, cli = free_port(), free_port(socket.SOCK_STREAM)
    with Syslog(stalled=True) as log, Daemon(
            log.command(own_command()), bare=True, ng_port=ng, cli_port=cli, options=(
                "--config-file=none", "--foreground", "--table=-1", "--interface=127.0.0.1",
                f"--listen-ng=127.0.0.1:{ng}", f"--listen-cli=127.0.0.1:{cli}")) as daemon, daemon.client() as client:
        for number in range(REQUESTS):
            client.send({"command": "delete", "call-id": f"none-{number}", "from-tag": "a"})
        assert wait(lambda: json.loads(daemon.cli("list jsonstats"))["totalstatistics"]["lostloglines"])
        log.go_on()
        assert wait(lambda: any(LOST.fullmatch(line.text) for line in log.lines))
        received = [line.text for line in log.lines if "Received command 'delete'" in line.text]
        assert received[0].startswith("[none-0]: ") and len(received) < REQUESTS
        daemon.cli("list timeout")
        assert wait(lambda: any("Got CLI command: 'list timeout'" in line.text for line in log.lines))
