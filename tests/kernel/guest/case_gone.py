# SPDX-License-Identifier: GPL-3.0-or-later
"""What packets run through is taken away under them: namespaces, devices, tables, owners."""
import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kernel.guest import crew, net
from tests.kernel.guest.abi import Control, Target, output
from tests.kernel.guest.case_random import Commander, Owner, Reader, Sink, Sprayer, Victim
from tests.kernel.guest.crew import NUMBERS, Worker
from tests.kernel.guest.links import Links
from tests.kernel.guest.net import sh
from tests.kernel.guest.tables import command, delete_all, table

NEAR, FAR = ("10.9.0.1", 30000), ("10.9.0.1", 30002)
NEAR6, FAR6 = ("fd00:9::1", 30000), ("fd00:9::1", 30002)


@contextmanager
def proxy(name: str) -> Iterator[None]:
    """A namespace that is a proxy of its own, with a link to one for its peers; whatever is left goes in the end."""
    sh(f"""set -e
ip netns add {name}; ip netns add {name}x
ip -n {name} link add p type veth peer name x netns {name}x
for n in {name}:p:1 {name}x:x:2; do
    ns=${{n%%:*}}; rest=${{n#*:}}; dev=${{rest%:*}}; end=${{rest#*:}}
    ip -n $ns link set lo up; ip -n $ns link set $dev up
    ip -n $ns addr add 10.9.0.$end/24 dev $dev; ip -n $ns addr add fd00:9::$end/64 dev $dev nodad
done
for tool in iptables-legacy ip6tables-legacy; do
    ip netns exec {name} $tool -I INPUT -p udp -j RTPENGINE --id 0
done""")
    try:
        yield
    finally:
        sh(f"ip netns del {name}; ip netns del {name}x", check=False)


def _install(name: str) -> None:
    """Targets for the namespace's addresses, with outputs of both families."""
    net.enter(name)
    try:
        with Control() as control:
            outputs = [output(FAR, ("10.9.0.2", 20000)), output(FAR6, ("fd00:9::2", 20000))]
            control.add(Target(NEAR, outputs))
            control.add(Target(NEAR6, outputs * 2))
    finally:
        net.enter("")


def _senders(name: str) -> list[Worker]:
    """Two processes that send into the proxy."""
    socks = [(net.udp((host, 10000), f"{name}x"), to) for host, to in (("10.9.0.2", NEAR), ("fd00:9::2", NEAR6))]

    def job(sock: socket.socket, to: tuple[str, int]) -> crew.Job:
        def send(counts: Counter[str]) -> None:
            try:
                sock.sendto(net.rtp(1), to)
                counts["sent into what goes"] += 1
            except OSError:
                time.sleep(0.001)
        return send

    workers = [Worker(job(*pair), 2.5) for pair in socks]
    for sock, _ in socks:
        sock.close()
    return workers


def namespaces() -> None:
    """A proxy's namespace is deleted while packets run through it; the targets stay, forward nothing and can go."""
    for round_ in range(3):
        with table(), proxy("P"):
            _install("P")
            workers = _senders("P")
            time.sleep(0.7)
            begin = time.monotonic()
            sh(("ip netns del P", "ip netns del Px", "ip -n P link del p")[round_] + "; ip netns del P || true")
            NUMBERS["milliseconds to delete"] += int(1000 * (time.monotonic() - begin))
            for worker in workers:
                worker.finish()
            with Control() as control:
                assert control.state(NEAR).counters.packets and control.state(NEAR6).counters.packets
    sh("ip netns add P && ip netns del P")


def routes_of_a_lost_namespace() -> None:
    """Routes do not outlive their namespace: it is freed long before the targets that led through it."""
    with table():
        with proxy("P"):
            _install("P")
            sh("ip netns del P && ip netns del Px")
        for _ in range(4):          # one is freed when the next has been taken down, which takes its time
            sh("ip netns add P && ip netns del P && sleep 1.5")
        with Control() as control:
            assert [len(control.state(where).outputs) for where in (NEAR, NEAR6)] == [2, 4]
    sh("sleep 0.5")                 # what is left of the targets is freed after a grace period


def everything() -> None:
    """All at once: tables, owners and readers at random, owners killed, datagrams of all shapes to those tables."""
    seed, lasts = crew.seed(), crew.seconds(6)
    with Links() as links, net.Rule(0), net.Rule(1, "nft"):
        sink = Worker(Sink(strict=False), lasts + 1)
        crew.work([Owner(seed), Owner(seed + 1), Commander(seed + 2), Reader(seed + 3), Victim(seed + 4),
                   Sprayer(links, seed + 5)], lasts)
        sink.finish()
    delete_all()


def tables_under_storm() -> None:
    """Tables with targets are deleted while datagrams of all shapes meet them."""
    lasts, dice = crew.seconds(5), random.Random(crew.seed())

    def churn(counts: Counter[str]) -> None:
        assert command("add 0\n") > 0
        with Control() as control:
            for port in range(30000, 30016):
                control.add(Target(("10.1.0.1", port), [output(("10.2.0.1", 30102), (net.B4, 20000))] * 3))
        time.sleep(dice.random() * 0.02)
        assert command("del 0\n") > 0
        counts["tables deleted"] += 1

    with Links() as links, net.Rule():
        crew.work([churn, Sprayer(links, crew.seed())], lasts)
