# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon with the module: keys from DTLS, keys that change during a call, and what RTCP says of quality."""
import struct
import threading
import time

from controlplane.rtcp.packet import middle
from tests.kernel.guest import net
from tests.kernel.guest.case_daemon import (_Call, _eventually, _forwarded, _key, _model, _offloaded_ports,
                                            _ports, _running, _settled)
from tests.kernel.guest.net import A4, B4
from tests.peers import sdp, srtp
from tests.peers.dtls import DtlsPeer

NTP_EPOCH = 2208988800


def _material(both: bytes) -> srtp.Keys:
    return srtp.Keys("AES_CM_128", both[:16], both[16:])


class _DtlsSide:
    """The peer at `b`, which speaks DTLS-SRTP: what arrives under the keys of any of its handshakes is noted."""

    def __init__(self) -> None:
        self.sock = net.peer((B4, next(_ports)), timeout=0.1)
        self.dtls = self._listens = DtlsPeer(active=True)
        self.there = ("", 0)
        self.keys: list[tuple[bytes, bytes]] = []
        self.indices: list[srtp.Indices] = []
        self._heard: list[bytes] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self.sender: srtp.Sender | None = None

    @property
    def body(self) -> str:
        return sdp.body(B4, self.sock.getsockname()[1], protocol="UDP/TLS/RTP/SAVP", attributes=[
            "rtcp-mux", "setup:active", f"fingerprint:{self.dtls.fingerprint()}"])

    def shake_hands(self) -> None:
        """Have those who listen begin a connection."""
        self._listens = self.dtls
        if not self._thread.is_alive():
            self._thread.start()
        _eventually("a handshake", lambda: self.dtls.done)
        sent, received = self.dtls.keys
        self.sender = srtp.Sender(_material(sent))
        self.keys.append((sent, received))
        self.indices.append(srtp.Indices())

    def _listen(self) -> None:
        while not self._end.is_set():
            try:
                data = self.sock.recv(4096)
            except TimeoutError:
                data = b""
            if data and data[0] >= 64:
                self._heard.append(data)
                data = b""
            dtls = self._listens
            for answer in dtls.receive(data) if data or not dtls.done else ():
                self.sock.sendto(answer, self.there)

    @property
    def heard(self) -> int:
        """Packets of media so far."""
        return len(self._heard)

    def stop(self) -> list[tuple[int, int]]:
        """Which keys (by number) and sequence number each packet had, in the order of arrival."""
        self._end.set()
        self._thread.join()
        return [self._open(packet) for packet in self._heard]

    def _open(self, packet: bytes) -> tuple[int, int]:
        for number in reversed(range(len(self.keys))):
            index = self.indices[number].guess(int.from_bytes(packet[2:4], "big"))
            try:
                srtp.open_rtp(_material(self.keys[number][1]), packet, index >> 16)
            except srtp.Refused:
                continue
            assert self.indices[number].take(index), "an index twice under the same key"
            return number, index
        raise AssertionError(f"under no key of ours: {packet[:16].hex()}")


def dtls() -> None:
    """A call with keys from DTLS is forwarded by the kernel, and goes on when another handshake gives others."""
    daemon = _running()
    with daemon.client(timeout=20) as client:
        side, a = _DtlsSide(), net.peer((A4, next(_ports)), timeout=30)
        keys = {"call-id": "kernel-dtls", "from-tag": "a"}

        def invite() -> tuple[str, int]:
            """An offer of the plain one, and the answer with the certificate that the other one has now."""
            offered = client.send({
                "command": "offer", **keys, "sdp": sdp.body(A4, a.getsockname()[1], attributes=["rtcp-mux"]),
                "direction": ["a", "b"], "transport-protocol": "UDP/TLS/RTP/SAVP", "SDES": ["off"]})
            answered = client.send({"command": "answer", **keys, "to-tag": "b", "sdp": side.body})
            (told_b,), (told_a,) = sdp.sections(offered["sdp"]), sdp.sections(answered["sdp"])
            side.there = (told_b.address, told_b.port)
            return told_a.address, told_a.port

        place = invite()
        side.shake_hands()
        to_plain = iter(range(10000))

        def answer_back(count: int) -> None:
            assert side.sender is not None
            for _ in range(count):
                packet = net.rtp(next(to_plain), pt=8, ssrc=2)
                side.sock.sendto(side.sender.protect(packet), side.there)
                assert net.receive(a, 1) == [packet]

        def heard() -> bool:
            """Whether ours are the keys that the daemon goes by."""
            assert side.sender is not None
            side.sock.sendto(side.sender.protect(net.rtp(next(to_plain), pt=8, ssrc=2)), side.there)
            return not net.silent(a)

        def in_kernel() -> bool:
            return {place[1], side.there[1]} <= _offloaded_ports()
        _eventually("keys", heard)
        while not net.silent(a):
            pass
        sender = net.Sender(a, place, gap=0.02)
        answer_back(3)
        sender.start()
        _eventually("in the kernel", in_kernel)
        answer_back(20)
        side.dtls = DtlsPeer(active=True)
        invite()
        side.shake_hands()
        _eventually("other keys", heard)
        while not net.silent(a):
            pass
        answer_back(3)
        _eventually("in the kernel under the new keys", in_kernel)
        answer_back(20)
        kernel = _forwarded(daemon)[1]      # as it was up to a second ago
        _eventually("150 more by the kernel", lambda: _forwarded(daemon)[1] > kernel + 150)
        sent = sender.stop()
        _eventually("all of them", lambda: side.heard >= sent)
        got = side.stop()
        # in user space a packet may wait, and be overtaken by one that the kernel forwards
        assert sorted(index for _, index in got) == list(range(sent)), f"{len(got)} of {sent}"
        numbers = [number for number, _ in got]
        assert numbers == sorted(numbers) and set(numbers) == {0, 1}, "the new keys replace the old ones once"
        client.send({"command": "delete", **keys})
        a.close()
        side.sock.close()


def other_sdes_keys() -> None:
    """A re-INVITE with other keys of SDES: each packet leaves, and is let in, under those that hold."""
    daemon = _running()
    call = _Call(daemon, A4, B4, ("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"))
    call.talk(5)
    _eventually("in the kernel", call.offloaded)
    for side, seed in ((0, 77), (1, 78)):
        own = call.own[side]
        assert own is not None and call.senders[side] is not None
        replaced, fresh = call.senders[side], _key(own.suite.name, seed)
        assert fresh is not None and replaced is not None
        call.own = (fresh, call.own[1]) if side == 0 else (call.own[0], fresh)
        new = srtp.Sender(_model(fresh))
        call.senders = (new, call.senders[1]) if side == 0 else (call.senders[0], new)
        call.move(side)
        call.talk(5)
        _eventually("in the kernel again", call.offloaded)
        call.sockets[side].sendto(replaced.protect(net.rtp(call.seqs[side], pt=8, ssrc=side + 1)),
                                  call.places[side])
        assert net.silent(call.sockets[1 - side]), "a packet under the keys of before"
        _, kernel = _settled(daemon)
        call.talk(10)
        _eventually("20 packets more by the kernel", lambda: _forwarded(daemon)[1] == kernel + 20)
    call.delete()
    call.close()


def _ntp(now: float) -> int:
    return int((now + NTP_EPOCH) * 2 ** 32)


def quality() -> None:
    """Reports that the kernel forwards are heard by the daemon: MOS, jitter and round trips of the call."""
    daemon = _running()
    call = _Call(daemon, A4, B4)
    call.talk(20)
    _eventually("in the kernel", call.offloaded)
    (a, a_port), (b, b_port) = (s.getsockname()[:2] for s in call.sockets)
    with net.peer((a, a_port + 1)) as left, net.peer((b, b_port + 1)) as right:
        ends = (left, right)
        there = tuple((host, port + 1) for host, port in call.places)
        heard, at = [0, 0], [0.0, 0.0]
        for turn in range(60):
            for side in (0, 1):
                now = time.time()
                delay = int(65536 * (now - at[side])) if heard[side] else 0
                ends[side].sendto(struct.pack(
                    ">BBHIQIII IBBHIIII", 0x81, 200, 12, side + 1, _ntp(now), 160, 20, 3440, 2 - side, 26, 0, 2,
                    20, 80, heard[side], delay), there[side])
                heard[1 - side], at[1 - side] = middle(_ntp(now)), time.time()
                time.sleep(0.3)
                net.receive(ends[1 - side], 1)
                at[1 - side] = time.time()
            reply = call.client.send({"command": "query", "call-id": call.keys["call-id"]})
            scored = [reply["SSRC"].get(ssrc, {}).get("average MOS", {}).get("samples", 0) for ssrc in "12"]
            if turn >= 7 and all(scored):   # there is none without a round trip, which delays may hide
                break
    totals = daemon.client(timeout=20).send({"command": "statistics"})["statistics"]
    for ssrc in ("1", "2"):
        entry = reply["SSRC"][ssrc]
        assert entry["average MOS"]["samples"] >= 1 and entry["average MOS"]["jitter"] == 10, reply["SSRC"]
        assert entry["average MOS"]["MOS"] >= 10 and entry["average MOS"]["packet loss"] == 10
    assert any(reply["SSRC"][ssrc]["average MOS"]["round-trip time leg"] > 0 for ssrc in ("1", "2"))
    samples = totals["voip_metrics"]
    assert totals["mos"]["mos_samples_total"] >= 2 and float(samples["jitter_total"]) > 0
    assert float(samples["rtt_dsct_total"]) > 0
    call.delete()
    call.close()
