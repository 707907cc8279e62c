# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon with the module: calls between namespaces, handed to the kernel and back, and a daemon that dies."""
import itertools
import os
import random
import re
import select
import shutil
import signal
import struct
import time
from functools import cache
from pathlib import Path
from typing import Any

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.dataplane.interception import Interception, drain, name_of
from controlplane.dataplane.kernel import KernelTable
from controlplane.dataplane.stats import OutputReader, TargetReader
from controlplane.events import WantedOutput, WantedTarget
from controlplane.srtp.crypto import Crypto, crypto_text, fresh, parse_crypto
from controlplane.srtp.suites import find_suite
from ctl.rule import Rule, install, remove
from tests.attack.ground import join
from tests.kernel.guest import net
from tests.kernel.guest.net import A4, A6, B4, B6, sh
from tests.kernel.guest.waiting import eventually as _eventually
from tests.kernel.guest.waiting import forwarded as _forwarded
from tests.kernel.guest.waiting import settled as _settled
from tests.peers import sdp, srtp
from tests.peers.daemon import Daemon, DaemonFailed
from tests.peers.netns import Namespace

INTERFACES = ("ground/10.10.0.1", "ground/fd0a::1", "a/10.1.0.1", "a/fd00:1::1", "b/10.2.0.1", "b/fd00:2::1")
"""The first are for attacks (tests/attack/ground.py), and are there once _ground_network() was called."""
_ports = itertools.count(20000, 2)
_calls = itertools.count(1)
_shared: list[Daemon] = []


@cache
def _ground_network() -> tuple[Namespace, Namespace]:
    """The guest itself and the others, as attacks have them; made before the daemon that has its addresses."""
    host, others = Namespace("host", os.getpid()), Namespace("net")
    join(host, others)
    return host, others


def _start(*options: str) -> Daemon:
    """The daemon with table 0 and its rule (in nftables: python-iptables takes a minute to load in the guest)."""
    _ground_network()
    while _shared:
        assert _shared.pop().stop(300) == 0
    return Daemon(interfaces=INTERFACES, table=0, patience=300, options=(
        "--config-file=none", "--iptables-rule", "--iptables-backend=nft", "--delete-delay=0", "--timeout=3600",
        *options))


def _running() -> Daemon:
    """One that several cases use, as nothing takes the guest longer than its start; _start() ends it."""
    if not _shared:
        _shared.append(_start())
    return _shared[0]


def _key(name: str | None, seed: int) -> Crypto | None:
    suite = find_suite(name) if name else None
    return fresh(1, suite, random.Random(seed)) if suite else None


def _model(crypto: Crypto) -> srtp.Keys:
    """The same for the model of SRTP."""
    names = {number: name for name, (number, _, _) in srtp.CIPHERS.items()}
    suite = crypto.suite
    return srtp.Keys(names[suite.cipher], crypto.key, crypto.salt, suite.rtp_tag, suite.rtcp_tag, crypto.mki,
                     crypto.flags, "NONE" if suite.is_aead else "SHA1")


def _offloaded_ports() -> set[int]:
    """Those that the kernel's table has targets for."""
    return {int(port) for port in re.findall(r"^local inet\d \S*:(\d+)$", sh("cat /proc/rtpengine/0/list"), re.M)}


class _Call:
    """A call between a peer at `a` and one at `b`; sockets[0] sends to places[0], and so on.

    `suites`: names of those with which the peers encrypt, None for a plain one.
    """

    def __init__(self, daemon: Daemon, a: str, b: str, suites: tuple[str | None, str | None] = (None, None)) -> None:
        self.client = daemon.client(timeout=20)
        self.own = tuple(_key(name, side) for side, name in enumerate(suites))
        self.told: list[Crypto | None] = [None, None]
        self.indices = [srtp.Indices(), srtp.Indices()]
        self.senders = tuple(srtp.Sender(_model(own)) if own else None for own in self.own)
        self.keys = {"call-id": f"kernel-{next(_calls)}", "from-tag": "a", "DTLS": "off"}
        self.addresses = (a, b)
        self.sockets = tuple(net.peer((each, next(_ports)), timeout=30) for each in (a, b))
        self.seqs = [65500, 65500] if any(suites) else [0, 0]
        told_b = self._signal("offer", 0, {"direction": ["a", "b"], "address-family": "IP6" if ":" in b else "IP4"})
        told_a = self._signal("answer", 1, {"to-tag": "b"})
        self.places = ((told_a.address, told_a.port), (told_b.address, told_b.port))

    def _signal(self, command: str, side: int, more: dict[str, Any]) -> sdp.Section:
        profile = {"transport-protocol": self._profile(1)} if command == "offer" else {}
        reply = self.client.send({"command": command, **self.keys, **profile, **more, "sdp": self._body(side)})
        assert reply["result"] == "ok", reply
        return self._hear(1 - side, reply["sdp"])

    def _profile(self, side: int) -> str:
        return "RTP/SAVP" if self.own[side] else "RTP/AVP"

    def _body(self, side: int) -> str:
        own = self.own[side]
        return sdp.body(self.addresses[side], self.sockets[side].getsockname()[1], protocol=self._profile(side),
                        attributes=[crypto_text(own)] if own else [])

    def _hear(self, side: int, body: str) -> sdp.Section:
        """What a side is told; under another key roll-overs are counted anew."""
        (section,) = sdp.sections(body)
        own, told = self.own[side], self.told[side]
        assert section.protocol == self._profile(side)
        lines = [parse_crypto(each[7:]) for each in section.attributes if each.startswith("crypto:")]
        assert bool(lines) == bool(own)
        if own is not None:
            found = next(each for each in lines if each is not None and each.suite is own.suite)
            if told is None or found[1:4] != told[1:4]:
                self.indices[side] = srtp.Indices()
            self.told[side] = found
        return section

    def _opened(self, side: int, packets: list[bytes]) -> list[bytes]:
        """What a side makes of what it has received, whose roll-over counter is that of the sender."""
        told = self.told[side]
        if told is None:
            return packets
        indices = self.indices[side]
        found = []
        for packet in packets:
            index = indices.guess(int.from_bytes(packet[2:4], "big"))
            assert indices.take(index)
            found.append(srtp.open_rtp(_model(told), packet, index >> 16))
        return found

    def move(self, side: int) -> None:
        """A re-INVITE: this side receives and sends elsewhere from now on."""
        self.sockets[side].close()
        fresh = net.peer((self.addresses[side], next(_ports)), timeout=30)
        self.sockets = (fresh, self.sockets[1]) if side == 0 else (self.sockets[0], fresh)
        tags = {"from-tag": "ab"[side], "to-tag": "ab"[1 - side]}
        told = []
        for command, who in (("offer", side), ("answer", 1 - side)):
            reply = self.client.send({"command": command, "call-id": self.keys["call-id"], "DTLS": "off", **tags,
                                      "sdp": self._body(who)})
            assert reply["result"] == "ok", reply
            told.append(self._hear(1 - who, reply["sdp"]))
        places = [(told[1].address, told[1].port), (told[0].address, told[0].port)]
        self.places = (places[0], places[1]) if side == 0 else (places[1], places[0])

    def talk(self, count: int) -> None:
        """Both sides send and each receives everything, unchanged and in order."""
        for side in (0, 1):
            sent = [net.rtp(self.seqs[side] + i, pt=8, ssrc=side + 1) for i in range(count)]
            self.seqs[side] += count
            got = []
            sender = self.senders[side]
            for packet in sent:
                self.sockets[side].sendto(sender.protect(packet) if sender else packet, self.places[side])
                got += self._opened(1 - side, net.receive(self.sockets[1 - side], 1))
            assert got == sent, f"side {side}: {len(got)} of {count} arrived"

    def rtcp(self) -> None:
        """A sender report from a to b, port by port."""
        (a, a_port), (b, b_port) = (s.getsockname()[:2] for s in self.sockets)
        with net.peer((a, a_port + 1), 30) as left, net.peer((b, b_port + 1), 30) as right:
            report = struct.pack(">BBHIQIII", 0x80, 200, 6, 1, 1, 2, 3, 4)
            for _ in range(3):      # the first ones are learned from
                left.sendto(report, (self.places[0][0], self.places[0][1] + 1))
                right.sendto(report, (self.places[1][0], self.places[1][1] + 1))
                time.sleep(0.2)
            assert len(net.receive(right, 3)) == 3 and len(net.receive(left, 3)) == 3

    def offloaded(self) -> bool:
        """Both directions are in the kernel's table."""
        return {port for _, port in self.places} <= _offloaded_ports()

    def streams(self) -> list[dict[str, Any]]:
        """The RTP streams as `query` shows them."""
        reply = self.client.send({"command": "query", "call-id": self.keys["call-id"]})
        assert reply["result"] == "ok", reply
        return [media["streams"][0] for tag in reply["tags"].values() for media in tag["medias"]]

    def delete(self) -> None:
        reply = self.client.send({"command": "delete", "call-id": self.keys["call-id"], "from-tag": "a"})
        assert reply["result"] == "ok" and "warning" not in reply, reply

    def close(self) -> None:
        for each in self.sockets:
            each.close()
        self.client.close()


def _one_call(daemon: Daemon, a: str, b: str) -> None:
    call = _Call(daemon, a, b)
    try:
        call.talk(2)
        _eventually("both directions in the kernel", call.offloaded)
        user, kernel = _settled(daemon)
        call.talk(50)
        streams = call.streams()
        assert [s["stats"]["packets"] for s in streams] == [52, 52], streams
        assert all("kernelized" in s["flags"] and "no kernel support" not in s["flags"] for s in streams), streams
        call.rtcp()
        _eventually("100 packets more by the kernel", lambda: _forwarded(daemon)[1] >= kernel + 100)
        assert _forwarded(daemon)[0] <= user + 12, "the relay saw more than the RTCP that it learned from"
    finally:
        call.delete()
        call.close()
    assert "local" not in sh("cat /proc/rtpengine/0/list"), "targets stay behind"


def re_invite() -> None:
    """A side that moves takes its stream back to user space and into the kernel again; every packet arrives."""
    daemon = _running()
    before = sum(_settled(daemon))
    call = _Call(daemon, A4, B4)
    call.talk(5)
    _eventually("in the kernel", call.offloaded)
    for side in (1, 0):
        call.talk(10)
        call.move(side)
        call.talk(10)
        _eventually("in the kernel again", call.offloaded)
    call.talk(10)
    call.delete()
    assert sum(_settled(daemon)) == before + 110
    call.close()


def encrypted() -> None:
    """The kernel encrypts too: every kind of suite, over a roll-over, to a side that moves."""
    daemon = _running()
    for suites in (("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_80"), ("AES_256_CM_HMAC_SHA1_32", None),
                   (None, "AEAD_AES_128_GCM"), ("AEAD_AES_256_GCM", "AES_192_CM_HMAC_SHA1_80")):
        call = _Call(daemon, A4, B6, suites)
        call.talk(5)
        _eventually("in the kernel", call.offloaded)
        user, kernel = _settled(daemon)
        call.talk(50)
        _eventually("100 packets more by the kernel", lambda: _forwarded(daemon)[1] == kernel + 100)
        assert _settled(daemon)[0] == user
        assert [stream.get("crypto suite") for stream in call.streams()] == list(suites)
        for side in (1, 0):
            call.move(side)
            call.talk(5)
            _eventually("in the kernel again", call.offloaded)
            call.talk(5)
        stranger = srtp.seal_rtp(srtp.suite("AES_CM_128", 99), net.rtp(1, pt=8))
        for side in (0, 1):
            if call.own[side]:
                call.sockets[side].sendto(stranger, call.places[side])
                assert net.silent(call.sockets[1 - side])
        call.delete()
        call.close()


def calls() -> None:
    """IPv4, IPv6 and both mixed: after the first packets the kernel forwards and the relay is idle."""
    with _start() as daemon:
        assert "RTPENGINE id:0" in sh("iptables-nft -nL INPUT") and "RTPENGINE id:0" in sh("ip6tables-nft -nL INPUT")
        for a, b in ((A4, B4), (A6, B6), (A4, B6), (A6, B4)):
            _one_call(daemon, a, b)
        assert daemon.stop(300) == 0, daemon.log_tail()
        assert sh("cat /proc/rtpengine/list") == "", f"the daemon leaves its table behind\n{daemon.log_tail()}"
    for tool in ("iptables-nft", "ip6tables-nft"):
        assert "RTPENGINE" not in sh(f"{tool} -nL INPUT"), f"the daemon leaves its rule behind ({tool})"


def one_daemon_per_table() -> None:
    """A second daemon on the same table says who has it; with no-fallback it does not start."""
    with _start() as first:
        try:
            with _start("--no-fallback"):
                raise AssertionError("two daemons own table 0")
        except DaemonFailed as refusal:
            assert "status 1" in str(refusal) and f"belongs to the process {first.pid}" in str(refusal), refusal
        with _start() as second:
            assert "FAILED TO CREATE KERNEL TABLE 0 (Device or resource busy), KERNEL FORWARDING DISABLED" \
                in second.log_text()
        _one_call(first, A4, B4)


def killed() -> None:
    """Killed under traffic: the kernel goes on forwarding, and the next daemon takes over table and rule."""
    for _ in range(2):
        daemon = _start()
        call = _Call(daemon, A4, B4)
        call.talk(2)
        _eventually("in the kernel", call.offloaded)
        sender = net.Sender(call.sockets[0], call.places[0])
        sender.start()
        os.kill(daemon.pid, signal.SIGKILL)
        daemon.process.wait()
        assert len(net.receive(call.sockets[1], 20)) == 20, "the kernel stopped with the daemon"
        sender.stop()
        call.close()
    with _start() as daemon:
        _one_call(daemon, A4, B4)
    assert sh("cat /proc/rtpengine/list") == ""
    sh("rmmod xt_RTPENGINE")
    assert not Path("/proc/rtpengine").exists()
    with _start() as daemon:
        assert "FAILED TO CREATE KERNEL TABLE 0 (No such file or directory), KERNEL FORWARDING DISABLED" \
            in daemon.log_text()
    sh(f"insmod {os.environ['RTPE_MODULE']}")


def legacy_rule() -> None:
    """python-iptables finds our extension and puts the rule into the legacy tables, where iptables-legacy sees it."""
    own, system = os.environ.pop("XTABLES_LIBDIR").split(":")
    shutil.copy(f"{own}/libxt_RTPENGINE.so", system)
    rule = Rule.for_table(7)
    assert [o.changed for o in install(rule, backend="legacy")] == [True, True]
    assert [o.changed for o in install(rule, backend="legacy")] == [False, False]
    for tool in ("iptables-legacy", "ip6tables-legacy"):
        assert sh(f"{tool} -S INPUT").count("-A INPUT -p udp -j RTPENGINE --id 7") == 1
    assert [o.present for o in remove(rule, backend="legacy")] == [False, False]
    for tool in ("iptables-legacy", "ip6tables-legacy"):
        assert "RTPENGINE" not in sh(f"{tool} -S INPUT")
    os.environ["XTABLES_LIBDIR"] = f"{own}:{system}"


def shim() -> None:
    """What the daemon reads of the module's statistics, by mmap and by read, is what the text in `list` says."""
    engine = KernelTable(9)
    near, far = Endpoint.parse("10.1.0.1:30000"), Endpoint.parse("10.2.0.1:30002")
    with net.peer((A4, 9000)) as a, net.peer((B4, 9002)) as b, net.Rule(9, "nft"):
        wanted = WantedTarget(near, (WantedOutput(far, Endpoint.parse(f"{B4}:9002")),), payload_types=((8, 8000),))
        batch = abi.batch(abi.add_target(wanted))
        (reply,) = abi.replies(engine.command(batch))
        slot, (output_slot,) = abi.read_slots(reply.check("target"))
        for n in range(25):
            a.sendto(net.rtp(n, pt=8, payload=b"x" * (100 + n)), ("10.1.0.1", 30000))
        assert len(net.receive(b, 25)) == 25
        reader, sent = TargetReader(engine), OutputReader(engine)
        (state,) = engine.states()
        assert (state.local, state.slot, state.outputs[0].slot) == (near, slot, output_slot)
        assert reader.counters(slot) == state.counters and reader.sources(slot) == state.sources
        assert sent.counters(output_slot) == state.outputs[0].counters
        assert (state.sources[0].ssrc, state.sources[0].packets, state.sources[0].lost) == (0x11223344, 25, 0)
        text = Path("/proc/rtpengine/9/list").read_text()
        lines = re.findall(r"stats: +(\d+) bytes, +(\d+) packets, +(\d+) errors", text)
        read = [(c.bytes, c.packets, c.errors) for c in (reader.counters(slot), sent.counters(output_slot))]
        assert [tuple(map(int, line)) for line in lines] == read, text
        assert read[0] == (25 * 112 + sum(range(25)), 25, 0) and "11223344" in text
    engine.close()


def interception() -> None:
    """The recorder's side: a stream by its call-ID, whatever that is, a reader to wait for, and the end."""
    engine = KernelTable(9)
    near, far = Endpoint.parse("10.1.0.1:30000"), Endpoint.parse("10.2.0.1:30002")
    calls, call = Interception(engine), name_of("../../1/2@example")
    calls.add_call(call)
    stream = calls.add_stream(call, "RTP 1", 3)
    reader = engine.read_stream(stream)
    with net.peer((A4, 9000)) as a, net.peer((B4, 9002)) as b, net.Rule(9, "nft"):
        wanted = WantedTarget(near, (WantedOutput(far, Endpoint.parse(f"{B4}:9002")),), payload_types=((8, 8000),))
        batch = abi.batch(abi.add_target(wanted, stream=stream.index))
        next(abi.replies(engine.command(batch))).check("target")
        assert reader.read() is None and not select.select([reader], [], [], 0)[0]
        for n in range(5):
            a.sendto(net.rtp(n, pt=8), ("10.1.0.1", 30000))
        assert len(net.receive(b, 5)) == 5 and select.select([reader], [], [], 30)[0]
        assert [packet[28:] for packet in drain(reader)] == [net.rtp(n, pt=8) for n in range(2, 5)]
        calls.put(stream, b"not an IP packet")
        assert reader.read() == b"not an IP packet"
        calls.remove_call(call)
        assert select.select([reader], [], [], 30)[0] and drain(reader) == [b""]
        assert not os.listdir("/proc/rtpengine/9/calls")
    reader.close()
    engine.close()
