# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon with the module: one that ends leaves its streams to the kernel, and the next one takes them over."""
import os
import signal
import time
from pathlib import Path

from tests.kernel.guest import net
from tests.kernel.guest.case_daemon import _Call, _eventually, _offloaded_ports, _start
from tests.kernel.guest.net import A4, B4, B6, sh
from tests.peers.daemon import Daemon

FLOWS = Path("/run/rtpengine-flows")
KEEP = f"--keep-flows={FLOWS}"
PLAIN, SRTP = (None, None), (None, "AES_CM_128_HMAC_SHA1_80")


def restart() -> None:
    """No packet is missing over a restart, encrypted or not; the next daemon knows the calls."""
    first = _start(KEEP)
    calls = [_Call(first, A4, B4, PLAIN), _Call(first, A4, B6, SRTP)]
    for call in calls:
        call.talk(5)
        _eventually("in the kernel", call.offloaded)
    plain = calls[0]
    sender = net.Sender(plain.sockets[0], plain.places[0], gap=0.02)
    sender.start()
    assert first.stop(300) == 0, first.log_tail()
    assert "2 calls are left to the next process" in first.log_text()
    assert FLOWS.stat().st_mode & 0o777 == 0o600 and "RTPENGINE id:0" in sh("iptables-nft -nL INPUT")
    calls[1].talk(10)           # nobody is there but the kernel
    second = _start(KEEP)
    assert not FLOWS.exists() and "2 calls of the process before go on" in second.log_text()
    assert "belong to no call" not in second.log_text()
    time.sleep(1)
    sent = sender.stop()
    got = net.receive(plain.sockets[1], sent)
    # in user space a packet may wait, and be overtaken by one that the kernel forwards
    assert sorted(int.from_bytes(packet[2:4], "big") for packet in got) == list(range(sent)), (len(got), sent)
    for call in calls:
        call.client.close()
        call.client = second.client(timeout=20)
    calls[1].talk(10)
    assert calls[1].offloaded()
    time.sleep(1.2)
    (stream, _) = calls[1].streams()
    assert "kernelized" in stream["flags"] and 15 <= stream["stats"]["packets"] <= 25, stream
    calls[1].move(1)
    calls[1].talk(10)
    _eventually("in the kernel at the new place", calls[1].offloaded)
    calls[1].delete()
    _killed(second, plain)
    for call in calls:
        call.close()


def _killed(daemon: Daemon, left: _Call) -> None:
    """What a daemon that was killed has left ends as soon as the next one knows that no call goes on."""
    assert left.offloaded()
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.process.wait()
    with _start(KEEP) as third:
        assert "2 streams of the process before belong to no call that goes on" in third.log_text()
        assert not _offloaded_ports()
        again = _Call(third, A4, B4)
        again.talk(3)
        _eventually("in the kernel", again.offloaded)
        again.delete()
        again.close()
    FLOWS.unlink()
    sh("echo 'del 0' > /proc/rtpengine/control")
    for tool in ("iptables-nft", "ip6tables-nft"):
        sh(f"{tool} -D INPUT -p udp -j RTPENGINE --id 0")
