# SPDX-License-Identifier: GPL-3.0-or-later
"""What has gone wrong in modules like this one, where no other case looks (tests/kernel/traps.py lists all)."""
import os
import random
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import ADD, Control, Target, addr, output, record
from tests.kernel.guest.case_packets import A, B, FAR, NEAR, forwarding, ip4, raw_ip
from tests.kernel.guest.case_statistics import numbered
from tests.kernel.guest.net import sh
from tests.kernel.guest.tables import table
from tests.peers.srtp import seal_rtp, suite

TRACE = "/sys/kernel/tracing"


def many_queues(netns: str, number: int) -> str:
    """Commands that link the guest with a namespace through devices of four queues: 10.N.0.1 here, 10.N.0.2 there."""
    here, there = f"q{netns.lower()}", f"p{netns.lower()}"
    return (f"ip link add {here} numtxqueues 4 numrxqueues 4 type veth peer name {there} numtxqueues 4 numrxqueues 4 "
            f"netns {netns}; ip addr add 10.{number}.0.1/24 dev {here}; ip link set {here} up; "
            f"ip -n {netns} addr add 10.{number}.0.2/24 dev {there}; ip -n {netns} link set {there} up; ")


def queue_of_the_way_in() -> None:
    """Trap 3: the queue a packet came through does not choose the one it leaves through; its flow does."""
    near = ("10.5.0.1", 30000)
    try:
        sh(many_queues("A", 5) + many_queues("B", 6) + "tc qdisc replace dev qb root handle 1: mq; "
           "ip netns exec A tc qdisc add dev pa clsact; "
           "ip netns exec A tc filter add dev pa egress matchall action skbedit queue_mapping 3")
        places = [("10.6.0.2", 20000 + n) for n in range(16)]
        socks = [net.udp(place, "B") for place in places]
        with table(), net.Rule(), Control() as control, net.udp(("10.5.0.2", 10000), "A") as a:
            for place in places:
                control.add(Target(near, [output(("10.6.0.1", place[1]), place)]), abi.REPLACE)
                a.sendto(net.rtp(1), near)
            assert all(net.receive(sock, 1) for sock in socks)
        for sock in socks:
            sock.close()
        sent = [int(n) for n in re.findall(r"class mq 1:\S+ root\s+Sent \d+ bytes (\d+) pkt",
                                           sh("tc -s class show dev qb"))]
        assert len(sent) == 4 and sum(sent) >= 16 and max(sent) < 16, sent
    finally:
        sh("ip link del qa; ip link del qb", check=False)


def teed() -> None:
    """Trap 17: a target that clones packets (TEE) before ours: what is forwarded and the clone are both whole."""
    sh("ip netns add T; ip link add vt type veth peer name et netns T; ip addr add 10.6.0.1/24 dev vt; "
       "ip link set vt up; ip -n T addr add 10.6.0.2/24 dev et; ip -n T link set et up; ip -n T link set lo up; "
       "ip -n T addr add 10.1.0.1/32 dev lo; "
       "ip netns exec T sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.et.rp_filter=0; "
       "iptables-legacy -t mangle -I INPUT -p udp --dport 30000 -j TEE --gateway 10.6.0.2")
    try:
        with forwarding() as (control, relay, a, b), net.udp(("10.1.0.1", 30000), "T") as clone:
            for n in range(20):
                a.sendto(net.rtp(n, payload=bytes([n]) * 160), NEAR)
            wanted = [net.rtp(n, payload=bytes([n]) * 160) for n in range(20)]
            assert net.receive(b, 20) == wanted
            assert net.receive(clone, 20) == wanted
            assert net.silent(relay, 0.05) and control.state(NEAR).counters.packets == 20
    finally:
        sh("iptables-legacy -t mangle -F; ip link del vt; ip netns del T", check=False)


def conntrack_comes_later() -> None:
    """Trap 18: connection tracking that is loaded, and unloaded, while streams run."""
    assert "conntrack" not in sh(f"modinfo -F depends {os.environ['RTPE_MODULE']}")
    rules = ("nft -f - <<'X'\ntable inet late {\nchain c {\ntype filter hook input priority -10;\n"
             "ct state new counter\n}\n}\nX")
    with forwarding() as (_, relay, a, b):
        number = 0

        def some() -> None:
            nonlocal number
            for _ in range(5):
                number += 1
                a.sendto(net.rtp(number), NEAR)
                assert b.recv(2048) == net.rtp(number)

        some()
        for _ in range(3):
            sh(rules)
            some()
            sh("nft delete table inet late")
            some()
            sh("rmmod nft_ct nf_conntrack", check=False)
            some()
        assert net.silent(relay, 0.05)


def active_buffers() -> int:
    """Socket buffers in use, in all caches that hold them."""
    with open("/proc/slabinfo", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("skbuff_"))


def buffers_of_failures() -> None:
    """Trap 7: datagrams that cannot be sent, for each reason there is, are freed."""
    keys, nowhere = abi.keys(2, 2, bytes(16), bytes(14)), output(FAR, ("10.7.0.9", 9))
    report = b"\x80\xc8\0\1SSRC\x80"       # a compound that does not add up
    ways = [
        ([nowhere], b"junk"), ([nowhere, output(FAR, B)], b"junk"), ([output(FAR, B), nowhere], b"junk"),
        ([output(FAR, B, encrypt=keys)] * 2, b"junk"), ([output(FAR, B, flags=abi.STRIP_FEEDBACK)] * 2, report),
    ]
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B) as b:
        b.setblocking(False)
        for n, (outputs, packet) in enumerate(ways):
            sh("ip route replace 10.7.0.9 via 10.2.0.2")
            control.add(Target(NEAR, outputs), abi.REPLACE)
            sh("ip route del 10.7.0.9; ip route add unreachable 10.7.0.9")
            before, failed = active_buffers(), errors_of_outputs(control)
            for _ in range(2000):
                a.sendto(packet, NEAR)
                try:
                    b.recv(2048)
                except BlockingIOError:
                    pass
            assert active_buffers() - before < 1000, (n, before, active_buffers())
            assert errors_of_outputs(control) - failed >= 2000, (n, control.state(NEAR))
            sh("ip route del unreachable 10.7.0.9")


def errors_of_outputs(control: Control) -> int:
    """Datagrams that could not be sent."""
    return sum(o.counters.errors for o in control.state(NEAR).outputs)


@contextmanager
def allocations(event: str, condition: str) -> Iterator[list[str]]:
    """Traces this process's allocations that meet a condition; the list is filled in the end."""
    sh(f"mountpoint -q {TRACE} || mount -t tracefs none {TRACE}")
    found: list[str] = []

    def put(name: str, text: str) -> None:
        with open(f"{TRACE}/{name}", "w", encoding="ascii") as f:
            f.write(text)

    put("trace", "")
    put("set_event_pid", str(os.getpid()))
    put(f"events/{event}/filter", condition)
    put(f"events/{event}/enable", "1")
    try:
        yield found
    finally:
        put(f"events/{event}/enable", "0")
        with open(f"{TRACE}/trace", encoding="ascii", errors="replace") as f:
            found += [line for line in f if not line.startswith("#")]
        put(f"events/{event}/filter", "0")
        put("set_event_pid", "")


def listings_need_no_large_blocks() -> None:
    """Trap 10: 2000 targets with up to 32 outputs are listed out of single pages, or what may fail to be larger."""
    with table(), Control() as control:
        for at in range(0, 2000, 200):
            control.run(*(record(ADD, Target(("10.9.0.1", 1 + n), [output(FAR, B)] * (32 if n % 50 == 0 else 1)).pack())
                          for n in range(at, at + 200)))
        with allocations("kmem/mm_page_alloc", "order > 1") as found:
            for name in ("list", "blist", "status"):
                with open(f"/proc/rtpengine/0/{name}", "rb", buffering=0) as f:
                    while f.read(65536):
                        pass
            control.run(*(record(abi.GET, addr(("10.9.0.1", 1 + n))) for n in range(0, 300)))
        assert not [line for line in found if "__GFP_NORETRY" not in line], found
        with allocations("kmem/mm_page_alloc", "order >= 0") as found:
            control.run(*numbered(10))
        assert found, "the trace is blind"


def time_of_the_last_packet() -> None:
    """Trap 22: it moves with each packet forwarded, and with no other, so that no call ends that has media."""
    with forwarding() as (control, _, a, b):
        last = 0.0
        for n in range(4):
            before = time.time()
            a.sendto(net.rtp(n), NEAR)
            assert b.recv(2048)
            state = control.state(NEAR)
            seen = {state.counters.last_us / 1e6, state.outputs[0].counters.last_us / 1e6}
            assert len(seen) == 1 and before - 0.01 <= seen.pop() <= time.time() + 0.01, (before, state)
            assert state.counters.last_us > last
            last = state.counters.last_us
            time.sleep(0.02)
        assert control.state(NEAR).counters.last_us == last


def own_and_impossible_sources() -> None:
    """T7: datagrams that say they come from us, from everybody or from nobody go no further, or once."""
    sources = {"10.1.0.1": 0, "10.2.0.1": 0, "127.0.0.1": 0, "255.255.255.255": 0, "224.0.0.1": 0,
               "10.1.0.255": 1, "169.254.169.254": 1}
    with forwarding() as (control, relay, _, b), raw_ip() as raw:
        for source, most in sources.items():
            raw.sendto(ip4(net.rtp(1))[:12] + socket.inet_aton(source) + ip4(net.rtp(1))[16:], (NEAR[0], 0))
            b.settimeout(0.1)
            assert len(net.receive(b, 9)) <= most, source
        assert control.state(NEAR).outputs[0].counters.packets <= sum(sources.values()) and net.silent(relay, 0.05)
    with table(), net.Rule(), Control() as control, net.peer(A) as a:
        for there in ("255.255.255.255", "10.2.0.255", "0.0.0.0"):
            assert control.one(ADD, Target(NEAR, [output(FAR, (there, 9))]).pack()) < 0, there
        control.add(Target(NEAR, [output(FAR, ("127.0.0.1", 30002))]), abi.REPLACE)
        for n in range(3):
            a.sendto(net.rtp(n), NEAR)
        state = control.state(NEAR)
        assert state.counters.packets == 3 and state.outputs[0].counters.packets <= 3, state


def bad_tags_without_end() -> None:
    """T12: 20,000 packets that fail authentication: not a line in the log, the call stays up, none is tracked."""
    keys = abi.keys(2, 2, bytes(range(16)), bytes(range(14)))
    dice = random.Random(12)
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B) as b, net.udp(NEAR) as relay:
        control.add(Target(NEAR, [output(FAR, B)], decrypt=keys))
        log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(log, 0, os.SEEK_END)
        for n in range(20000):
            a.sendto(net.rtp(n, ssrc=dice.randrange(1 << 32), pt=n % 128) if n % 4
                     else net.rtcp() + struct.pack(">I10s", 1 << 31 | n, b"wrong"), NEAR)
        state = control.state(NEAR)
        assert state.drops == {"auth": 20000} and not state.ssrcs, state
        assert (state.counters.packets, state.counters.errors) == (0, 20000), state
        try:
            said = os.read(log, 8192)
        except BlockingIOError:
            said = b""
        os.close(log)
        assert not said, said
        assert net.silent(b, 0.05) and net.silent(relay, 0.05)


def tapped_and_decrypted() -> None:
    """T17: decryption in place happens in data of our own; a tap sees what came."""
    keys = suite("AES_CM_128")
    packets = [net.rtp(n) for n in range(10)]
    sealed = [seal_rtp(keys, packet) for packet in packets]
    everything = 3
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B) as b, \
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(everything)) as tap:
        tap.settimeout(1)
        control.add(Target(NEAR, [output(FAR, B)], decrypt=abi.keys(2, 2, keys.key, keys.salt)))
        for data in sealed:
            a.sendto(data, NEAR)
        assert net.receive(b, 10) == packets
        seen = [p[14:] for p in net.receive(tap, 20)]
        assert [p[28:] for p in seen if p[16:20] == socket.inet_aton(NEAR[0])] == sealed
        assert [p[28:] for p in seen if p[16:20] == socket.inet_aton(net.B4)] == packets
