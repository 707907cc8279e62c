# SPDX-License-Identifier: GPL-3.0-or-later
"""Storms: random writers and readers on all files, random datagrams of every shape. RTPE_SECONDS makes them longer."""
import ctypes
import errno
import glob
import os
import random
import select
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.kernel.guest import abi, crew, net, noise
from tests.kernel.guest.abi import Control, Target, Where, output
from tests.kernel.guest.case_rewrite import extensions, maps, mid, rule, rules, ssrc_map
from tests.kernel.guest.case_statistics import map_file
from tests.kernel.guest.crew import NUMBERS, Worker
from tests.kernel.guest.links import GRO, LINKS, LIST, Link, Links, frame_socket
from tests.kernel.guest.shapes import ODD_PORTS, PORTS, Shapes, intact, shape_names
from tests.kernel.guest.tables import MAIN, command, delete_all, table

ROOT = "/proc/rtpengine"
TABLES = 3
# what a write to a control file may fail with
REFUSED = {errno.EINVAL, errno.EPROTO, errno.EMSGSIZE}
GONE = {errno.ENOENT, errno.EBUSY, errno.EIO}
_libc = ctypes.CDLL(None, use_errno=True)
_libc.munmap.argtypes = ctypes.c_void_p, ctypes.c_size_t


class Owner:
    """Writes batches to control files; of each that is taken, the replies must be its records'."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.batches = noise.batches(self.dice)

    def __call__(self, counts: Counter[str]) -> None:
        """Opens a table, writes for a while, closes it."""
        try:
            control = Control(self.dice.randrange(TABLES), greet=self.dice.random() < 0.9)
        except OSError as e:
            assert e.errno in GONE, e
            time.sleep(0.001)
            return
        with control:
            for _ in range(self.dice.choice((1, 20, 100))):
                self._write(control.fd, counts)

    def _write(self, fd: int, counts: Counter[str]) -> None:
        kind, raw = next(self.batches)
        try:
            written = os.write(fd, raw)
        except OSError as e:
            assert e.errno in REFUSED, (kind, e)
            counts[f"batches refused, {kind}"] += 1
            return
        assert written == len(raw)
        counts[f"batches taken, {kind}"] += 1
        if self.dice.random() < 0.1:        # the next write drops the replies
            return
        replies = abi.parse_replies(os.read(fd, 1 << 22))
        assert [(r.command, r.cookie) for r in replies] == noise.records_of(raw), (kind, raw.hex())
        assert all(-4096 < r.status <= 0 for r in replies)
        counts["records done"] += sum(not r.status for r in replies)
        counts["records refused"] += sum(r.status < 0 for r in replies)


class Commander:
    """Adds and deletes tables, and writes what is no command."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def __call__(self, counts: Counter[str]) -> None:
        """One command; a table that is in use stays."""
        line = noise.command(self.dice, TABLES)
        result = command(line)
        assert result == len(line) or -result in (errno.EINVAL, errno.EEXIST, errno.ENOENT, errno.EBUSY), (line, result)
        counts["commands"] += 1
        time.sleep(self.dice.random() * 0.01)


class Reader:
    """Reads, seeks, maps and polls whatever there is, with any sizes and offsets."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def __call__(self, counts: Counter[str]) -> None:
        """A few calls on one file."""
        dice = self.dice
        name = dice.choice(("list", "blist", "blist", "status", "control"))
        path = dice.choice((f"{ROOT}/{dice.randrange(TABLES)}/{name}", self._stream(), f"{ROOT}/list", MAIN))
        try:
            fd = os.open(path, dice.choice((os.O_RDONLY, os.O_RDWR)) | os.O_NONBLOCK)
        except OSError as e:
            assert e.errno in GONE, (path, e)
            return
        try:
            for _ in range(dice.randint(1, 5)):
                counts["calls on files"] += 1
                self._call(fd)
        finally:
            os.close(fd)
        time.sleep(0.002)       # leave the others some time

    def _stream(self) -> str:
        """The file of an intercepted stream; of none if there is none."""
        return self.dice.choice(glob.glob(f"{ROOT}/{self.dice.randrange(TABLES)}/calls/*/*") or [f"{ROOT}/no"])

    def _call(self, fd: int) -> None:
        dice = self.dice
        size, at = dice.choice((0, 1, 71, 831, 832, 4096, 262144)), dice.choice((0, 1, 7, 512, 4095, 1 << 40))
        try:
            kind = dice.randrange(6)
            if kind == 0:
                os.read(fd, size)
            elif kind == 1:
                os.pread(fd, size, at)
            elif kind == 2:
                os.lseek(fd, at, dice.randrange(3))
            elif kind == 3:
                poll = select.poll()
                poll.register(fd)
                poll.poll(dice.choice((0, 1)))
            elif kind == 4:
                os.readv(fd, [bytearray(size), bytearray(7)])
            else:
                self._map(fd)
        except (OSError, ValueError, OverflowError):
            pass

    def _map(self, fd: int) -> None:
        """Maps some pages for reading, looks at all of them, cuts a hole into them and lets a child take them over."""
        pages = self.dice.choice((1, 2, 16, 49, 64, 200))
        where = map_file(fd, 4096 * pages, 4096 * self.dice.choice((0, 0, 1, pages)))
        for at in range(0, pages, 7):
            ctypes.string_at(where + 4096 * at, 64)
        _libc.munmap(where + 4096 * self.dice.randrange(pages), 4096)
        if self.dice.random() < 0.2:
            pid = os.fork()
            if not pid:
                os._exit(0)
            os.waitpid(pid, 0)
        _libc.munmap(where, 4096 * pages)


class Victim:
    """An owner that is killed with -9 in the midst of its batches."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def __call__(self, counts: Counter[str]) -> None:
        """Starts one, kills it."""
        worker = Worker(Owner(self.dice.getrandbits(32)), 60)
        time.sleep(self.dice.random() * 0.05)
        worker.kill()
        counts["owners killed"] += 1


def files() -> None:
    """All files written, read, mapped and closed at random, in eight processes."""
    seed = crew.seed()
    crew.work([Owner(seed), Owner(seed + 1), Commander(seed + 2), Commander(seed + 3), Reader(seed + 4),
               Reader(seed + 5), Victim(seed + 6)], crew.seconds(5))
    delete_all()
    assert NUMBERS["batches taken, right"] and NUMBERS["batches taken, spoiled"] and NUMBERS["records done"], NUMBERS


KEYS = [abi.keys(cipher, hmac, b"k" * key, b"s" * salt, tag, tag, mki)
        for cipher, hmac, key, salt, tag, mki in ((2, 2, 16, 14, 10, b""), (6, 0, 16, 12, 16, b"mki"),
                                                  (3, 2, 16, 14, 4, b""), (5, 2, 32, 14, 10, b""),
                                                  (7, 0, 32, 12, 16, b""), (1, 2, 16, 14, 10, b""))]
CHANGES = (maps(ssrc_map(1, 9, 7), ssrc_map(2, 8)), mid(3, b"audio"), mid(200, b"v" * 40) + extensions(1, 14),
           rules(rule(0, pattern=b"\xd5"), rule(8, min_payload=100), rule(96, blackhole=True)))


def targets(link: Link, family: int) -> Iterator[Target]:
    """A target of each kind at every port but one, for datagrams that arrive over a link."""
    near = link.here(family)
    four, six, own = ("10.2.0.1", 30102), ("fd00:2::1", 30102), (near, 30100)

    def to(src: Where, port: int, *more: bytes) -> bytes:
        return output(src, (net.B4 if src is four else net.B6, port), 0, *more)

    plain = PORTS[0]
    yield Target((near, plain), [to(four, 20000)])
    yield Target((near, plain + 1), [to(six, 20000)])
    yield Target((near, plain + 2), [to(four, 20000), to(six, 20000)] * 2)
    yield Target((near, plain + 3), [to(four, 20000)], flags=0x4F)
    yield Target((near, plain + 4), flags=abi.RTP | abi.BLACKHOLE)
    yield Target((near, plain + 5), [to(four, 20000)], expect=(link.there(family), 1), mismatch=abi.DROP)
    yield Target((near, plain + 6), [output(own, (near, plain))])
    odd = ODD_PORTS[0]
    for n in range(6):
        yield Target((near, odd + n), [output(src, (peer, 20001), 0, KEYS[n] if n % 3 else b"", 0, CHANGES[n % 4])
                                       for src, peer in ((four, net.B4), (six, net.B6))])
    yield Target((near, odd + 6), [to(four, 20001, KEYS[1])], decrypt=KEYS[0])
    yield Target((near, odd + 7), [to(six, 20001), to(four, 20001, KEYS[4])], decrypt=KEYS[1], ranges=(0, 1, 1, 2))


class Sink:
    """Takes what arrives at the peer and at the guest's own sockets; with `strict` it looks for damage."""

    def __init__(self, strict: bool = True) -> None:
        self.strict = strict
        self.poll = select.poll()
        self.socks: dict[int, tuple[str, socket.socket]] = {}
        for host, port in ((h, p) for h in (net.B4, net.B6) for p in (20000, 20001)):
            self._add("arrived", net.peer((host, port)), odd=port == 20001)
        for port in (*PORTS, *ODD_PORTS):
            if port % 8 == 2:       # a socket less: ICMP errors, and merging without one
                continue
            for host in ("0.0.0.0", "::"):
                sock = net.udp((host, port)) if host == "0.0.0.0" else _only6(port)
                if port % 8 == 1:
                    sock.setsockopt(socket.IPPROTO_UDP, 104, 1)     # UDP_GRO
                self._add("passed", sock, odd=port in ODD_PORTS)

    def _add(self, name: str, sock: socket.socket, odd: bool) -> None:
        sock.setblocking(False)
        self.socks[sock.fileno()] = (name + (" (odd)" if odd else ""), sock)
        self.poll.register(sock.fileno(), select.POLLIN)

    def __call__(self, counts: Counter[str]) -> None:
        """Empties all sockets that have something."""
        for fd, _ in self.poll.poll(200):
            name, sock = self.socks[fd]
            try:
                for _ in range(64):
                    data, extra, _, _ = sock.recvmsg(65536, 64)
                    size = struct.unpack_from("<i", extra[0][2])[0] if extra else max(1, len(data))
                    for part in (data[at:at + size] for at in range(0, len(data), size)):
                        counts[name] += 1
                        assert not self.strict or "odd" in name or intact(part), (name, len(part), part.hex())
                    if extra:
                        counts["passed, merged"] += 1
            except BlockingIOError:
                pass


def _only6(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("::", port))
    return sock


class Sprayer:
    """Sends datagrams of all shapes."""

    def __init__(self, links: Links, seed: int) -> None:
        self.dice = random.Random(seed)
        self.shapes = Shapes(links, self.dice)
        self.names = shape_names()
        self.first = list(self.names)

    def __call__(self, counts: Counter[str]) -> None:
        """One shape: each once, then any."""
        name = self.first.pop() if self.first else self.dice.choice(self.names)
        counts[f"sent, {name}"] += getattr(self.shapes, name)()


@contextmanager
def stage() -> Iterator[tuple[Links, Control]]:
    """All links, with targets on each, and the rules."""
    with ExitStack() as stack:
        links = stack.enter_context(Links())
        stack.enter_context(table())
        control = stack.enter_context(Control())
        for link in LINKS:
            for family in (4, 6):
                for target in targets(link, family):
                    control.add(target)
        stack.enter_context(net.Rule())
        yield links, control


def _merged(links: Links, link: Link) -> bool:
    """Datagrams on a link do get merged: one buffer holds more than the link's frames can."""
    shapes = Shapes(links, random.Random(1))
    with frame_socket("", link.near) as tap:
        tap.settimeout(0.5)
        for _ in range(20):
            getattr(shapes, "gro" if link is GRO else "gro_list")()
        return any(len(frame) > 1514 for frame in net.receive(tap, 400))


def packets() -> None:
    """Datagrams of all shapes, over all links, to targets of all kinds: what arrives is whole."""
    seed, lasts = crew.seed(), crew.seconds(8)
    with stage() as (links, control):
        assert _merged(links, LIST), "datagrams are not chained here"
        sink = Worker(Sink(), lasts + 1)
        jobs: list[crew.Job] = [Sprayer(links, seed), Reader(seed + 9)]
        crew.work(jobs, lasts)
        sink.finish()
        for link in LINKS:
            for family in (4, 6):
                for port in (PORTS[0], PORTS[2], PORTS[6]):
                    NUMBERS["forwarded"] += control.state((link.here(family), port)).counters.packets
    assert all(NUMBERS[f"sent, {name}"] for name in shape_names()), NUMBERS
    assert NUMBERS["arrived"] and NUMBERS["passed"] and NUMBERS["forwarded"], NUMBERS
