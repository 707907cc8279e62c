# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture of a call that the module forwards: what it sends is seen like what it receives."""
import tempfile
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

from tests.kernel.guest.case_daemon import _Call, _eventually, _forwarded, _running
from tests.kernel.guest.net import A6, B4
from tests.peers import pcap
from tests.peers.capture import Capture

COUNT = 100


def offloaded() -> None:
    """Each packet is there once on its way in and once on its way out, in both directions and families."""
    daemon = _running()
    call = _Call(daemon, A6, B4)
    call.talk(3)
    _eventually("in the kernel", call.offloaded)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "call.pcap"
        running = Capture(daemon.cli_port, call.keys["call-id"], "--file", str(path))
        assert running.begun.startswith("Capturing on 4 ports"), running.begun
        before = _forwarded(daemon)
        call.talk(COUNT)
        _eventually("counted", lambda: _forwarded(daemon)[1] == before[1] + 2 * COUNT)
        assert _forwarded(daemon)[0] == before[0], "user space has had packets"
        assert running.stop() == (0, f"{4 * COUNT} packets in {path}: interrupted\n")
        found = Counter((each.source, each.destination) for each in pcap.datagrams(path))
    peers, locals_ = ([(ip_address(address).packed, port) for address, port in both] for both in (
        [sock.getsockname()[:2] for sock in call.sockets], call.places))
    legs = [each for peer, local in zip(peers, locals_) for each in ((peer, local), (local, peer))]
    assert found == dict.fromkeys(legs, COUNT), found
    call.delete()
    call.close()
