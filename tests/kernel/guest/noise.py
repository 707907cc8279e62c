# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches for a control file: right ones, ones with something wrong, and rubbish."""
import random
import struct
from collections.abc import Iterator

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import ADD, DEL, FLUSH, GET, Target, addr, batch, output, record
from tests.kernel.guest.case_rewrite import extensions, group, maps, mid, others, rule, rules, ssrc_map

HEADER = 16         # bytes of rtpe_batch, and of rtpe_record
EDGES = (0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF,
         0x80000000, 0xFFFFFFF8, 0xFFFFFFFF)
# where the storms' targets are, where they send from, and whom to
LOCALS = [(ip, port) for ip in ("10.1.0.1", "fd00:1::1") for port in range(30000, 30016)]
SOURCES = {4: ("10.2.0.1", 30102), 6: ("fd00:2::1", 30102)}
PEERS = {4: [(net.B4, 20000), (net.B4, 20001), ("10.2.0.1", 30103), ("10.1.0.1", 30000)],
         6: [(net.B6, 20000), (net.B6, 20001), ("fd00:2::1", 30103), ("fd00:1::1", 30000)]}
NOWHERE = ("10.2.0.255", 5)


# cipher, HMAC, bytes of key, salt and tags
SUITES = ((2, 2, 16, 14, 10), (2, 2, 16, 14, 4), (3, 2, 16, 14, 10), (5, 2, 32, 14, 10), (6, 0, 16, 12, 16),
          (7, 0, 32, 12, 16), (1, 2, 16, 14, 10), (9, 9, 1, 1, 1))


def random_keys(dice: random.Random) -> bytes:
    """SRTP parameters, of few different keys, so that a replaced target often has the same."""
    cipher, hmac, key, salt, tag = dice.choice(SUITES)
    return abi.keys(cipher, hmac, dice.choice((b"k", b"K")) * key, b"s" * salt, tag, dice.choice((tag, 10, 16)),
                    dice.choice((b"", b"", b"mki")), dice.choice((0, 0, 0, dice.randrange(8))))


def _changes(dice: random.Random) -> bytes:
    """What an output does to its packets."""
    more = b""
    if dice.random() < 0.3:
        more += maps(*(ssrc_map(n, dice.getrandbits(32), dice.getrandbits(16)) for n in range(dice.choice((1, 2, 31)))),
                     *([others(dice.getrandbits(32))] if dice.random() < 0.5 else []))
    if dice.random() < 0.3:
        more += rules(*(rule(n, dice.random() < 0.1, dice.choice((0, 9)), dice.choice((b"", b"\xd5", bytes(16))))
                        for n in sorted(dice.sample(range(128), dice.choice((1, 4, 32))))))
    if dice.random() < 0.3:
        more += extensions(*dice.sample(range(1, 15), 4))
    if dice.random() < 0.3:
        more += mid(dice.choice((1, 14, 16, 255)), b"m" * dice.choice((1, 16, 255)))
    return more


def random_target(dice: random.Random) -> Target:
    """A target that is accepted, most of the time."""
    outputs, secret, lost = [], dice.random() < 0.3, dice.random() < 0.1
    for _ in range(dice.choice((0, 1, 1, 1, 2, 4, 32))):
        family = dice.choice((4, 6))
        outputs.append(output(SOURCES[family], dice.choice(PEERS[family]), dice.randrange(256),
                              random_keys(dice) if secret else b"", dice.choice((0, 0, 2)), _changes(dice)))
    if lost:
        outputs.append(output(SOURCES[4], NOWHERE))
    n = len(outputs)
    start, middle = sorted((dice.randint(0, n), dice.randint(0, n)))
    numbers = sorted(dice.sample(range(128), dice.choice((0, 1, 2, 32))))
    ssrcs = [abi.ssrc_state(dice.getrandbits(32), dice.getrandbits(20)) for _ in range(dice.choice((0, 0, 1, 8)))]
    made = Target(
        dice.choice(LOCALS), outputs, expect=dice.choice((None, None, (net.A4, 10000), (net.A6, 10000))),
        flags=dice.choice((abi.RTP, abi.RTP, dice.getrandbits(10) & ~abi.LEARN)),
        mismatch=dice.randrange(3), ranges=dice.choice((None, (0, n, 0, 0), (start, middle, middle, n))),
        payload_types=tuple((number, dice.choice((0, 8000, 48000, 90000))) for number in numbers), ssrcs=tuple(ssrcs),
        decrypt=random_keys(dice) if secret else b"",
        streams=(dice.choice((0, 0, 0, dice.randrange(9))), dice.choice((0, 0, 0, dice.randrange(9)))))
    if n and dice.random() < 0.2:
        made.ranges, made.mid_id = (0, 0, 0, 0), dice.choice((0, 4))
        made.more = abi.part(abi.GROUPS, group((0, n), (0, n), b"a") + group((start, middle), (middle, n), b"v"), 2)
    return made


def _index(dice: random.Random) -> bytes:
    """Of a call or stream, likely to be there."""
    return struct.pack("<II", dice.randrange(1, 9), 0)


def _name(dice: random.Random) -> bytes:
    return dice.choice((b"a", b"b", b"call", b"x" * 255, b"%00", b".", b"a/b", b"")).ljust(256, b"\0")


# bodies of the records other than ADD_TARGET, with how likely they are
BODIES = {
    DEL: (8, lambda dice: addr(dice.choice(LOCALS))),
    GET: (8, lambda dice: addr(dice.choice(LOCALS))),
    FLUSH: (1, lambda dice: b""),
    abi.OPTIONS: (1, lambda dice: struct.pack("<II", dice.randrange(2), 0)),
    abi.ADD_HOOK: (2, lambda dice: dice.choice((b"va", b"lo", b"g11", b"none", b"x" * 16)).ljust(16, b"\0")),
    abi.DEL_HOOK: (2, lambda dice: dice.choice((b"va", b"lo", b"g11", b"none")).ljust(16, b"\0")),
    abi.ADD_CALL: (3, _name),
    abi.DEL_CALL: (1, _index),
    abi.ADD_STREAM: (4, lambda dice: struct.pack("<II", dice.randrange(1, 5), dice.choice((0, 1, 100))) + _name(dice)),
    abi.DEL_STREAM: (2, _index),
    abi.PACKET: (4, lambda dice: _index(dice) + dice.randbytes(8 * dice.choice((1, 9, 200)))),
}


def random_record(dice: random.Random) -> bytes:
    """A record as a daemon might write it."""
    cookie = dice.getrandbits(64)
    kind = dice.choices((ADD, *BODIES), (24, *(weight for weight, _ in BODIES.values())))[0]
    if kind == ADD:
        return record(ADD, random_target(dice).pack(), dice.choice((abi.REPLACE, abi.REPLACE, 0)), cookie)
    return record(kind, BODIES[kind][1](dice), cookie=cookie)


def right(dice: random.Random) -> bytes:
    """A batch of a few records."""
    return batch(*(random_record(dice) for _ in range(dice.choice((1, 1, 2, 5, 20)))))


def _poke(dice: random.Random, raw: bytearray, start: int) -> None:
    """Changes some bytes, from `start` on."""
    for _ in range(dice.choice((1, 1, 2, 8))):
        if len(raw) - start < 4:
            return
        at = dice.randrange(start, len(raw) - 3)
        kind = dice.randrange(4)
        if kind == 0:
            raw[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            raw[at] = dice.choice(EDGES) & 255
        elif kind == 2:
            struct.pack_into("<H", raw, at & ~1, dice.choice(EDGES) & 0xFFFF)
        else:
            struct.pack_into("<I", raw, at & ~3, dice.choice(EDGES))


def spoiled(dice: random.Random) -> bytes:
    """A batch whose frame holds, with records that are wrong inside."""
    records = []
    for _ in range(dice.choice((1, 1, 3, 10))):
        raw = bytearray(random_record(dice))
        kind = dice.randrange(4)
        if kind == 0:
            del raw[HEADER + 8 * dice.randint(0, (len(raw) - HEADER) // 8):]
        elif kind == 1:
            raw += dice.randbytes(8 * dice.choice((1, 2, 30)))
        elif kind == 2:
            struct.pack_into("<HH", raw, 0, dice.choice((dice.randrange(20), dice.getrandbits(16))),
                             dice.choice((0, 1, 2, 0xFFFF)))
        _poke(dice, raw, HEADER)
        struct.pack_into("<I", raw, 4, len(raw))
        records.append(bytes(raw))
    return batch(*records)


def broken(dice: random.Random) -> bytes:
    """A batch whose frame does not hold, as a rule."""
    raw = bytearray(right(dice))
    kind = dice.randrange(4)
    if kind == 0:
        del raw[dice.randrange(len(raw)):]
    elif kind == 1:
        raw += dice.randbytes(dice.choice((1, 4, 8, 4096)))
    elif kind == 2:
        struct.pack_into("<I", raw, dice.choice((4, 6, 8, HEADER + 4)), dice.choice(EDGES))
    else:
        _poke(dice, raw, 0)
    return bytes(raw)


def rubbish(dice: random.Random) -> bytes:
    """Random bytes, sometimes behind a header that is right."""
    body = dice.randbytes(8 * dice.choice((0, 1, 2, 10, 600)) + dice.choice((0, 0, 1, 7)))
    return dice.choice((b"", struct.pack("<IHHII", abi.MAGIC, abi.VERSION, 1, 16 + len(body), 0))) + body


KINDS = {"right": right, "spoiled": spoiled, "broken": broken, "rubbish": rubbish}


def batches(dice: random.Random) -> Iterator[tuple[str, bytes]]:
    """Batches without end, each with the name of its kind."""
    names = list(KINDS)
    while True:
        name = dice.choices(names, (4, 4, 1, 1))[0]
        yield name, KINDS[name](dice)


def records_of(raw: bytes) -> list[tuple[int, int]]:
    """Command and cookie of each record of a batch whose frame holds."""
    found, at = [], HEADER
    while at < len(raw):
        command, _, length, cookie = struct.unpack_from("<HHIQ", raw, at)
        found.append((command, cookie))
        at += length
    return found


def command(dice: random.Random, tables: int) -> bytes:
    """What is written to the main control file."""
    number = dice.choice((*range(tables), *range(tables), dice.randrange(80), dice.getrandbits(33)))
    line = dice.choice(("add", "del")) + dice.choice((" ",) * 8 + ("\t", "", "  ")) + str(number)
    raw = line.encode() + dice.choice((b"\n", b"\n", b"\n", b"", b" x", dice.randbytes(dice.randrange(24))))
    return dice.choice((raw,) * 9 + (dice.randbytes(dice.randrange(30)),))
