# SPDX-License-Identifier: GPL-3.0-or-later
"""What a forwarded packet must not take along, and where it must not go."""
import re
import socket
import time

from tests.kernel.guest import net
from tests.kernel.guest.abi import Control, Target, output
from tests.kernel.guest.case_packets import A, B, FAR, NEAR, forwarding
from tests.kernel.guest.net import sh
from tests.kernel.guest.tables import error, table


def counted(rule_comment: str) -> int:
    """Packets of the nft counter with this comment."""
    found = re.search(rf'counter packets (\d+) .*comment "{rule_comment}"', sh("nft list ruleset"))
    assert found, rule_comment
    return int(found[1])


def clean() -> None:
    """Mark, priority and conntrack of the packet received do not reach the packet sent."""
    sh("""nft -f - <<'X'
table inet t {
    chain in {
        type filter hook prerouting priority -300;
        meta mark set 7 meta priority set 1:5
    }
    chain out {
        type filter hook output priority 0;
        udp dport 20000 meta mark != 0 counter comment "marked"
        udp dport 20000 meta priority 1:5 counter comment "priority"
        udp dport 20000 ct original ip saddr 10.2.0.1 counter comment "own conntrack"
        udp dport 20000 counter comment "all"
    }
}
X""")
    try:
        with forwarding() as (_, _, a, b):
            for n in range(10):
                a.sendto(net.rtp(n), NEAR)
            assert len(net.receive(b, 10)) == 10
        assert [counted(c) for c in ("marked", "priority", "own conntrack", "all")] == [0, 0, 10, 10]
    finally:
        sh("nft delete table inet t")


def fair_queue() -> None:
    """With fq on the way out and receive time stamps on, nothing is dropped or delayed."""
    sh("tc qdisc replace dev vb root fq")
    stamps = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stamps.setsockopt(socket.SOL_SOCKET, 29, 1)     # SO_TIMESTAMP: the kernel stamps all it receives
    try:
        with forwarding() as (_, _, a, b):
            for n in range(20):
                a.sendto(net.rtp(n), NEAR)
            begin = time.monotonic()
            assert net.receive(b, 20) == [net.rtp(n) for n in range(20)]
            assert time.monotonic() - begin < 1
    finally:
        stamps.close()
        sh("tc qdisc del dev vb root")


def queues() -> None:
    """Packets that came through a device with several queues leave through one with a single queue."""
    sh("ip link add qa numrxqueues 4 numtxqueues 4 type veth peer name qb numrxqueues 4 numtxqueues 4 netns A")
    try:
        sh("ip addr add 10.5.0.1/24 dev qa; ip link set qa up; ip -n A addr add 10.5.0.2/24 dev qb; "
           "ip -n A link set qb up")
        near = ("10.5.0.1", 30000)
        with table(), net.Rule(), Control() as control, net.peer(B) as b:
            control.add(Target(near, [output(FAR, B)]))
            socks = [net.udp(("10.5.0.2", 10000 + n), "A") for n in range(16)]
            for s in socks:
                s.sendto(net.rtp(1), near)
            assert len(net.receive(b, 16)) == 16
            for s in socks:
                s.close()
    finally:
        sh("ip link del qa")


def loop_of_one() -> None:
    """A target whose output is itself: a packet goes round a few times and is gone."""
    with table(), net.Rule(), Control() as control, net.peer(A) as a:
        control.add(Target(NEAR, [output(("10.1.0.1", 30002), NEAR)]))
        a.sendto(net.rtp(1), NEAR)
        time.sleep(0.3)
        state = control.state(NEAR)
        sent = state.outputs[0].counters
        assert (state.counters.packets, sent.packets, sent.errors) == (5, 4, 1), state
        time.sleep(0.2)
        assert control.state(NEAR) == state


def loop_that_multiplies() -> None:
    """Two targets with two outputs each, at each other, IPv4 and IPv6: bounded."""
    for one, two in ((("10.1.0.1", 30000), ("10.1.0.1", 30002)), (("fd00:1::1", 30000), ("fd00:1::1", 30002))):
        with table(), net.Rule(), Control() as control, net.peer((net.A6 if ":" in one[0] else net.A4, 10000)) as a:
            control.add(Target(one, [output(one, two)] * 2))
            control.add(Target(two, [output(two, one)] * 2))
            a.sendto(net.rtp(1), one)
            time.sleep(0.4)
            states = [control.state(one), control.state(two)]
            assert sum(s.counters.packets for s in states) == 1 + 2 + 4 + 8 + 16, states
            time.sleep(0.2)
            assert states == [control.state(one), control.state(two)]


def chained() -> None:
    """Two calls of one host after each other still work."""
    middle = ("10.1.0.1", 31000)
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B) as b:
        control.add(Target(NEAR, [output(("10.1.0.1", 30002), middle)]))
        control.add(Target(middle, [output(FAR, B)]))
        for n in range(10):
            a.sendto(net.rtp(n), NEAR)
        assert net.receive(b, 10) == [net.rtp(n) for n in range(10)]


def own_socket() -> None:
    """An output to a socket of the same host."""
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.udp(("10.2.0.1", 9000)) as here:
        control.add(Target(NEAR, [output(FAR, ("10.2.0.1", 9000))]))
        a.sendto(net.rtp(1), NEAR)
        assert here.recv(2048) == net.rtp(1)


def route_changes() -> None:
    """The kept route follows the routing table: unreachable, back, another way."""
    sh("ip -n A addr add 10.7.0.9/32 dev ea; ip -n B addr add 10.7.0.9/32 dev lo; ip route add 10.7.0.9 via 10.2.0.2")
    there = ("10.7.0.9", 20000)
    try:
        with table(), net.Rule(), Control() as control, net.peer(A) as a, net.udp(there, "B") as b, \
                net.udp(there, "A") as elsewhere:
            control.add(Target(NEAR, [output(FAR, there)]))

            def arrives(at: socket.socket) -> bool:
                a.sendto(net.rtp(1), NEAR)
                return not net.silent(at, 0.3)

            assert arrives(b)
            sh("ip route change unreachable 10.7.0.9")
            assert not arrives(b) and control.state(NEAR).outputs[0].counters.errors == 1
            sh("ip route del unreachable 10.7.0.9; ip route add 10.7.0.9 via 10.1.0.2")
            assert arrives(elsewhere) and not arrives(b)
            sh("ip route change 10.7.0.9 via 10.2.0.2")
            assert arrives(b)
            sh("ip link set vb down")
            assert not arrives(b)
            sh("ip link set vb up; ip addr replace fd00:2::1/64 dev vb nodad")
            sh("ip route replace 10.7.0.9 via 10.2.0.2")
            assert arrives(b)
    finally:
        sh("ip route del 10.7.0.9; ip -n A addr del 10.7.0.9/32 dev ea", check=False)
        sh("ip -n B addr del 10.7.0.9/32 dev lo", check=False)


def device_goes() -> None:
    """A device that an output's route leads through can be removed at once, and its namespace, too."""
    sh("ip netns add C; ip link add vc type veth peer name ec netns C; ip addr add 10.3.0.1/24 dev vc;"
       "ip addr add fd00:3::1/64 dev vc nodad; ip link set vc up; ip -n C addr add 10.3.0.2/24 dev ec;"
       "ip -n C addr add fd00:3::2/64 dev ec nodad; ip -n C link set ec up")
    outputs = [output(("10.3.0.1", 9), ("10.3.0.2", 9)), output(("fd00:3::1", 9), ("fd00:3::2", 9))]
    with table(), net.Rule(), Control() as control, net.peer(A) as a:
        control.add(Target(NEAR, outputs))
        a.sendto(net.rtp(1), NEAR)
        begin = time.monotonic()
        sh("ip link del vc; ip netns del C")
        assert time.monotonic() - begin < 5
        a.sendto(net.rtp(2), NEAR)
        time.sleep(0.2)
        assert [o.counters.errors for o in control.state(NEAR).outputs] == [1, 1]


def policy_of_ipsec() -> None:
    """A block policy for what comes or leaves holds for forwarded packets, too."""
    with forwarding() as (control, _, a, b):
        sh("ip xfrm policy add dir in dst 10.1.0.1/32 proto udp action block")
        try:
            a.sendto(net.rtp(1), NEAR)
            assert net.silent(b)
            assert control.state(NEAR).counters.packets == 0
        finally:
            sh("ip xfrm policy flush")
        sh("ip xfrm policy add dir out dst 10.2.0.2/32 proto udp action block")
        try:
            a.sendto(net.rtp(1), NEAR)
            assert net.silent(b)
            assert control.state(NEAR).outputs[0].counters.errors == 1
        finally:
            sh("ip xfrm policy flush")
        a.sendto(net.rtp(2), NEAR)
        assert b.recv(2048) == net.rtp(2)


def other_namespace() -> None:
    """A daemon in another namespace: routes must exist there, packets leave where they came in."""
    with table(), net.Rule(), net.peer(A) as a, net.peer(B) as b:
        net.enter("B")
        try:
            control = Control()
            control.add(Target(NEAR, [output(FAR, B)]))
            sh("ip netns add D")
            net.enter("D")
            assert error(lambda: control.add(Target(FAR, [output(NEAR, A)]))) == "ENETUNREACH"
        finally:
            net.enter("")
            sh("ip netns del D")
        with control:
            for n in range(5):
                a.sendto(net.rtp(n), NEAR)
            assert net.receive(b, 5) == [net.rtp(n) for n in range(5)]
            assert control.state(NEAR).outputs[0].counters.errors == 0
