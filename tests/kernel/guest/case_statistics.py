# SPDX-License-Identifier: GPL-3.0-or-later
"""blist and list: the same numbers by read, by mmap and as text."""
import ctypes
import errno
import os
import re
import struct

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import ADD, Control, Counters, Target, output, record
from tests.kernel.guest.tables import error, table

BLIST = "/proc/rtpengine/0/blist"


def many(count: int) -> list[Target]:
    """Targets on different addresses, families and numbers of outputs."""
    found = []
    for n in range(count):
        ip = f"10.9.{n // 200}.{n % 200 + 1}" if n % 3 else f"fd00:9::{n + 1:x}"
        found.append(Target((ip, 2000 + 2 * (n % 5)), [output(("10.2.0.1", 9), (net.B4, 9 + n % 7))] * (n % 4)))
    return found


def add_all(control: Control, targets: list[Target]) -> None:
    """In batches of 400."""
    for at in range(0, len(targets), 400):
        replies = control.run(*(record(ADD, t.pack()) for t in targets[at:at + 400]))
        assert all(r.status == 0 for r in replies)


def paging() -> None:
    """Small reads give each target once, also while others come and go."""
    with table(), Control() as control:
        targets = many(300)
        add_all(control, targets)
        whole = abi.read_blist()
        assert sorted(str(s.local) for s in whole) == sorted(str(t.local) for t in targets)
        assert abi.read_blist(size=8192) == whole
        fd = os.open(BLIST, os.O_RDONLY)
        assert error(lambda: os.read(fd, 191)) == "EMSGSIZE"
        assert os.read(fd, 0) == b""
        seen, others = [], 0
        while raw := os.read(fd, 8192):
            seen += abi.parse_states(raw)
            control.add(Target(("10.8.0.1", 1000 + others)))
            if others:
                control.remove(("10.8.0.1", 1000 + others - 1))
            others += 1
        stable = [str(s.local) for s in seen if s.local and s.local[0] != "10.8.0.1"]
        assert sorted(stable) == sorted(str(t.local) for t in targets)
        os.lseek(fd, 0, os.SEEK_SET)
        assert os.read(fd, 8192)
        os.close(fd)


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
READ, WRITE = 1, 2
SHARED, PRIVATE = 1, 2


def map_file(fd: int, length: int, offset: int = 0, protection: int = READ, flags: int = SHARED) -> int:
    """mmap(2); OSError. (Python's own mmap wants a file size, which files in /proc have not.)"""
    where = _libc.mmap(None, length, protection, flags, fd, offset)
    if where == 2 ** 64 - 1:
        raise OSError(ctypes.get_errno(), "mmap")
    return int(where)


class Mapped:
    """The statistics memory as the manual describes it."""

    def __init__(self, control: Control) -> None:
        self.cpus = control.geometry.cpus
        self.targets, self.outputs = control.geometry.target_pool, control.geometry.output_pool
        self.fd = os.open(BLIST, os.O_RDONLY)
        self.chunks: dict[int, tuple[int, int]] = {}

    def _chunk(self, pool: abi.Pool, number: int) -> bytes:
        """What the chunk holds now."""
        at = pool.offset + number * pool.chunk
        if at not in self.chunks:
            self.chunks[at] = map_file(self.fd, pool.chunk, at), pool.chunk
        return ctypes.string_at(*self.chunks[at])

    def _sum(self, pool: abi.Pool, slot: int) -> Counters:
        """The sum over CPUs."""
        chunk, at = self._chunk(pool, slot // pool.slots), slot % pool.slots * pool.counters
        each = [struct.unpack_from("<5Q", chunk, cpu * pool.stride + at) for cpu in range(self.cpus)]
        packets, size, errors, last, passed = zip(*each)
        return Counters(sum(packets), sum(size), sum(errors), max(last), sum(passed))

    def counters(self, slot: int) -> Counters:
        """Of a target."""
        return self._sum(self.targets, slot)

    def sent(self, slot: int) -> Counters:
        """Of an output."""
        return self._sum(self.outputs, slot)

    def _details(self, slot: int) -> bytes:
        pool = self.targets
        at = pool.details_at + slot % pool.slots * pool.details
        return self._chunk(pool, slot // pool.slots)[at:at + pool.details]

    def ssrcs(self, slot: int) -> list[abi.Ssrc]:
        """The trackers in use."""
        raw = self._details(slot)
        return [s for n in range(8) if (s := abi.parse_ssrc(raw[n * 72:n * 72 + 72])).valid]

    def pts(self, slot: int) -> dict[int, tuple[int, int]]:
        """Packets and bytes by payload type."""
        raw = self._details(slot)[8 * 72:]
        return {e[0]: struct.unpack("<2Q", e[8:]) for n in range(32) if (e := raw[n * 24:n * 24 + 24])[1]}

    def close(self) -> None:
        """Unmaps."""
        for where, size in self.chunks.values():
            _libc.munmap(where, size)
        os.close(self.fd)


def three_views() -> None:
    """After traffic with loss and a foreign source, all views agree."""
    near, far = ("10.1.0.1", 30000), ("10.2.0.1", 30002)
    with table(), net.Rule(), Control() as control, net.peer((net.A4, 10000)) as a, net.peer((net.B4, 20000)) as b:
        add_all(control, many(100))     # so that it lies in a later chunk
        control.add(Target(near, [output(far, (net.B4, 20000))], expect=(net.A4, 10000), mismatch=abi.DROP))
        for n in [*range(40), *range(45, 60), 50, 44]:
            a.sendto(net.rtp(n), near)
        with net.peer((net.A4, 10002)) as stranger:
            stranger.sendto(net.rtp(1), near)
        assert len(net.receive(b, 57)) == 57
        assert net.silent(b)
        state = control.state(near)
        assert (state.counters.packets, state.counters.bytes, state.counters.errors) == (57, 57 * 172, 1), state
        source = state.ssrcs[0]
        assert (source.ssrc, source.ext_seq, source.packets) == (0x11223344, 59, 57), source
        assert (source.duplicates, source.reordered, source.resets) == (1, 1, 0), source
        assert [s for s in abi.read_blist() if s.local == near] == [state]
        view = Mapped(control)
        assert view.counters(state.slot) == state.counters
        assert view.ssrcs(state.slot) == state.ssrcs
        assert view.pts(state.slot) == state.pts == {0: (57, 57 * 172), 8: (0, 0)}
        assert state.drops == {"source": 1}
        assert view.sent(state.outputs[0].slot) == state.outputs[0].counters
        text = net.sh("cat /proc/rtpengine/0/list")
        assert text.count("local ") == 101
        block = re.search(r"local inet4 10\.1\.0\.1:30000\n(?:    .*\n)+", text)
        assert block and re.sub(r"\d+ lost", "LOST lost", re.sub(r"jitter \d+", "jitter JITTER", block[0])) == (
            expected_text()), text
        removed = control.remove(near)
        assert removed == state
        view.close()


def expected_text() -> str:
    """The block of three_views() in list."""
    return ("local inet4 10.1.0.1:30000\n"
            "    expect inet4 10.1.0.2:10000\n"
            "    src mismatch action: drop\n"
            f"    stats: {57 * 172:20} bytes, {57:20} packets, {1:20} errors\n"
            "    wrong source: 1\n"
            f"        RTP payload type   0: {57 * 172:20} bytes, {57:20} packets\n"
            f"        RTP payload type   8: {0:20} bytes, {0:20} packets\n"
            "    SSRC in: 11223344\n"
            f"        11223344: 57 packets, {57 * 172} bytes, LOST lost, 1 duplicate, 1 reordered, jitter JITTER\n"
            "    option: RTP\n"
            "    output #0\n"
            "       src inet4 10.2.0.1:30002\n"
            "       dst inet4 10.2.0.2:20000\n"
            f"      stats: {57 * 172:20} bytes, {57:20} packets, {0:20} errors\n")


def text_forms() -> None:
    """IPv6, all options, no outputs."""
    with table(), Control() as control:
        control.add(Target(("fd00:1::1", 9), flags=0x7F, mismatch=abi.PASS, expect=("fd00:1::2", 7)))
        assert net.sh("cat /proc/rtpengine/0/list") == (
            "local inet6 [fd00:1:0:0:0:0:0:1]:9\n    expect inet6 [fd00:1:0:0:0:0:0:2]:7\n"
            "    src mismatch action: propagate\n"
            f"    stats: {0:20} bytes, {0:20} packets, {0:20} errors\n"
            + "".join(f"        RTP payload type {pt:3}: {0:20} bytes, {0:20} packets\n" for pt in (0, 8))
            + "".join(f"    option: {o}\n" for o in ("RTP", "RTP only", "stun", "dtls", "learning", "blackhole",
                                                     "PT filter", "non forwarding")))
        assert "Targets:     1\n" in net.sh("cat /proc/rtpengine/0/status")


def mapping_is_read_only() -> None:
    """No way to write through blist, and only whole chunks that exist."""
    with table(), Control() as control:
        control.add(Target(("10.1.0.1", 30000)))
        chunk = control.geometry.target_pool.chunk
        fd = os.open(BLIST, os.O_RDWR)      # root may, whatever the mode says
        for flags in (SHARED, PRIVATE):
            assert error(lambda flags=flags: map_file(                      # type: ignore[misc]
                fd, chunk, protection=READ | WRITE, flags=flags)) == "EPERM"
            where = map_file(fd, chunk, flags=flags)
            assert _libc.mprotect(where, chunk, READ | WRITE) == -1
            assert ctypes.get_errno() == errno.EACCES
            _libc.munmap(where, chunk)
        for length, at, name in ((chunk, chunk, "ENXIO"), (chunk, 4096, "ENXIO"), (2 * chunk, 0, "EINVAL"),
                                 (chunk, 8192 * chunk, "ENXIO")):
            assert error(lambda length=length, at=at: map_file(fd, length, at)) == name     # type: ignore[misc]
        os.close(fd)


def mapping_outlives_table() -> None:
    """A dead table's memory can still be read through an old mapping, also after unloading."""
    with table():
        with Control() as control:
            control.add(Target(("10.1.0.1", 30000), [output(("10.2.0.1", 9), (net.B4, 9))]))
            view = Mapped(control)
            view.counters(0)
    net.sh("rmmod xt_RTPENGINE")
    assert view.counters(0).packets == 0
    view.close()
    net.sh(f"insmod {os.environ['RTPE_MODULE']}")


def numbered(count: int) -> list[bytes]:
    """ADD records of `count` plain targets, made quickly."""
    rest = Target(("10.1.0.1", 1)).pack()[24:]
    return [record(ADD, struct.pack("<H2sIBBBB12x", 4, b"\x10\x00", 0, 10, 20 + n // 40000, n // 200 % 200, n % 200) +
                   rest) for n in range(count)]


def among_many() -> None:
    """One stream alone, among 100 and among 10,000 targets."""
    near = ("10.1.0.1", 30000)
    records = numbered(10000)
    with table(), net.Rule(), Control() as control, net.peer((net.A4, 10000)) as a, net.peer((net.B4, 20000)) as b:
        control.add(Target(near, [output(("10.2.0.1", 30002), (net.B4, 20000))]))
        have = 0
        for total in (0, 99, 9999):
            for at in range(have, total, 500):
                control.run(*records[at:min(at + 500, total)])
            have = total
            assert f"Targets:     {total + 1}\n" in net.sh("cat /proc/rtpengine/0/status")
            for n in range(20):
                a.sendto(net.rtp(n), near)
            assert net.receive(b, 20) == [net.rtp(n) for n in range(20)]
            assert len(net.sh("grep -c ^local /proc/rtpengine/0/list")) >= 2


def slots_return() -> None:
    """10,000 targets come and go: slots, memory and table are as before."""
    records = numbered(10000)
    with table(), Control() as control:
        for _ in range(3):
            for at in range(0, len(records), 500):
                assert all(r.status == 0 for r in control.run(*records[at:at + 500]))
            assert "Targets:     10000\n" in net.sh("cat /proc/rtpengine/0/status")
            slots = [state.slot for state in abi.read_blist()]
            assert len(set(slots)) == len(slots) == 10000 and max(slots) < 10000
            assert control.one(abi.FLUSH) == 0
            net.sh("sleep 0.5")     # freed after a grace period
        before = vmalloc_kb()
    with table(), Control() as control:
        control.add(Target(("10.1.0.1", 30000)))
        assert control.state(("10.1.0.1", 30000)).slot == 0
        assert vmalloc_kb() < before


def vmalloc_kb() -> int:
    """Memory that large tables take, in use now."""
    return int(re.findall(r"VmallocUsed:\s+(\d+)", net.sh("cat /proc/meminfo"))[0])
