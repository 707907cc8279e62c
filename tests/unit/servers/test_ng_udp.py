# SPDX-License-Identifier: GPL-3.0-or-later
"""The UDP listener against real sockets on loopback."""
import asyncio
import errno
import os
import socket

import pytest

from controlplane.addresses import Endpoint
from controlplane.errors import ConfigError
from controlplane.ng.later import Later
from controlplane.servers.ng_udp import NgUdpServer


def echo(data, source, now):
    return None if data == b"silence" else b"%s from %s at %d" % (data, source.encode(), now)


def ask(listen, target, data, family=socket.AF_INET, handler=echo, pmtu="", patience=20.0):
    """One request to a listener; returns (reply, the address it came from, the port it went to)."""
    async def run():
        loop = asyncio.get_running_loop()
        server = NgUdpServer(Endpoint.parse(listen), 0, handler, lambda: 7.0, pmtu)
        server.start(loop)
        try:
            with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as client:
                client.sendto(data, (target, server.endpoint.port))
                reply, source = await asyncio.wait_for(loop.sock_recvfrom(client, 65536), patience)
                return reply, source[0], client.getsockname()[1]
        finally:
            server.close(loop)
    return asyncio.run(run())


def test_reply_goes_to_the_sender():
    reply, source, port = ask("127.0.0.1:0", "127.0.0.1", b"hello")
    assert reply == b"hello from 127.0.0.1:%d at 7" % port
    assert source == "127.0.0.1"


def test_wildcard_listener_answers_from_the_address_asked():
    assert ask("0.0.0.0:0", "127.0.0.77", b"x")[1] == "127.0.0.77"


def test_ipv6():
    reply, source, port = ask("[::]:0", "::1", b"x", socket.AF_INET6)
    assert (reply, source) == (b"x from [::1]:%d at 7" % port, "::1")


@pytest.mark.parametrize("listen, target", [("127.0.0.1:0", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.77")])
def test_what_waits_is_answered_in_one_turn_but_not_for_ever(listen, target):
    """Forty requests: thirty-two, after which others have their turn, and the rest."""
    answered = []

    async def run():
        loop = asyncio.get_running_loop()
        server = NgUdpServer(Endpoint.parse(listen), 0, echo_and_note, lambda: 7.0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as client:
            for number in range(40):
                client.sendto(b"%d" % number, (target, server.endpoint.port))
            server.start(loop)
            turns = []
            while len(answered) < 40:
                before = len(answered)
                await asyncio.sleep(0)
                turns += [len(answered) - before] if len(answered) > before else []
            server.close(loop)
            return turns, [client.recvfrom(100)[0].split()[0] for _ in range(40)]

    def echo_and_note(data, source, now):
        answered.append(data)
        return echo(data, source, now)
    assert asyncio.run(asyncio.wait_for(run(), 30)) == ([32, 8], [b"%d" % number for number in range(40)])


def test_handler_may_stay_silent():
    with pytest.raises(asyncio.TimeoutError):
        ask("127.0.0.1:0", "127.0.0.1", b"silence", patience=0.5)


def test_taken_port_is_an_error_that_names_it():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port}: Address already in use"):
            NgUdpServer(Endpoint.parse(f"127.0.0.1:{port}"), 0, echo, lambda: 0.0)


def test_a_family_that_is_switched_off_is_an_error_that_names_the_listener(monkeypatch):
    def no_socket(*_: object) -> None:
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
    monkeypatch.setattr(socket, "socket", no_socket)
    with pytest.raises(ConfigError, match=r"port \[::\]:2223: Address family not supported by protocol"):
        NgUdpServer(Endpoint.parse("[::]:2223"), 0, echo, lambda: 0.0)


@pytest.mark.parametrize("listen, target, family", [
    ("127.0.0.1:0", "127.0.0.1", socket.AF_INET), ("[::]:0", "::1", socket.AF_INET6)])
@pytest.mark.parametrize("size", [65_600, 1_000_000])
def test_a_reply_that_no_datagram_holds_becomes_an_error_that_says_so(listen, target, family, size):
    reply, source, _ = ask(listen, target, b"7_a", family, lambda data, *_: data + b" d3:sdp" + bytes(size))
    assert reply.startswith(b"7_a d6:result5:error12:error-reason") and b"ask over TCP or HTTP" in reply
    assert source == target


def test_the_largest_reply_gets_through():
    assert len(ask("127.0.0.1:0", "127.0.0.1", b"7_a", handler=lambda *_: bytes(65507))[0]) == 65507


def test_a_reply_that_comes_later_leaves_from_the_address_asked():
    later = Later()

    def handler(data, source, now):
        asyncio.get_running_loop().call_later(0.05, later.finish, b"late")
        return later
    assert ask("0.0.0.0:0", "127.0.0.77", b"x", handler=handler)[:2] == (b"late", "127.0.0.77")


@pytest.mark.parametrize("pmtu, value", [("dont", 0), ("want", 1)])
def test_path_mtu_discovery(pmtu, value):
    server = NgUdpServer(Endpoint.parse("127.0.0.1:0"), 0, echo, lambda: 0.0, pmtu)
    assert server._socket.getsockopt(socket.IPPROTO_IP, 10) == value
    server.close()
