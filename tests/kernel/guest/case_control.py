# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches on a table's control file: the frame, the handshake, each command and its errors."""
import errno
import os
import random
import struct

from tests.kernel.guest import abi
from tests.kernel.guest.abi import (ADD, DEL, FLUSH, GET, HELLO, LEARN, RANK, Control, Target, addr, batch, hello,
                                    output, record)
from tests.kernel.guest.tables import error, table

NEAR, FAR = ("10.1.0.1", 30000), ("10.2.0.1", 30002)
PEER_A, PEER_B = ("10.1.0.2", 10000), ("10.2.0.2", 20000)


def target(**changes: object) -> Target:
    """A target that is accepted, with changes."""
    made = Target(NEAR, [output(FAR, PEER_B)], expect=PEER_A)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def frames() -> None:
    """A batch that does not fit together is refused as a whole."""
    get = record(GET, addr(NEAR))
    wrong = [
        (b"", "EINVAL"), (b"\0" * 15, "EINVAL"), (b"\0" * 16, "EINVAL"), (batch(get)[:-1], "EINVAL"),
        (batch(get, magic=1), "EINVAL"), (batch(get, version=abi.VERSION + 1), "EPROTO"),
        (batch(get, version=0), "EPROTO"),
        (batch(get, count=0), "EINVAL"), (batch(get, count=2), "EINVAL"), (batch(get, get, count=1), "EINVAL"),
        (batch(get, length=17), "EINVAL"), (batch(get, reserved=1), "EINVAL"), (batch(), "EINVAL"),
        (batch(record(GET, length=0)), "EINVAL"), (batch(record(GET, length=8)), "EINVAL"),
        (batch(record(GET, b"\0" * 24, length=36)), "EINVAL"), (batch(record(GET, length=24)), "EINVAL"),
        (batch(record(GET, length=0xFFFFFFF8)), "EINVAL"), (batch(record(GET, b"\0" * 4)), "EINVAL"),
        (b"\0" * (abi.MAX_BATCH + 8), "EMSGSIZE"),
    ]
    with table(), Control() as control:
        for raw, name in wrong:
            assert error(lambda raw=raw: os.write(control.fd, raw)) == name, (raw[:64], len(raw))  # type: ignore[misc]
        assert control.one(GET, addr(NEAR)) == -errno.ENOENT
        control.add(target(outputs=[output(FAR, PEER_B)] * 32))
        assert error(lambda: os.write(control.fd, batch(*[get] * 2000))) == "EMSGSIZE", "too much to reply"


def handshake() -> None:
    """HELLO comes first, and only a fitting one counts."""
    with table():
        with Control(greet=False) as control:
            assert error(lambda: os.write(control.fd, batch(record(FLUSH)))) == "EPROTO"
            for n in range(len(abi.SIZES)):
                sizes = tuple(s + (8 if i == n else 0) for i, s in enumerate(abi.SIZES))
                replies = control.run(hello(sizes), record(FLUSH))
                assert [r.status for r in replies] == [-errno.EMSGSIZE, -errno.EPROTO], n
                assert error(lambda: os.write(control.fd, batch(record(FLUSH)))) == "EPROTO"
            assert control.one(HELLO, b"\0" * 16) == -errno.EINVAL
            assert control.run(hello(), record(FLUSH))[1].status == 0
        with Control(greet=False) as control:       # the next descriptor must greet itself
            assert error(lambda: os.write(control.fd, batch(record(FLUSH)))) == "EPROTO"
        with Control() as control:
            g = control.geometry
            assert (g.version, g.targets) == (abi.VERSION, 0) and g.cpus >= (os.cpu_count() or 1)
            for pool, counters, details in ((g.target_pool, 128, 8 * 72 + 32 * 24), (g.output_pool, 64, 0)):
                assert (pool.counters, pool.details) == (counters, details)
                assert pool.stride == pool.slots * counters and pool.details_at == g.cpus * pool.stride
                assert pool.chunk % 4096 == pool.offset % 4096 == 0
            control.add(target())
        with Control() as control:
            assert control.geometry.targets == 1     # adopted


def replies() -> None:
    """Where replies go and when they are dropped."""
    with table(), Control() as control:
        assert os.read(control.fd, 100) == b""
        raw = batch(record(GET, addr(NEAR), cookie=7), record(99, cookie=8), record(FLUSH, cookie=2 ** 64 - 1))
        os.write(control.fd, raw)
        assert error(lambda: os.read(control.fd, 71)) == "EMSGSIZE"
        got = abi.parse_replies(os.read(control.fd, 72))
        assert [(r.command, r.status, r.cookie, r.body) for r in got] == [
            (GET, -errno.ENOENT, 7, b""), (99, -errno.EINVAL, 8, b""), (FLUSH, 0, 2 ** 64 - 1, b"")]
        assert os.read(control.fd, 100) == b""
        os.write(control.fd, raw)
        os.write(control.fd, batch(record(FLUSH, cookie=5)))
        assert [r.cookie for r in abi.parse_replies(os.read(control.fd, 4096))] == [5]
        os.write(control.fd, raw)
        assert error(lambda: os.write(control.fd, b"\0" * 64)) == "EINVAL"      # nothing carried out: they stay
        assert len(abi.parse_replies(os.read(control.fd, 4096))) == 3
        assert error(lambda: os.lseek(control.fd, 0, os.SEEK_SET)) == "ESPIPE"


def refused_targets() -> list[tuple[Target | bytes, int]]:
    """What ADD_TARGET does not take, and why."""
    one = output(FAR, PEER_B)
    short = target().pack()
    v6 = ("fd00:2::2", 20000)
    junk_addr = bytearray(addr(NEAR))
    junk_addr[20] = 1
    short_key = abi.keys(2, 2, bytes(15), bytes(14))
    lies = bytearray(short)
    lies[72 + 4] = 0xFF     # the length of the first part
    return [
        (b"", errno.EINVAL), (short[:64], errno.EINVAL), (short[:-8], errno.EINVAL), (short + bytes(8), errno.EINVAL),
        (bytes(lies), errno.EINVAL), (target(more=abi.part(99, bytes(8))), errno.EINVAL),
        (target(more=abi.part(abi.EXTENSIONS, bytes(32))), errno.EINVAL),
        (target(outputs=[output(FAR, PEER_B, more=abi.part(abi.GROUPS, bytes(264)))]), errno.EINVAL),
        (target(streams=(1, 0)), errno.ENOENT), (target(streams=(0, 9)), errno.ENOENT),
        (target(mid_id=3), errno.EINVAL),
        (target(local=("10.1.0.1", 0)), errno.EINVAL), (addr(None) + short[24:], errno.EINVAL),
        (bytes(junk_addr) + short[24:], errno.EINVAL), (struct.pack("<H", 5) + short[2:], errno.EINVAL),
        (target(expect=("10.1.0.2", 0)), errno.EINVAL), (target(flags=0x400), errno.EINVAL),
        (target(flags=0x80000000), errno.EINVAL), (target(mismatch=3), errno.EINVAL),
        (target(flags=RANK), errno.EINVAL), (target(flags=RANK | LEARN, expect=None), errno.EINVAL),
        (target(best_rank=5), errno.EINVAL), (target(outputs=[output(FAR, PEER_B, flags=1)]), errno.EOPNOTSUPP),
        (target(reserved=1), errno.EINVAL), (target(outputs=[output(FAR, v6)]), errno.EINVAL),
        (target(outputs=[output(FAR, ("10.2.0.2", 0))]), errno.EINVAL),
        (target(outputs=[output(("10.2.0.1", 0), PEER_B)]), errno.EINVAL),
        (target(outputs=[output(FAR, PEER_B, flags=4)]), errno.EINVAL),
        (target(ranges=(0, 2, 0, 1)), errno.EINVAL), (target(ranges=(1, 0, 0, 1)), errno.EINVAL),
        (target(ranges=(0, 1, 0, 2)), errno.EINVAL), (target(ranges=(0, 1, 1, 0)), errno.EINVAL),
        (target(payload_types=((8, 1), (0, 1))), errno.EINVAL), (target(payload_types=((8, 1), (8, 1))), errno.EINVAL),
        (target(payload_types=((128, 1),)), errno.EINVAL),
        (target(outputs=[one] * 33), errno.ERANGE), (target(num_outputs=2), errno.EINVAL),
        (target(num_outputs=0, ranges=(0, 0, 0, 0)), errno.EINVAL),
        (target(payload_types=tuple((n, 1) for n in range(33))), errno.ERANGE),
        (target(ssrcs=(abi.ssrc_state(1, 1),) * 9), errno.ERANGE),
        (target(decrypt=short_key), errno.EOPNOTSUPP),
        (target(outputs=[output(FAR, PEER_B, encrypt=short_key)]), errno.EOPNOTSUPP),
        (target(outputs=[output(FAR, ("192.0.2.1", 9))]), errno.ENETUNREACH),
        (target(outputs=[one, output(("fd00:2::1", 9), ("2001:db8::1", 9))]), errno.ENETUNREACH),
        (target(outputs=[output(FAR, ("0.0.0.0", 9))]), errno.EHOSTUNREACH),
        (target(outputs=[output(FAR, ("10.2.0.255", 9))]), errno.EHOSTUNREACH),
        (target(outputs=[output(("fd00:2::1", 9), ("::", 9))]), errno.EHOSTUNREACH),
    ]


def add_errors() -> None:
    """Each error of ADD_TARGET, alone and as a replacement; none leaves anything behind."""
    with table(), Control() as control:
        for replaced in (False, True):
            if replaced:
                control.add(target())
            before = abi.read_blist()
            for wrong, number in refused_targets():
                raw = wrong if isinstance(wrong, bytes) else wrong.pack()
                status = control.one(ADD, raw, abi.REPLACE if replaced else 0)
                expected = -number
                if not replaced or status != expected:
                    assert status == expected, (wrong, errno.errorcode[-status] if status else 0)
            assert abi.read_blist() == before
        assert control.one(ADD, target().pack(), 2) == -errno.EINVAL
        assert control.one(ADD, target().pack()) == -errno.EEXIST
        assert control.one(ADD, target().pack(), abi.REPLACE) == 0
        control.remove(NEAR)
        control.add(target())
        assert control.state(NEAR).slot < 8, "refused targets keep their slots"


def named_errors() -> None:
    """DEL_TARGET, GET_TARGET and FLUSH."""
    with table(), Control() as control:
        for command in (GET, DEL):
            assert control.one(command, addr(NEAR)) == -errno.ENOENT
            for body in (b"", addr(NEAR) + bytes(8), addr(None), addr(("10.1.0.1", 0)), b"\t" + bytes(23)):
                assert control.one(command, body) == -errno.EINVAL, body
            assert control.one(command, addr(NEAR), 1) == -errno.EINVAL
        assert control.one(FLUSH, bytes(8)) == -errno.EINVAL
        assert control.one(FLUSH, b"", 1) == -errno.EINVAL
        assert control.one(0) == control.one(14) == control.one(0xFFFF) == -errno.EINVAL
        control.add(target())
        assert control.remove(NEAR).local == NEAR
        assert control.one(GET, addr(NEAR)) == -errno.ENOENT


def adopt_and_flush() -> None:
    """A batch goes on after a failed record; a later owner finds the targets and may flush them."""
    with table():
        with Control() as control:
            records = [record(ADD, target(local=("10.1.0.1", 1000 + n // 2)).pack()) for n in range(20)]
            assert [r.status for r in control.run(*records)] == [0, -errno.EEXIST] * 10
        with Control() as control:
            assert control.geometry.targets == 10
            assert len(abi.read_blist()) == 10
            assert control.run(record(FLUSH), record(GET, addr(("10.1.0.1", 1000))))[1].status == -errno.ENOENT
            assert abi.read_blist() == []
            control.add(target())      # left behind: "del" takes it along


def seeds() -> None:
    """SSRC trackers travel in with ADD_TARGET and out with GET and DEL."""
    with table(), Control() as control:
        control.add(target(ssrcs=(abi.ssrc_state(0xCAFE, 0x12345), abi.ssrc_state(0xBEEF, 7))))
        control.add(target(ssrcs=(abi.ssrc_state(0xCAFE, 0x12350, 1),)), abi.REPLACE)
        for state in (control.state(NEAR), control.remove(NEAR)):
            assert {(s.ssrc, s.ext_seq) for s in state.ssrcs} == {(0xCAFE, 0x12350), (0xBEEF, 7)}, state


def fuzz() -> None:
    """Random bytes and broken batches do no harm (as root, bounded)."""
    dice = random.Random(7)
    good = batch(hello(), record(ADD, target().pack()), record(GET, addr(NEAR)), record(DEL, addr(NEAR)), record(FLUSH))
    with table(), Control() as control:
        for _ in range(1500):
            raw = bytearray(good)
            for _ in range(dice.choice((1, 1, 2, 8, 64))):
                raw[dice.randrange(len(raw))] = dice.choice((0, 1, 2, 0xFF, dice.randrange(256)))
            if dice.random() < 0.2:
                del raw[dice.randrange(len(raw)):]
            if dice.random() < 0.1:
                head = struct.pack("<IHHII", abi.MAGIC, abi.VERSION, dice.randrange(9), 16 + len(raw), 0)
                raw = bytearray(head) + raw
            try:
                os.write(control.fd, raw)
            except OSError as e:
                assert e.errno in (errno.EINVAL, errno.EPROTO, errno.EMSGSIZE), e
            else:
                abi.parse_replies(os.read(control.fd, 1 << 22))
        for _ in range(200):
            junk = dice.randbytes(dice.randrange(4096))
            assert error(lambda junk=junk: os.write(control.fd, junk)) in ("EINVAL", "EPROTO")     # type: ignore[misc]
