# SPDX-License-Identifier: GPL-3.0-or-later
"""What a forwarded packet must not take along, and where it must not go."""
import os
import re
import socket
import time

from tests.kernel.guest import abi, net
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
            assert time.monotonic() - begin < 20
    finally:
        stamps.close()
        sh("tc qdisc del dev vb root")


def full_queue() -> None:
    """What the device's queue drops is an error of the output, and not left out by a rule."""
    with forwarding() as (control, _, a, b):
        a.sendto(net.rtp(0), NEAR)
        assert b.recv(2048) == net.rtp(0)
        sh("ip neigh change 10.2.0.2 dev vb nud permanent; tc qdisc add dev vb root bfifo limit 1")
        try:
            for n in range(1, 5):
                a.sendto(net.rtp(n), NEAR)
            net.settled(lambda: control.state(NEAR).counters.packets)
        finally:
            sh("tc qdisc del dev vb root; ip neigh del 10.2.0.2 dev vb")
        state = control.state(NEAR)
        sent = state.outputs[0].counters
        assert (sent.packets, sent.errors, sent.passed, state.drops) == (1, 4, 0, {"send": 4}), state


def queues() -> None:
    """Trap 3: the queue that a packet came through does not choose the one it leaves through; its flow does."""
    sh("ip link add qa numrxqueues 4 numtxqueues 4 type veth peer name qb numrxqueues 4 numtxqueues 4 netns A;"
       "ip addr add 10.5.0.1/24 dev qa; ip link set qa up; ip -n A addr add 10.5.0.2/24 dev qb; ip -n A link set qb up;"
       "ip link add qc numrxqueues 4 numtxqueues 4 type veth peer name qd numrxqueues 4 numtxqueues 4 netns B;"
       "ip addr add 10.5.1.1/24 dev qc; ip link set qc up; ip -n B addr add 10.5.1.2/24 dev qd; ip -n B link set qd up;"
       "ip -n A route add 10.5.1.0/24 via 10.5.0.1; tc qdisc add dev qc root handle 1: mq;"
       "sysctl -qw net.ipv4.ip_forward=1")
    near, far, there = ("10.5.0.1", 30000), ("10.5.1.1", 30002), ("10.5.1.2", 20000)
    try:
        with table(), net.Rule(), Control() as control, net.udp(there, "B") as b:
            control.add(Target(near, [output(far, there)]))
            socks = [net.udp(("10.5.0.2", 10000 + n), "A") for n in range(24)]
            for s in socks:
                s.sendto(net.rtp(1), near)
            assert len(net.receive(b, 24)) == 24
            forwarded = _sent_by_queue("qc")
            assert max(forwarded) >= 24, forwarded      # all through one
            for s in socks:     # routed they keep it, so there was something to be kept
                s.sendto(net.rtp(1), there)
            assert len(net.receive(b, 24)) == 24
            routed = [now - before for now, before in zip(_sent_by_queue("qc"), forwarded)]
            assert sum(packets > 2 for packets in routed) > 1, routed
            for s in socks:
                s.close()
    finally:
        sh("sysctl -qw net.ipv4.ip_forward=0; ip link del qa; ip link del qc")


def _sent_by_queue(device: str) -> list[int]:
    """Packets of each queue of an mq device, those by which neighbours are found among them."""
    found = re.findall(r"parent 1:\w+.*\n Sent \d+ bytes (\d+) pkt", sh(f"tc -s qdisc show dev {device}"))
    assert len(found) == 4, found
    return [int(packets) for packets in found]


def duplicated() -> None:
    """Trap 17: what another target duplicates (TEE, before and after) is whole, and forwarded once."""
    tee = "iptables-legacy -t mangle -{} {} -p udp --dport {} -j TEE --gateway {}"
    rules = [("PREROUTING", NEAR[1], net.B4), ("POSTROUTING", B[1], net.A4)]
    with forwarding() as (control, relay, a, b), _sniffer("A", "ea") as back, _sniffer("B", "eb") as ahead:
        for rule in rules:
            sh(tee.format("A", *rule))
        try:
            for n in range(20):
                a.sendto(net.rtp(n), NEAR)
            assert net.receive(b, 20) == [net.rtp(n) for n in range(20)]
            assert net.silent(relay, 0.1) and net.silent(b, 0.1)
        finally:
            for rule in rules:
                sh(tee.format("D", *rule))
        assert control.state(NEAR).counters.packets == 20
        for sock, to in ((ahead, NEAR[0]), (back, net.B4)):
            copies = [p[42:] for p in net.receive(sock, 999) if p[30:34] == socket.inet_aton(to)
                      and p[6:12] != _own_mac(sock)]
            assert copies == [net.rtp(n) for n in range(20)], (to, len(copies))


def _sniffer(netns: str, device: str) -> socket.socket:
    net.enter(netns)
    try:
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind((device, 0x0800))
        s.settimeout(0.5)
        return s
    finally:
        net.enter("")


def _own_mac(sock: socket.socket) -> bytes:
    return bytes(sock.getsockname()[4])


def conntrack_comes_later() -> None:
    """Trap 18: connection tracking that is loaded while packets run; none is lost, and no entry leads astray."""
    net.forget_rules()
    sh("rmmod nft_ct nft_nat nft_chain_nat nf_nat xt_conntrack nf_conntrack", check=False)
    with forwarding() as (control, _, a, b):
        sender = net.Sender(a, NEAR)
        sender.start()
        time.sleep(0.1)
        sh("modprobe nf_conntrack; nft add table ip late; nft 'add chain ip late in { type filter hook prerouting "
           "priority 0; }'; nft add rule ip late in ct state new counter; nft 'add chain ip late nat { type nat hook "
           "postrouting priority 100; }'; nft add rule ip late nat udp dport 9 masquerade")
        try:
            time.sleep(0.3)
            sent = sender.stop()
            assert net.receive(b, sent) == [net.rtp(n) for n in range(sent)]
            assert control.state(NEAR).outputs[0].counters.errors == 0
            with open("/proc/net/nf_conntrack" if os.path.exists("/proc/net/nf_conntrack") else "/dev/null",
                      encoding="ascii") as f:
                found = f.read()
            assert not found or "src=10.2.0.1 dst=10.2.0.2" in found, found
        finally:
            sh("nft delete table ip late")


def _skbs() -> int:
    """Socket buffers in use."""
    with open("/proc/slabinfo", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("skbuff_"))


def nothing_leaks() -> None:
    """Trap 7: ten thousand packets that cannot leave, for each reason there is, leave no buffer behind."""
    reasons: list[tuple[str, str, dict[str, object]]] = [
        ("true", "true", {}),
        ("ip route add unreachable 10.77.0.9", "ip route del unreachable 10.77.0.9", {"to": ("10.77.0.9", 9)}),
        ("nft add table ip t; nft 'add chain ip t o { type filter hook output priority 0; }'; nft add rule ip t o udp "
         "dport 20000 drop", "nft delete table ip t", {}),
        ("nft add table ip t; nft 'add chain ip t o { type filter hook postrouting priority 0; }'; nft add rule ip t o "
         "udp dport 20000 drop", "nft delete table ip t", {}),
        ("true", "true", {"ttl": 1}),
        ("ip link set vb mtu 100", "ip link set vb mtu 1500; ip addr replace fd00:2::1/64 dev vb nodad", {}),
        ("tc qdisc add dev vb root tbf rate 8kbit burst 300 limit 300", "tc qdisc del dev vb root", {}),
        ("ip neigh replace 10.2.0.2 dev vb nud failed", "ip neigh del 10.2.0.2 dev vb", {}),
    ]
    with forwarding() as (control, _, a, b):
        b.settimeout(0.05)
        for before, after, options in reasons:
            sh("ip route add 10.77.0.9 via 10.2.0.2")
            control.add(Target(NEAR, [output(FAR, options.get("to", B)), output(FAR, B)]), abi.REPLACE)  # type: ignore
            sh("ip route del 10.77.0.9")
            a.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, options.get("ttl", 64))      # type: ignore[arg-type]
            sh(before)
            start = _skbs()
            for n in range(1250):
                a.sendto(net.rtp(n), NEAR)
                if n % 50 == 0:
                    net.receive(b, 100)
            net.receive(b, 9999)
            sh(after)
            deadline = time.monotonic() + 20
            while _skbs() - start >= 400 and time.monotonic() < deadline:
                time.sleep(0.2)
            assert _skbs() - start < 400, (before, start, _skbs())


def loop_of_one() -> None:
    """A target whose output is itself: a packet goes round a few times and is gone."""
    with table(), net.Rule(), Control() as control, net.peer(A) as a:
        control.add(Target(NEAR, [output(("10.1.0.1", 30002), NEAR)]))
        a.sendto(net.rtp(1), NEAR)
        state = net.settled(lambda: control.state(NEAR))
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
            states = net.settled(lambda: [control.state(one), control.state(two)])
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
        assert time.monotonic() - begin < 60
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
