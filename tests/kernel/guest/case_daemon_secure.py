# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon with the module: a call between a web client, with ICE and DTLS-SRTP, and a plain phone."""
import re
import socket
from typing import Any

from tests.attack.parties import SUITE, WebParty
from tests.kernel.guest import net
from tests.kernel.guest.case_daemon import _eventually, _forwarded, _running, _settled
from tests.kernel.guest.net import A4, B4, sh
from tests.peers.call import Call
from tests.peers.dtls import DtlsPeer
from tests.peers.rtp import Endpoint, SocketMaker, pump

COUNT = 50


def _sockets_in(netns: str) -> SocketMaker:
    def made(family: int, kind: int) -> socket.socket:
        net.enter(netns)
        try:
            return socket.socket(family, kind)
        finally:
            net.enter("")
    return made


def _target(port: int) -> str:
    """What the kernel's list says of a port; empty if it does not have it."""
    found = re.search(rf"^local inet4 \S+:{port}\n(?:    .*\n)*", sh("cat /proc/rtpengine/0/list"), re.M)
    return found.group() if found else ""


def _counts(port: int) -> tuple[int, int]:
    """Packets that the kernel has taken at a port, and that it has sent on in RTP's outputs."""
    came, *went = (int(each) for each in re.findall(r"bytes, +(\d+) packets, +\d+ errors", _target(port)))
    return came, went[0]


def _stream(call: Call) -> dict[str, Any]:
    stream: dict[str, Any] = call.query()["tags"][call.from_tag]["medias"][0]["streams"][0]
    return stream


def _shake_hands(web: WebParty, phone: Endpoint, call: Call) -> None:
    """Checks, then the handshake, of which both sides have the keys in the end."""
    assert web.destination
    assert not _target(web.destination[1]), "in the kernel before there are keys"
    assert pump((web, phone), 60, lambda: web.ready), (web.agent and web.agent.phase, web.dtls and web.dtls.done)
    _eventually("a handshake", lambda: "DTLS fingerprint verified" in _stream(call)["flags"],
                meanwhile=lambda: pump((web, phone), 0.1))


def _talk(web: WebParty, phone: Endpoint, count: int) -> None:
    """Each hears all that the other says, once; what is encrypted is opened by libsrtp."""
    for one, other in ((web, phone), (phone, web)):
        sent = [b"%d of %d" % (number, one.port) for number in range(count)]
        other.arrivals.clear()
        for payload in sent:
            one.send(payload)
            pump((web, phone), 0.005)
        pump((web, phone), 60, lambda: len(other.arrivals) >= count)
        assert sorted(other.payloads()) == sorted(sent), f"{len(other.arrivals)} of {count} arrived"


def ice_and_dtls() -> None:
    """After the handshake the kernel has both directions: it decrypts, encrypts, and lets nobody else in."""
    daemon = _running()
    web = WebParty(B4, _sockets_in("B"), dtls=DtlsPeer(active=False), ice=True)
    phone = Endpoint(A4, make=_sockets_in("A"))

    def go_on() -> bool:
        """Answer those who ask whether she is still there."""
        return pump((web, phone), 0.2)

    with daemon.client(timeout=20) as client:
        call = Call(client, web, phone, ICE="default")
        call.offer(**{"transport-protocol": "RTP/AVP", "rtcp-mux": ["demux"], "direction": ["b", "a"]})
        call.answer()
        _shake_hands(web, phone, call)
        _talk(web, phone, 3)
        assert web.destination and phone.destination
        ours = web.destination[1], phone.destination[1]
        _eventually("both directions in the kernel", lambda: all(map(_target, ours)), meanwhile=go_on)
        assert int(sh("sed -n 's/^Targets: *//p' /proc/rtpengine/0/status")) >= 2
        listed = [_target(port) for port in ours]
        assert all(f"option: {word}\n" in listed[0] for word in ("SRTP", "stun", "dtls")), listed[0]
        assert "      option: SRTP\n" in listed[1] and "\n    option: SRTP\n" not in listed[1], listed[1]
        user, kernel = _settled(daemon, go_on)
        before = [_counts(port) for port in ours]
        _talk(web, phone, COUNT)
        assert [_counts(port) for port in ours] == [(came + COUNT, went + COUNT) for came, went in before]
        _eventually("so many packets more by the kernel", lambda: _forwarded(daemon)[1] == kernel + 2 * COUNT,
                    meanwhile=go_on)
        assert _settled(daemon, go_on)[0] == user
        _report(web, phone)
        _intrude(web, phone, ours[0])
        stream = _stream(call)
        assert stream["crypto suite"] == SUITE and {"kernelized", "DTLS fingerprint verified"} <= set(stream["flags"])
        call.delete()
    assert not any(map(_target, ours)), "targets stay behind"
    web.close()
    phone.close()


def _report(web: WebParty, phone: Endpoint) -> None:
    """Sender reports, one of them encrypted, and the other on a port of its own."""
    for one, other in ((web, phone), (phone, web)):
        one.send_report()
        assert pump((web, phone), 60, lambda: len(other.compounds) == 1)


def _intrude(web: WebParty, phone: Endpoint, port: int) -> None:
    """Media in clear under the client's address, and its own packets again, there and from elsewhere."""
    came, went = _counts(port)
    phone.arrivals.clear()
    stranger = Endpoint(B4, make=_sockets_in("B"))
    assert web.destination
    for packet in web.wire[-10:]:
        stranger.rtp.sendto(packet, web.destination)
        web.rtp.sendto(packet, web.destination)
        web.rtp.sendto(web.next_packet(b"in clear").pack(), web.destination)
    pump((web, phone), 0.5)
    stranger.close()
    assert not phone.arrivals and _counts(port) == (came, went)
    said = _target(port)
    assert {"wrong source: 10", "authentication failed: 10", "replayed: 10"} <= {
        line.strip() for line in said.splitlines()}, said
