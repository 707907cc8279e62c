# SPDX-License-Identifier: GPL-3.0-or-later
"""SRTP in the module: against the model, against libsrtp, and what becomes of its state."""
import errno
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from socket import socket

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import ADD, REPLACE, Control, Target, output, record
from tests.kernel.guest.tables import table
from tests.srtp import agreement, engine, traffic
from tests.srtp.engine import Keys
from tests.srtp.model import Model

A, B = (net.A4, 10000), (net.B4, 20000)
NEAR, FAR = ("10.1.0.1", 30000), ("10.2.0.1", 30002)
SSRC = 0x11223344
GROUP = 16      # packets on their way at once


def keys(cipher: int, seed: int, mki: bytes = b"", flags: int = 0, tag: int = 10) -> Keys:
    """Random keys of a suite."""
    random = Random(f"{cipher} {seed}")
    key_len = {engine.AES_CM_192: 24, engine.AES_CM_256: 32, engine.AES_GCM_256: 32}.get(cipher, 16)
    if cipher in (engine.AES_GCM_128, engine.AES_GCM_256):
        return Keys(cipher, random.randbytes(key_len), random.randbytes(12), engine.HMAC_NONE, 16, 16, mki, flags)
    return Keys(cipher, random.randbytes(key_len), random.randbytes(14), engine.HMAC_SHA1, tag, 10, mki, flags)


ALL = [keys(cipher, 1) for cipher in range(engine.NULL, engine.AES_GCM_256 + 1)] + [
    keys(engine.AES_CM_128, 2, tag=4), keys(engine.AES_CM_128, 3, b"mki!"), keys(engine.AES_GCM_128, 4, b"m" * 128),
    keys(engine.AES_CM_128, 5, flags=engine.UNENCRYPTED_RTP), keys(engine.AES_F8, 6, flags=engine.UNENCRYPTED_RTCP),
    keys(engine.AES_CM_256, 7, flags=engine.UNAUTHENTICATED_RTP),
    keys(engine.AES_GCM_256, 8, flags=engine.UNENCRYPTED_RTCP)]
ONE = keys(engine.AES_CM_128, 1)


def secured(decrypt: Keys | None = None, encrypt: Keys | None = None, more: bytes = b"", sent: bytes = b"") -> Target:
    """From A to B; `more` and `sent` are parts behind the keys of the target and of its output."""
    return Target(NEAR, [output(FAR, B, encrypt=encrypt.pack() if encrypt else b"", more=sent)],
                  decrypt=decrypt.pack() if decrypt else b"", more=more)


@contextmanager
def flow(target: Target) -> Iterator[tuple[Control, socket, socket]]:
    """The target in a table with a rule; its control file and both peers."""
    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B) as b:
        control.add(target)
        yield control, a, b


def through(a: socket, b: socket, packets: list[bytes]) -> list[bytes]:
    """What arrives of packets that are all forwarded."""
    got = []
    for at in range(0, len(packets), GROUP):
        some = packets[at:at + GROUP]
        for packet in some:
            a.sendto(packet, NEAR)
        got += net.receive(b, len(some))
    return got


def media(seed: int, start: int, count: int = 40) -> list[bytes]:
    """RTP of any shape from one source."""
    random = Random(seed)
    return [traffic.rtp(random, start + n, SSRC.to_bytes(4, "big")) for n in range(count)]


def reports(seed: int, count: int = 10) -> list[bytes]:
    """RTCP from the same source."""
    random = Random(seed)
    return [traffic.rtcp(random, SSRC.to_bytes(4, "big")) for n in range(count)]


def window(top: int) -> bytes:
    """rtpe_replay in which everything before `top` was used."""
    words = [0] * 16
    for index in range(max(0, top - 128), top):
        words[index // 16 % 16] = words[index // 16 % 16] & 0xFFFF | index // 16 << 16 | 1 << index % 16
    return struct.pack("<17Q", top, *words)


def states(rtp: int = 0, rtcp: int = 0, ssrc: int = SSRC) -> bytes:
    """RTPE_PART_SRTP_STATES with one source."""
    return abi.part(abi.SRTP_STATES, struct.pack(">I", ssrc) + b"\1\0\0\0" + window(rtp) + window(rtcp))


def decrypts_every_suite() -> None:
    """SRTP and SRTCP in, plain out, over a roll-over."""
    for n, k in enumerate(ALL):
        model, rtp, rtcp = Model(k), media(n, 65520), reports(n)
        with flow(secured(decrypt=k)) as (control, a, b):
            assert through(a, b, [model.rtp(p, 65520 + i) for i, p in enumerate(rtp)]) == rtp, k
            assert through(a, b, [model.rtcp(p, 5 + i) for i, p in enumerate(rtcp)]) == rtcp, k
            assert control.state(NEAR).drops.keys() <= {"payload_type"}


def encrypts_every_suite() -> None:
    """Plain in, SRTP and SRTCP out, over a roll-over."""
    for n, k in enumerate(ALL):
        model, rtp, rtcp = Model(k), media(n, 65520), reports(n)
        with flow(secured(encrypt=k)) as (control, a, b):
            assert through(a, b, rtp) == [model.rtp(p, 65520 + i) for i, p in enumerate(rtp)], k
            assert through(a, b, rtcp) == [model.rtcp(p, i) for i, p in enumerate(rtcp)], k
            sent = control.state(NEAR).outputs[0].counters
            assert (sent.errors, sent.bytes) == (0, sum(map(len, rtp + rtcp))), sent


def encrypts_anew() -> None:
    """From one suite to another, each output with keys of its own, the last one plain; both families."""
    first, other = keys(engine.AES_GCM_256, 9), keys(engine.AES_F8, 9, b"mki")
    rtp, v6 = media(1, 100), (net.B6, 20001)
    outputs = [output(FAR, B, encrypt=other.pack()), output(("fd00:2::1", 30004), v6, encrypt=first.pack()),
               output(FAR, (net.B4, 20003))]
    with flow(Target(NEAR, outputs, decrypt=ONE.pack())) as (_, a, b), net.peer(v6) as b6, \
            net.peer((net.B4, 20003)) as plain:
        assert through(a, b, [Model(ONE).rtp(p, 100 + i) for i, p in enumerate(rtp)]) == \
            [Model(other).rtp(p, 100 + i) for i, p in enumerate(rtp)]
        assert net.receive(b6, len(rtp)) == [Model(first).rtp(p, 100 + i) for i, p in enumerate(rtp)]
        assert net.receive(plain, len(rtp)) == rtp


def refuses_what_is_not_authentic() -> None:
    """Other keys, wrong bits, cut ends and plain packets are dropped and counted; they leave nothing behind."""
    stranger = Model(keys(engine.AES_CM_128, 99))
    for k in (ONE, keys(engine.AES_GCM_128, 1)):
        model, rtp = Model(k), media(3, 10, 4)
        good = [model.rtp(p, 10 + i) for i, p in enumerate(rtp)]
        bad = [stranger.rtp(rtp[0], 10), good[0][:-1] + bytes([good[0][-1] ^ 1]), good[0][:-1], rtp[0][:12],
               stranger.rtcp(reports(1)[0], 1), reports(1)[0]]
        with flow(secured(decrypt=k)) as (control, a, b):
            for packet in bad:
                a.sendto(packet, NEAR)
            assert net.silent(b)
            state = control.state(NEAR)
            assert state.drops == {"auth": len(bad)} and state.counters.errors == len(bad), state
            assert (state.counters.packets, state.ssrcs, state.srtp) == (0, [], b""), state
            assert through(a, b, good) == rtp


def refuses_replays() -> None:
    """What was accepted once, and what is too old to tell; late packets of the window come through."""
    model = Model(ONE)
    rtp = [net.rtp(n, payload=b"x" * 20) for n in range(400)]
    srtp = [model.rtp(p, n) for n, p in enumerate(rtp)]
    srtcp = model.rtcp(net.rtcp(), 7)
    with flow(secured(decrypt=ONE)) as (control, a, b):
        late = [300, 300 - 127, 301, 301 - 127]
        assert through(a, b, [srtp[n] for n in late]) == [rtp[n] for n in late]
        assert through(a, b, [srtcp]) == [net.rtcp()]
        for packet in (srtp[300], srtp[301 - 127], srtp[301 - 128], srtp[0], srtcp):
            a.sendto(packet, NEAR)
        assert net.silent(b)
        assert control.state(NEAR).drops == {"replay": 5}


def sends_no_index_twice() -> None:
    """Two packets with the same number would be encrypted with the same key stream: the second is not sent."""
    with flow(secured(encrypt=ONE)) as (control, a, b):
        for packet in (net.rtp(1000), net.rtp(1000, payload=b"other"), net.rtp(1000 - 128), net.rtp(1001)):
            a.sendto(packet, NEAR)
        assert net.receive(b, 2) == [Model(ONE).rtp(net.rtp(n), n) for n in (1000, 1001)]
        state = control.state(NEAR)
        assert state.drops == {"send": 2} and state.outputs[0].counters.errors == 2, state


def state_outlives_a_replacement() -> None:
    """With the same keys indices go on: no replay is taken, no index sent twice; with others they begin anew."""
    model, other = Model(ONE), keys(engine.AES_CM_128, 50)
    target = secured(ONE, ONE)
    for start in (0, 65536 * 3 + 65530):
        known = secured(ONE, ONE, more=states(start), sent=states(start))
        with flow(known) as (control, a, b):
            def exchange(*numbers: int) -> list[bytes]:
                for n in numbers:
                    a.sendto(model.rtp(net.rtp(n), n), NEAR)
                return net.receive(b, len(numbers))

            assert exchange(start + 3, start + 9) == [model.rtp(net.rtp(n), n) for n in (start + 3, start + 9)]
            for more in (target, secured(ONE, ONE, more=states(start), sent=states(start)), target):
                control.add(more, REPLACE)
                a.sendto(model.rtp(net.rtp(start + 9), start + 9), NEAR)
                assert net.silent(b)
            assert exchange(start + 10, start + 4) == [model.rtp(net.rtp(n), n) for n in (start + 10, start + 4)]
            before = control.state(NEAR)
            assert before.srtp and before.outputs[0].srtp and ONE.key not in before.srtp
            control.add(secured(ONE, other), REPLACE)
            assert control.state(NEAR).srtp == before.srtp and not control.state(NEAR).outputs[0].srtp
            assert exchange(start + 11) == [Model(other).rtp(net.rtp(start + 11), start + 11 & 0xFFFF)]


def state_moves_to_another_target() -> None:
    """What DEL answers, put into an ADD, goes on where the first one ended."""
    other = keys(engine.AES_CM_128, 51)     # under one key the sender's SRTCP indices would stay
    model, sent, n = Model(ONE), Model(other), 2 * 65536 + 65535
    with flow(secured(ONE, other, more=states(n), sent=states(n, 40))) as (control, a, b):
        a.sendto(model.rtp(net.rtp(n), n), NEAR)
        a.sendto(model.rtcp(net.rtcp(), 3), NEAR)
        assert net.receive(b, 2) == [sent.rtp(net.rtp(n), n), sent.rtcp(net.rtcp(), 40)]
        state = control.remove(NEAR)
        control.add(secured(ONE, other, more=state.srtp, sent=state.outputs[0].srtp))
        for packet in (model.rtp(net.rtp(n), n), model.rtcp(net.rtcp(), 3)):
            a.sendto(packet, NEAR)
        assert net.silent(b) and control.state(NEAR).drops == {"replay": 2}
        a.sendto(model.rtp(net.rtp(n + 1), n + 1), NEAR)
        a.sendto(model.rtcp(net.rtcp(), 4), NEAR)
        assert net.receive(b, 2) == [sent.rtp(net.rtp(n + 1), n + 1), sent.rtcp(net.rtcp(), 41)]


def keys_are_never_shown() -> None:
    """Neither in a state nor in any file of the table."""
    k = keys(engine.AES_CM_256, 1, b"mki-mki-mki")
    with flow(secured(k, k)) as (control, a, b):
        through(a, b, [Model(k).rtp(net.rtp(1), 1)])
        shown = control.run(record(abi.GET, abi.addr(NEAR)))[0].body
        for name in ("list", "blist", "status"):
            with open(f"/proc/rtpengine/0/{name}", "rb") as file:
                shown += file.read(1 << 20)
    for secret in (k.key, k.salt, k.mki):
        assert secret not in shown and secret[:6].hex().encode() not in shown


def wrong_parameters() -> None:
    """Each is refused for the target and for an output, and nothing is left of it."""
    good = bytearray(ONE.pack())
    wrong = [(0, 0, errno.EOPNOTSUPP), (0, 8, errno.EOPNOTSUPP), (1, 3, errno.EOPNOTSUPP), (2, 15, errno.EOPNOTSUPP),
             (3, 12, errno.EOPNOTSUPP), (4, 0, errno.EINVAL), (5, 21, errno.EINVAL), (6, 129, errno.EINVAL),
             (7, 8, errno.EINVAL), (8 + 16, 1, errno.EINVAL), (40 + 14, 1, errno.EINVAL), (56, 1, errno.EINVAL)]
    with table(), Control() as control:
        for at, value, number in wrong:
            raw = bytes(good[:at] + bytes([value]) + good[at + 1:])
            for target in (Target(NEAR, [output(FAR, B)], decrypt=raw), Target(NEAR, [output(FAR, B, encrypt=raw)])):
                assert control.one(ADD, target.pack()) == -number, (at, value)
        bad_state = abi.part(abi.SRTP_STATES, struct.pack(">I", SSRC) + b"\1\0\0\0" + b"\xff" * 272)
        assert control.one(ADD, secured(ONE, more=bad_state).pack()) == -errno.EINVAL
        assert not abi.read_blist()


def libsrtp_agrees() -> None:
    """A bad road with several sources over roll-overs: the module forwards what libsrtp accepts, as libsrtp has it."""
    for profile in agreement.PROFILES:
        random = Random(profile)
        k, session = agreement.make_keys(profile, random)
        sent = [p for p in agreement.reference(session(agreement.Policy.SSRC_ANY_OUTBOUND), True,
                                               agreement.media(random, 600)) if isinstance(p, bytes)]
        first: dict[object, bytes] = {}
        for packet in sent:
            first.setdefault((agreement.is_rtcp(packet), packet[8:12]), packet)
        arrived = list(first.values()) + [p for p in traffic.road(random, sent) if len(p) > 40]
        expected = [p for p in agreement.reference(session(agreement.Policy.SSRC_ANY_INBOUND), False, arrived)
                    if isinstance(p, bytes)]
        with flow(secured(decrypt=k)) as (control, a, b):
            got = []
            b.settimeout(0.05)
            for at in range(0, len(arrived), GROUP):
                for packet in arrived[at:at + GROUP]:
                    a.sendto(packet, NEAR)
                got += net.receive(b, GROUP)
            assert got == expected, (profile, len(got), len(expected), control.state(NEAR).drops)
            assert control.state(NEAR).drops.keys() >= {"auth", "replay"}
