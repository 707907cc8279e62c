# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon with the module: a stream that follows ICE."""
import random
import select
import socket
import time
from collections.abc import Callable

from controlplane.addresses import Endpoint
from controlplane.ice.agent import Agent
from controlplane.ice.candidate import Candidate, priority_of, usable
from controlplane.ice.credentials import Credentials
from controlplane.ice.pair import LocalCandidate
from controlplane.ice.phase import Phase
from tests.kernel.guest import net
from tests.kernel.guest.case_daemon import _eventually, _forwarded, _ports, _running, _settled
from tests.kernel.guest.net import A4, B4, sh
from tests.peers import sdp


class _IceSide:
    """The peer at `b` of a call does ICE, with a socket and an agent of its own."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.base = Endpoint.parse("{}:{}".format(*sock.getsockname()))
        self.agent = Agent(random.SystemRandom(), controlling=False)
        candidate = Candidate("1", 1, "UDP", priority_of("host", 0, 1), self.base, "host")
        self.agent.set_locals([LocalCandidate(self.base, candidate)], time.time())

    @property
    def attributes(self) -> list[str]:
        local = self.agent.local
        return ["rtcp-mux", f"ice-ufrag:{local.ufrag}", f"ice-pwd:{local.password}",
                *(f"candidate:{each.candidate}" for each in self.agent.checklist.locals)]

    def hear(self, attributes: list[str]) -> None:
        values = dict(attribute.partition(":")[::2] for attribute in attributes)
        self.agent.set_remote(Credentials(values["ice-ufrag"], values["ice-pwd"]), time.time())
        for candidate in usable(a.partition(":")[2] for a in attributes if a.startswith("candidate:")):
            self.agent.add_remote(candidate, time.time())

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False, count: int = 1000) -> list[bytes]:
        """Let the agent work for a while; what arrives and is not for it, at most so many."""
        deadline, others = time.monotonic() + seconds, []
        while time.monotonic() < deadline and not until() and len(others) < count:
            if select.select([self.sock], [], [], 0.01)[0]:
                data, source = self.sock.recvfrom(2048)
                if not self.agent.receive(data, self.base, Endpoint.parse("{}:{}".format(*source[:2])), time.time()):
                    others.append(data)
            self.agent.on_time(time.time())
            for packet in self.agent.take_datagrams():
                self.sock.sendto(packet.data, packet.destination.sockaddr)
        return others


def ice() -> None:
    """A stream whose path ICE has found is forwarded by the kernel, and what ICE has to say still comes up."""
    daemon = _running()
    with daemon.client(timeout=20) as client:
        a, b = (net.peer((each, next(_ports)), timeout=30) for each in (A4, B4))
        side = _IceSide(b)
        keys = {"call-id": "kernel-ice", "from-tag": "a"}
        bodies = [sdp.body(A4, a.getsockname()[1], attributes=["rtcp-mux"]),
                  sdp.body(B4, b.getsockname()[1], attributes=side.attributes)]
        told_b = sdp.sections(client.send({"command": "offer", **keys, "sdp": bodies[0], "ICE": "force",
                                           "direction": ["a", "b"]})["sdp"])[0]
        told_a = sdp.sections(client.send({"command": "answer", **keys, "to-tag": "b", "sdp": bodies[1]})["sdp"])[0]
        side.hear(told_b.attributes)
        side.run(60, lambda: side.agent.phase is Phase.COMPLETED)
        assert side.agent.phase is Phase.COMPLETED, side.agent.phase
        there = side.agent.selection[1].remote.endpoint.sockaddr
        for n in range(3):
            a.sendto(net.rtp(n, pt=8, ssrc=1), (told_a.address, told_a.port))
            b.sendto(net.rtp(n, pt=8, ssrc=2), there)
            side.run(0.1)
            assert net.receive(a, 1) == [net.rtp(n, pt=8, ssrc=2)]
        _eventually("both directions in the kernel", lambda: all(
            f":{port}\n" in sh("cat /proc/rtpengine/0/list") for port in (told_a.port, there[1])),
            meanwhile=lambda: side.run(0.1))
        side.run(7)             # at least one of their requests for consent, and one of ours
        before = _settled(daemon, lambda: side.run(0.2))
        for n in range(3, 53):
            a.sendto(net.rtp(n, pt=8, ssrc=1), (told_a.address, told_a.port))
            assert side.run(30, count=1) == [net.rtp(n, pt=8, ssrc=1)]
        with net.peer((B4, next(_ports))) as stranger:
            stranger.sendto(net.rtp(99, pt=8, ssrc=2), there)
            assert net.silent(a)
        assert side.agent.phase is Phase.COMPLETED
        _eventually("50 packets more by the kernel", lambda: _forwarded(daemon)[1] >= before[1] + 50,
                    meanwhile=lambda: side.run(0.1))
        client.send({"command": "delete", **keys})
        a.close()
        b.close()
