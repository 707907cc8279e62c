# SPDX-License-Identifier: GPL-3.0-or-later
"""Interception in the relay: what a recorder reads, when it is woken, and what its absence costs."""
from __future__ import annotations

import errno
import os
import select
import struct
import threading
from pathlib import Path

import pytest

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.dataplane.interception import FileReader, Interception, NativeReader, Stream, drain, name_of
from controlplane.errors import DataPlaneError
from controlplane.events import WantedOutput, WantedTarget
from tests.unit.dataplane.rig import PATIENCE, Peer, Rig, rtcp, rtp, wait


def checksum(data: bytes) -> int:
    """RFC 1071, over whole 16-bit words (an odd byte is followed by zero)."""
    padded = data + bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def open_packet(packet: bytes) -> tuple[Endpoint, Endpoint, bytes]:
    """Source, destination and payload of an IP packet whose lengths and checksums are right."""
    if packet[0] >> 4 == 4:
        assert packet[0] == 0x45 and packet[9] == 17 and checksum(packet[:20]) == 0xFFFF
        assert struct.unpack("!H", packet[2:4])[0] == len(packet)
        addresses, udp = packet[12:20], packet[20:]
        hosts = [".".join(map(str, addresses[at:at + 4])) for at in (0, 4)]
    else:
        assert packet[0] == 0x60 and packet[6] == 17 and struct.unpack("!H", packet[4:6])[0] == len(packet) - 40
        addresses, udp = packet[8:40], packet[40:]
        hosts = ["[" + ":".join(f"{word:x}" for word in struct.unpack("!8H", addresses[at:at + 16])) + "]"
                 for at in (0, 16)]
    source, destination, length, said = struct.unpack("!4H", udp[:8])
    assert length == len(udp) and said
    assert checksum(addresses + struct.pack("!2H", 17, length) + udp) == 0xFFFF
    return (Endpoint.parse(f"{hosts[0]}:{source}"), Endpoint.parse(f"{hosts[1]}:{destination}"), udp[8:])


def install(rig: Rig, wanted: WantedTarget, **streams: int) -> None:
    """A target that copies to streams."""
    (reply,) = abi.replies(rig.relay.command(abi.batch(abi.add_target(wanted, **streams))))
    reply.check("target")


def readable(reader: NativeReader, patience: float = 0) -> bool:
    """Whether the reader's descriptor is, or becomes in time."""
    return bool(select.select([reader], [], [], patience)[0])


def next_packet(reader: NativeReader) -> bytes:
    """Waits as a recorder would."""
    while (packet := reader.read()) is None:
        assert readable(reader, PATIENCE), "never woken"
    return packet


class Recording:
    """A target whose packets go to ``b`` and to a stream."""

    def __init__(self, rig: Rig, family: int = 4, max_packets: int = 0, forward: bool = True):
        self.rig = rig
        self.a, self.b = rig.peer(family), rig.peer(family)
        self.near, self.far = rig.local(family), rig.local(family)
        self.calls = Interception(rig.relay)
        self.calls.add_call("call")
        self.stream = self.calls.add_stream("call", "stream", max_packets)
        outputs = (WantedOutput(self.far, self.b.endpoint),) if forward else ()
        self.target = WantedTarget(self.near, outputs, outputs, payload_types=((0, 8000),))
        install(rig, self.target, stream=self.stream.index)

    def send(self, first: int, count: int) -> list[bytes]:
        """Packets that arrived at the target."""
        before = self.rig.counters(self.near).packets
        packets = [rtp(n, bytes([n & 255]) * (n % 7)) for n in range(first, first + count)]
        for packet in packets:
            self.a.send(packet, self.near)
        assert wait(lambda: self.rig.counters(self.near).packets == before + count)
        return packets


@pytest.mark.parametrize("family", [4, 6])
def test_copies(family: int) -> None:
    """What is forwarded is also read, as whole IP packets from the peer to the target."""
    with Rig() as rig:
        recording = Recording(rig, family)
        with rig.relay.read_stream(recording.stream) as reader:
            assert reader.read() is None and not readable(reader)
            sent = recording.send(1, 5)
            assert recording.b.receive(5) == sent
            for packet in sent:
                assert open_packet(next_packet(reader)) == (recording.a.endpoint, recording.near, packet)
            assert reader.read() is None and not readable(reader)
            assert reader.overflows == 0


def test_without_outputs() -> None:
    """A target that forwards nothing can be intercepted."""
    with Rig() as rig:
        recording = Recording(rig, forward=False)
        reader = rig.relay.read_stream(recording.stream)
        (sent,) = recording.send(1, 1)
        assert open_packet(next_packet(reader))[2] == sent
        assert not recording.b.receive(1, 0.1)


def test_rtcp_stream() -> None:
    """RTCP goes to a stream of its own as well; pure feedback too, unless it is consumed."""
    with Rig() as rig:
        recording = Recording(rig)
        reports = recording.calls.add_stream("call", "reports")
        install(rig, recording.target, rtcp_stream=reports.index)
        reader = rig.relay.read_stream(reports)
        recording.send(1, 3)
        for packet in (rtcp(), rtcp(206)):
            recording.a.send(packet, recording.near)
            assert open_packet(next_packet(reader))[2] == packet
        assert reader.read() is None


def test_nobody_reads() -> None:
    """T24, trap 21: with no reader, or one that stalls, the queue keeps its bound and the newest; media goes on."""
    with Rig() as rig:
        recording = Recording(rig, max_packets=3)
        stalled = rig.relay.read_stream(recording.stream)
        sent = recording.send(1, 50)
        assert recording.b.receive(50) == sent
        assert readable(stalled)
        assert [open_packet(packet)[2] for packet in drain(stalled)] == sent[-3:]
        assert stalled.overflows == 47
        sent = recording.send(51, 2)
        assert [open_packet(next_packet(stalled))[2] for _ in range(2)] == sent


def test_the_end() -> None:
    """After the call is removed what waits can be read, then the end, again and again; the target goes on."""
    with Rig() as rig:
        recording = Recording(rig)
        reader = rig.relay.read_stream(recording.stream)
        sent = recording.send(1, 2)
        recording.calls.remove_call("call")
        assert readable(reader)
        got = drain(reader)
        assert [open_packet(packet)[2] for packet in got[:-1]] == sent and got[-1] == b""
        assert reader.read() == b"" and readable(reader)
        assert recording.b.receive(2) == sent
        recording.send(3, 1)
        assert reader.read() == b""
        with pytest.raises(DataPlaneError) as refusal:
            rig.relay.read_stream(recording.stream)
        assert refusal.value.errno == errno.ENOENT


def test_a_reader_that_waits_is_woken_by_the_end() -> None:
    with Rig() as rig:
        recording = Recording(rig)
        reader = rig.relay.read_stream(recording.stream)
        got: list[bytes] = []
        thread = threading.Thread(target=lambda: got.append(next_packet(reader)))
        thread.start()
        recording.calls.remove_stream(recording.stream)
        thread.join(PATIENCE)
        assert got == [b""]


def test_outlives_the_relay() -> None:
    """A reader may be used after the engine is gone."""
    with Rig() as rig:
        recording = Recording(rig)
        reader = rig.relay.read_stream(recording.stream)
        (sent,) = recording.send(1, 1)
    del rig, recording
    assert open_packet(drain(reader)[0])[2] == sent
    reader.close()
    reader.close()


def test_under_traffic() -> None:
    """Two threads of traffic, a reader that waits for its descriptor: nothing is lost, nothing comes twice."""
    with Rig() as rig:
        recording = Recording(rig, max_packets=4096)
        other = Peer()
        reader = rig.relay.read_stream(recording.stream)
        counts = (700, 900)

        def send(peer: Peer, ssrc: int, count: int) -> None:
            for n in range(count):
                peer.send(rtp(n, ssrc=ssrc), recording.near)
                if n % 20 == 0:
                    wait(lambda: False, 0.002)

        threads = [threading.Thread(target=send, args=(peer, n, counts[n]))
                   for n, peer in enumerate((recording.a, other))]
        for thread in threads:
            thread.start()
        seen: list[tuple[int, int]] = []
        while len(seen) < sum(counts):
            payload = open_packet(next_packet(reader))[2]
            seen.append((struct.unpack("!I", payload[8:12])[0], struct.unpack("!H", payload[2:4])[0]))
        for thread in threads:
            thread.join()
        other.close()
        for n, count in enumerate(counts):
            assert [number for ssrc, number in seen if ssrc == n] == list(range(count))
        assert reader.overflows == 0


def test_put() -> None:
    """A packet of one's own takes its place in the queue, without the padding of its record."""
    with Rig() as rig:
        recording = Recording(rig)
        reader = rig.relay.read_stream(recording.stream)
        recording.send(1, 1)
        packet = next_packet(reader)
        for length in (0, 1, 2, 5, 8):
            whole = packet[:2] + struct.pack("!H", 20 + length) + packet[4:20] + bytes(length)
            recording.calls.put(recording.stream, whole)
            assert next_packet(reader) == whole


def test_refusals() -> None:
    """What an engine does not take, with its reason."""
    with Rig() as rig:
        recording = Recording(rig)
        calls = recording.calls
        for name in ("", ".", "..", "a/b", "x" * 256, "a\0b"):
            with pytest.raises(DataPlaneError) as refusal:
                calls.add_call(name)
            assert refusal.value.errno == errno.EINVAL, name
        for add in (lambda: calls.add_call("call"), lambda: calls.add_stream("call", "stream")):
            with pytest.raises(DataPlaneError) as refusal:
                add()
            assert refusal.value.errno == errno.EEXIST
        with pytest.raises(DataPlaneError) as refusal:
            calls.add_stream("call", "long", 4097)
        assert refusal.value.errno == errno.ERANGE
        calls.remove_call("never added")
        with pytest.raises(DataPlaneError) as refusal:
            install(rig, recording.target, stream=recording.stream.index + 1)
        assert refusal.value.errno == errno.ENOENT
        assert rig.state(recording.near)


@pytest.mark.parametrize(("text", "name"), [
    ("1-2@host", "1-2@host"), ("a b", "a b"), ("a/b", "a%2Fb"), ("a%2Fb", "a%252Fb"), ("", "%"), (".", "%."),
    ("..", "%.."), ("...", "..."), ("a\0b\n", "a%00b%0A"), ("é", "%C3%A9")])
def test_names(text: str, name: str) -> None:
    """T27: no call-ID leads out of its directory."""
    assert name_of(text) == name


def test_long_names() -> None:
    """Names that are cut off differ all the same."""
    names = {name_of("/" * count + end) for count in (84, 85, 86, 300) for end in ("", "a", "b")}
    assert len(names) == 12 and max(map(len, names)) == 255


def test_file_reader(tmp_path: Path) -> None:
    """A file as the kernel module offers it: packets, nothing yet, the end, and the error of a removed one."""
    (tmp_path / "call").mkdir()
    os.mkfifo(tmp_path / "call" / "stream")
    reader = FileReader(tmp_path, Stream("call", "stream", 1))
    assert reader.read() == b""                 # no writer yet: what a FIFO calls the end
    with open(tmp_path / "call" / "stream", "wb", buffering=0) as writer:
        assert reader.read() is None
        writer.write(b"packet")
        assert select.select([reader], [], [], 0)[0] and reader.read() == b"packet"
    assert reader.read() == b""
    reader.close()
    reader.close()
    with pytest.raises(DataPlaneError) as refusal:
        FileReader(tmp_path, Stream("call", "other", 1))
    assert refusal.value.errno == errno.ENOENT
