# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon with the module: streams that the module fails go on in user space, and come back later."""
import time

from controlplane.dataplane.watch import UNSEEN, UNSENT
from tests.kernel.guest import net
from tests.kernel.guest.case_daemon import _Call, _eventually, _offloaded_ports, _running
from tests.kernel.guest.net import A4, B4, sh
from tests.peers.daemon import Daemon


def _demoted(daemon: Daemon) -> int:
    with daemon.client(timeout=20) as client:
        return int(client.send({"command": "statistics"})["statistics"]["totalstatistics"]["demotedstreams"])


def rule_removed() -> None:
    """The rule goes under traffic: nothing is lost, the streams are taken back, and return with the rule."""
    daemon = _running()
    before = _demoted(daemon)
    call = _Call(daemon, A4, B4)
    call.talk(3)
    _eventually("in the kernel", call.offloaded)
    sender = net.Sender(call.sockets[0], call.places[0], gap=0.02)
    sender.start()
    rules = sh("nft list ruleset")
    sh("iptables-nft -D INPUT -p udp -j RTPENGINE --id 0")
    _eventually("one stream taken back", lambda: _demoted(daemon) == before + 1)
    text = daemon.log_text()
    assert f"as {UNSEEN}" in text, text
    assert _offloaded_ports() == {call.places[1][1]}, "only the silent one has not failed"
    assert "taken back from the kernel" in daemon.cli("list totals")
    sh("iptables-nft -I INPUT -p udp -j RTPENGINE --id 0")
    _eventually("in the kernel again", call.offloaded)
    time.sleep(1)
    sent = sender.stop()
    got = net.receive(call.sockets[1], sent)
    # in user space a packet may wait, and be overtaken by one that the kernel forwards
    assert sorted(int.from_bytes(packet[2:4], "big") for packet in got) == list(range(sent)), (len(got), sent, rules)
    assert _demoted(daemon) == before + 1
    told = daemon.cli(f"events {call.keys['call-id']}").splitlines()
    local = "{}:{} is served ".format(*call.places[0])
    assert [line.partition(local)[2] for line in told if local in line] == [
        "by the accelerator", f"in user space, as {UNSEEN}", "by the accelerator"], told
    call.delete()
    call.close()


def unsent() -> None:
    """The host lets nothing out that has no socket: what the module cannot send is sent from user space."""
    daemon = _running()
    before = _demoted(daemon)
    call = _Call(daemon, A4, B4)
    call.talk(3)
    _eventually("in the kernel", call.offloaded)
    sh("nft 'add table inet out; add chain inet out out { type filter hook output priority 0; }'")
    sh(f"nft 'add rule inet out out udp sport {call.places[1][1]} meta skuid 0 accept'")
    sh(f"nft 'add rule inet out out udp sport {call.places[1][1]} drop'")
    sender = net.Sender(call.sockets[0], call.places[0], gap=0.02)
    sender.start()
    _eventually("taken back", lambda: _demoted(daemon) == before + 1)
    assert f"as {UNSENT}" in daemon.log_text()
    net.receive(call.sockets[1], 5)
    assert len(net.receive(call.sockets[1], 50)) == 50, "nothing comes although user space could send"
    sender.stop()
    sh("nft delete table inet out")
    call.delete()
    call.close()
