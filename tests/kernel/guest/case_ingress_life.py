# SPDX-License-Identifier: GPL-3.0-or-later
"""The ingress hook and what surrounds it: hooks on the way out, taps, loops, tables and devices that go."""
import errno
import os
import socket
import time

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import ADD_HOOK, Control, Target, output
from tests.kernel.guest.case_ingress import hooks_shown, ingress
from tests.kernel.guest.case_packets import FAR, NEAR, A, B
from tests.kernel.guest.hook import Hook, name
from tests.kernel.guest.net import sh
from tests.kernel.guest.tables import command, table


def hooks_on_the_way_out() -> None:
    """OUTPUT and POSTROUTING see, mark, translate and drop what is forwarded from here, too."""
    with ingress() as (c, _, a, b), net.peer((net.B4, 21000)) as elsewhere:
        sh("nft add table ip t; nft 'add chain ip t out { type filter hook output priority 0; }';"
           "nft add rule ip t out udp dport 20000 counter drop")
        try:
            a.sendto(net.rtp(1), NEAR)
            assert net.silent(b)
            assert c.state(NEAR).outputs[0].counters.errors == 1
        finally:
            sh("nft delete table ip t")
        sh("nft add table ip t; nft 'add chain ip t out { type nat hook output priority -100; }';"
           "nft add rule ip t out udp dport 20000 dnat to 10.2.0.2:21000")
        c.add(Target(NEAR, [output(("10.2.0.1", 31501), B)]), abi.REPLACE)     # no connection that is known already
        try:
            for n in range(3):
                a.sendto(net.rtp(n), NEAR)
            assert net.receive(elsewhere, 3) == [net.rtp(n) for n in range(3)]
        finally:
            sh("nft delete table ip t")


def tapped() -> None:
    """A tap on the device sees each packet once, whole, and it is forwarded."""
    everything = 3
    with ingress() as (_, _, a, b), \
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(everything)) as tap:
        tap.settimeout(1)
        for n in range(20):
            a.sendto(net.rtp(n), NEAR)
        assert net.receive(b, 20) == [net.rtp(n) for n in range(20)]
        seen = [p[14:] for p in net.receive(tap, 40)]
        assert [p[28:] for p in seen if p[16:20] == socket.inet_aton(NEAR[0])] == [net.rtp(n) for n in range(20)]


def loop() -> None:
    """Two hooks, two targets at each other through a cable back: a packet circles until its TTL is over, no longer."""
    sh("ip link add la type veth peer name lb; ip addr add 10.9.1.1/24 dev la; ip link set la up; ip link set lb up;"
       "ip neigh replace 10.9.1.2 lladdr $(cat /sys/class/net/la/address) dev la nud permanent")
    near = ("10.9.1.2", 30000)      # not an address of this host: its frames leave, and come back through the peer
    sh("ip link set lb address $(cat /sys/class/net/la/address)")
    try:
        with table(), Control() as c, Hook(c, "va", "lb"), net.peer(A) as a:
            c.add(Target(NEAR, [output(("10.9.1.1", 30002), near)]))
            c.add(Target(near, [output(("10.9.1.1", 30002), near)]))
            a.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 20)
            a.sendto(net.rtp(1), NEAR)
            time.sleep(0.3)
            state = c.state(near)
            assert (state.counters.packets, state.outputs[0].counters.errors) == (19, 1), state
    finally:
        sh("ip link del la")


def table_deleted_under_traffic() -> None:
    """Tables with hooks come and go while packets run; the module can be unloaded afterwards."""
    with net.udp(NEAR), net.peer(A) as a, net.peer(B):
        senders = [net.Sender(a, NEAR, 0.0005) for _ in range(2)]
        for s in senders:
            s.start()
        for _ in range(40):
            with table(), Control() as c:
                c.add(Target(NEAR, [output(FAR, B)] * 3))
                for device in ("va", "vb"):
                    assert c.one(ADD_HOOK, name(device)) == 0
        for s in senders:
            s.stop()
    sh(f"rmmod xt_RTPENGINE && insmod {os.environ['RTPE_MODULE']}")


def device_goes() -> None:
    """A hooked device is removed, or moves away, under traffic: its hook is gone, others work, no reference stays."""
    with table(), Control() as c, net.peer(B) as b:
        for leave in ("ip link del vc", "ip link set vc netns C; ip -n C link del vc"):
            sh("ip netns add C; ip link add vc type veth peer name ec netns C; ip addr add 10.3.0.1/24 dev vc;"
               "ip link set vc up; ip -n C addr add 10.3.0.2/24 dev ec; ip -n C link set ec up")
            near = ("10.3.0.1", 30000)
            c.add(Target(near, [output(FAR, B)]), abi.REPLACE)
            with Hook(c, "vc", "vb"), net.udp(("10.3.0.2", 10000), "C") as s:
                s.sendto(net.rtp(1), near)
                assert b.recv(2048) == net.rtp(1)
                sender = net.Sender(s, near, 0.0005, tolerant=True)
                sender.start()
                begin = time.monotonic()
                sh(leave)
                assert time.monotonic() - begin < 60
                sender.stop()
                assert hooks_shown() == ["vb"]
                net.receive(b, 100000) if not net.silent(b, 0.1) else None
            sh("ip netns del C")


def namespace_goes() -> None:
    """A namespace ends with its devices and their hooks; the table stays and can be used from elsewhere."""
    sh("ip netns add D; ip link add vd type veth peer name ed netns D; ip link set vd up;"
       "ip addr add 10.3.0.1/24 dev vd; ip -n D addr add 10.3.0.2/24 dev ed; ip -n D link set ed up;"
       "ip -n D link set lo up")
    near = ("10.3.0.2", 30000)
    with table():
        net.enter("D")
        try:
            c = Control()
            assert c.one(ADD_HOOK, name("va")) == -errno.ENODEV
            c.add(Target(near, [output(("10.3.0.2", 30002), ("10.3.0.1", 20000))]))
            assert c.one(ADD_HOOK, name("ed")) == 0
        finally:
            net.enter("")
        with c, net.udp(("10.3.0.1", 20000)) as here:
            here.sendto(net.rtp(1), near)
            assert here.recv(2048) == net.rtp(1)
            assert hooks_shown() == ["ed"]
            begin = time.monotonic()
            sh("ip netns del D")
            while hooks_shown() and time.monotonic() - begin < 60:
                time.sleep(0.1)
            assert hooks_shown() == []
            assert c.one(ADD_HOOK, name("va")) == 0
    assert command("add 1\n") > 0 and command("del 1\n") > 0
