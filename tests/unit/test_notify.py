# SPDX-License-Identifier: GPL-3.0-or-later
import os
import socket

import pytest

from controlplane.notify import READY, notify, status, watchdog_interval


@pytest.fixture
def receiver():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(30)
        yield sock


def test_messages_reach_a_socket_in_the_file_system(receiver, tmp_path):
    path = str(tmp_path / "notify")
    receiver.bind(path)
    assert notify(READY, status("5 calls\nand more"), environ={"NOTIFY_SOCKET": path})
    assert receiver.recv(100) == b"READY=1\nSTATUS=5 calls and more"


def test_messages_reach_an_abstract_socket(receiver):
    name = f"rtpengine-test-{os.getpid()}"
    receiver.bind("\0" + name)
    assert notify(READY, environ={"NOTIFY_SOCKET": "@" + name})
    assert receiver.recv(100) == b"READY=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "relative"}])
def test_nothing_is_sent_without_a_service_manager(environ):
    assert not notify(READY, environ=environ)


def test_a_service_manager_that_is_gone_is_an_error(tmp_path):
    with pytest.raises(OSError):
        notify(READY, environ={"NOTIFY_SOCKET": str(tmp_path / "gone")})


@pytest.mark.parametrize("environ,interval", [
    ({}, None), ({"WATCHDOG_USEC": "30000000"}, 15.0), ({"WATCHDOG_USEC": "x"}, None), ({"WATCHDOG_USEC": "0"}, None),
    ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "42"}, 1.0),
    ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, None),
])
def test_watchdog_interval(environ, interval):
    assert watchdog_interval(environ, pid=42) == interval
