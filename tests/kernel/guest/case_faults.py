# SPDX-License-Identifier: GPL-3.0-or-later
"""Every allocation of every operation fails once, and those for packets at random. For kernels with fault injection."""
import ctypes
import errno
import os
import re
import socket
import struct
import time
from collections.abc import Callable

from tests.kernel.guest import abi, crew, faults, net
from tests.kernel.guest.abi import ADD, DEL, FLUSH, GET, Control, Target, addr, batch, output, part, record
from tests.kernel.guest.case_random import CHANGES, ROOT, Sink, Sprayer, stage
from tests.kernel.guest.case_rewrite import group
from tests.kernel.guest.case_statistics import map_file
from tests.kernel.guest.crew import Worker
from tests.kernel.guest.faults import sweep
from tests.kernel.guest.net import sh
from tests.kernel.guest.streams import add_call, add_stream, put
from tests.kernel.guest.tables import MAIN, table

# what the kernel may say when it has been denied memory
EXPECTED = re.compile(r"page allocation failure|Call Trace|vmalloc error|FAULT_INJECTION")
NEAR, FAR = ("10.1.0.1", 30000), ("10.2.0.1", 30002)
NEAR6, FAR6 = ("fd00:1::1", 30000), ("fd00:2::1", 30002)
A, B = (net.A4, 10000), (net.B4, 20000)
FINIT_MODULE, DELETE_MODULE = 313, 176
# what an operation may fail with when there is no memory, or none of the caller's can be reached
SHORT = {errno.ENOMEM, errno.EFAULT, errno.ENOSPC, errno.ENOBUFS, errno.EAGAIN}
_libc = ctypes.CDLL(None, use_errno=True)


def _short(result: object) -> bool:
    """The call failed, and for a reason that is right."""
    if not isinstance(result, OSError):
        return False
    assert result.errno in SHORT, result
    return True


def tables() -> None:
    """add makes all or nothing, del always works; a refused open does not own the table."""
    main = os.open(MAIN, os.O_WRONLY)

    def added(result: object) -> None:
        assert os.path.exists(f"{ROOT}/5") is not _short(result)
        if not _short(result):
            assert sorted(os.listdir(f"{ROOT}/5")) == ["blist", "calls", "control", "list", "status"]
            os.write(main, b"del 5\n")

    def deleted(result: object) -> None:
        assert os.path.exists(f"{ROOT}/5") is _short(result)
        if not _short(result):
            os.write(main, b"add 5\n")

    def opened(result: object) -> None:
        if not _short(result):
            assert isinstance(result, int)
            os.close(result)
        os.close(os.open(f"{ROOT}/5/control", os.O_RDWR))

    sweep("add table", lambda: os.write(main, b"add 5\n"), added)
    os.write(main, b"add 5\n")
    sweep("open control", lambda: os.open(f"{ROOT}/5/control", os.O_RDWR), opened)
    sweep("del table", lambda: os.write(main, b"del 5\n"), deleted)
    os.write(main, b"del 5\n")
    os.close(main)


def _taken(control: Control, result: object) -> list[abi.Reply]:
    """The replies of a batch; none if it failed as a whole."""
    if _short(result):
        return []
    replies = abi.parse_replies(os.read(control.fd, 1 << 20))
    assert replies and all(not r.status or -r.status in SHORT for r in replies), replies
    return replies


def _outputs(control: Control, local: abi.Where) -> int:
    """How many outputs a target has; -1 without such a target."""
    reply = control.run(record(GET, addr(local)))[0]
    if reply.status:
        assert reply.status == -errno.ENOENT, reply
        return -1
    return len(abi.parse_states(reply.body)[0].outputs)


KEYS = abi.keys(2, 2, b"k" * 16, b"s" * 14), abi.keys(6, 0, b"k" * 16, b"s" * 12, 16, 16, b"mki")
TARGETS = {
    "SRTP": Target(NEAR, [output(FAR, B, 0, KEYS[1]), output(FAR, B, 0, KEYS[0])], decrypt=KEYS[0]),
    "rewriting": Target(NEAR, [output(FAR, B, 0, b"", 0, CHANGES[0] + CHANGES[2] + CHANGES[3])], ranges=(0, 0, 0, 0),
                        mid_id=3, more=part(abi.GROUPS, group((0, 1), (0, 1), b"a"))),
    "IPv4": Target(NEAR, [output(FAR, B)], expect=A, ssrcs=(abi.ssrc_state(7, 9),)),
    "IPv6": Target(NEAR6, [output(FAR6, (net.B6, 20000))]),
    "32 outputs": Target(NEAR, [output(FAR, B), output(FAR6, (net.B6, 20000))] * 16),
    "no output": Target(NEAR, flags=abi.RTP | abi.BLACKHOLE),
}


def targets() -> None:
    """A target is added, replaced and deleted wholly or not at all."""
    with table(), Control() as control:
        for name, target in TARGETS.items():
            add, replace, remove = (batch(r) for r in (
                record(ADD, target.pack()), record(ADD, target.pack(), abi.REPLACE), record(DEL, addr(target.local))))

            def added(result: object, target: Target = target) -> None:
                done = any(not r.status for r in _taken(control, result))
                assert _outputs(control, target.local) == (len(target.outputs) if done else -1)
                if done:
                    control.remove(target.local)

            def replaced(result: object, target: Target = target) -> None:
                done = any(not r.status for r in _taken(control, result))
                assert _outputs(control, target.local) == (len(target.outputs) if done else 1)
                control.add(old, abi.REPLACE)

            def deleted(result: object, target: Target = target) -> None:
                done = any(not r.status for r in _taken(control, result))
                assert (_outputs(control, target.local) == -1) is done
                if done:
                    control.add(target)

            def write(raw: bytes) -> Callable[[], int]:
                return lambda: os.write(control.fd, raw)

            sweep(f"add target, {name}", write(add), added)
            old = Target(target.local, [output(FAR, B)])
            control.add(old)
            sweep(f"replace target, {name}", write(replace), replaced)
            control.add(target, abi.REPLACE)
            sweep(f"delete target, {name}", write(remove), deleted)
            control.remove(target.local)


def interception() -> None:
    """Calls and streams are made and removed wholly or not at all; packets are queued or not."""
    with table(), Control() as control:
        names = (b"call", b"stream")

        def write(kind: int, body: bytes) -> Callable[[], int]:
            raw = batch(record(kind, body))
            return lambda: os.write(control.fd, raw)

        def made(kind: int, path: str) -> Callable[[object], None]:
            def check(result: object) -> None:
                done = [r for r in _taken(control, result) if not r.status]
                assert os.path.exists(path) is bool(done), path
                if done:
                    assert control.one(kind, done[0].body) == 0
            return check

        sweep("add call", write(abi.ADD_CALL, names[0].ljust(256, b"\0")), made(abi.DEL_CALL, f"{ROOT}/0/calls/call"))
        call = add_call(control, names[0])
        body = struct.pack("<II", call, 0) + names[1].ljust(256, b"\0")
        path = f"{ROOT}/0/calls/call/stream"
        sweep("add stream", write(abi.ADD_STREAM, body), made(abi.DEL_STREAM, path))
        stream = add_stream(control, call, names[1])
        sweep("queue packet", write(abi.PACKET, struct.pack("<II", stream, 0) + bytes(1000)),
              lambda result: _taken(control, result) and None)
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

        def read(result: object) -> None:
            assert _short(result) or result == bytes(1000), result
            put(control, stream, bytes(1000))

        put(control, stream, bytes(1000))
        sweep("read packet", lambda: os.read(fd, 2000), read)
        os.close(fd)

        def removed(result: object) -> None:
            nonlocal call
            done = any(not r.status for r in _taken(control, result))
            assert os.path.exists(path) is not done
            if done:
                call = add_call(control, names[0])
                add_stream(control, call, names[1])

        sweep("delete call", lambda: write(abi.DEL_CALL, struct.pack("<II", call, 0))(), removed)


def replies() -> None:
    """Replies that could not be handed out stay; flush and state."""
    with table(), Control() as control:
        control.add(TARGETS["32 outputs"])
        get = batch(record(GET, addr(NEAR), cookie=3))
        os.write(control.fd, get)

        def read(result: object) -> None:
            if _short(result):
                result = os.read(control.fd, 1 << 20)
            assert isinstance(result, bytes) and abi.parse_replies(result)[0].cookie == 3
            os.write(control.fd, get)

        def flushed(result: object) -> None:
            done = not _short(result)
            assert (_outputs(control, NEAR) == -1) is done
            if done:
                control.add(TARGETS["32 outputs"])

        sweep("read replies", lambda: os.read(control.fd, 65536), read)
        sweep("get target", lambda: os.write(control.fd, get), lambda result: _taken(control, result) and None)
        flush = batch(record(FLUSH))
        sweep("flush", lambda: os.write(control.fd, flush), flushed)


def listings() -> None:
    """list, blist and status: opened, read and mapped."""
    with table(), Control() as control:
        control.add(TARGETS["32 outputs"])
        control.add(TARGETS["IPv6"])

        def look(name: str) -> bytes:
            fd = os.open(f"{ROOT}/0/{name}", os.O_RDONLY)
            try:
                return os.read(fd, 65536)
            finally:
                os.close(fd)

        def looked(result: object) -> None:
            assert _short(result) or result

        for name in ("list", "blist", "status"):
            sweep(f"read {name}", lambda name=name: look(name), looked)     # type: ignore[misc]
        fd, size = os.open(f"{ROOT}/0/blist", os.O_RDONLY), control.geometry.target_pool.chunk

        def mapped(result: object) -> None:
            if not _short(result):
                assert isinstance(result, int)
                ctypes.string_at(result, size)
                _libc.munmap(ctypes.c_void_p(result), ctypes.c_size_t(size))

        sweep("map blist", lambda: map_file(fd, size), mapped)
        os.close(fd)


def loading() -> None:
    """The module loads wholly or not at all; unloading always works."""
    fd = os.open(os.environ["RTPE_MODULE"], os.O_RDONLY)
    sh("rmmod xt_RTPENGINE")

    def system(*args: object) -> int:
        if _libc.syscall(*args):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return 0

    def load() -> int:
        return system(FINIT_MODULE, fd, ctypes.c_char_p(b""), 0)

    def unload() -> int:
        return system(DELETE_MODULE, ctypes.c_char_p(b"xt_RTPENGINE"), os.O_NONBLOCK)

    def loaded(result: object) -> None:
        there = os.path.exists("/proc/rtpengine")
        assert there is not isinstance(result, OSError), result     # the loader has errors of its own
        if there:
            unload()

    def unloaded(result: object) -> None:
        if not _short(result):
            load()

    sweep("load", load, loaded)
    load()
    sweep("unload", unload, unloaded)
    os.close(fd)
    assert os.listdir("/proc/rtpengine")


class _Filter:
    """The IPv4 filter table of iptables-legacy as the kernel takes it (linux/netfilter_ipv4/ip_tables.h)."""

    INFO = struct.Struct("32s13I")      # name, valid hooks, 5 entries, 5 underflows, number and bytes of entries
    SET, GET_INFO, GET_ENTRIES = 64, 64, 65

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def _info(self) -> tuple[int, ...]:
        return self.INFO.unpack(self._get(self.GET_INFO, self.INFO.pack(b"filter", *[0] * 13)))[1:]

    def _get(self, option: int, raw: bytes) -> bytes:
        """getsockopt() with an argument that goes in, too."""
        buffer = ctypes.create_string_buffer(raw, len(raw))
        size = ctypes.c_uint32(len(raw))
        if _libc.getsockopt(self.sock.fileno(), socket.SOL_IP, option, buffer, ctypes.byref(size)):
            raise OSError(ctypes.get_errno(), "getsockopt")
        return buffer.raw

    def read(self) -> tuple[tuple[int, ...], bytes]:
        """The table as it is now: what INFO says, and the entries."""
        info = self._info()
        return info, self._get(self.GET_ENTRIES, struct.pack("32sI4x", b"filter", info[-1]) + bytes(info[-1]))[40:]

    def replacement(self, info: tuple[int, ...], entries: bytes) -> bytes:
        """What makes that table out of the one that is there now; good until the next call."""
        present = self._info()[-2]
        self.counters = ctypes.create_string_buffer(16 * present)
        return struct.pack("32s3I10IIQ", b"filter", info[0], *info[-2:], *info[1:11], present,
                           ctypes.addressof(self.counters)) + entries

    def set(self, rules: bytes) -> int:
        """Replaces the table."""
        self.sock.setsockopt(socket.SOL_IP, self.SET, rules)
        return 0


def rules() -> None:
    """A rule is there or not, and no failure of its insertion keeps the module."""
    filters = _Filter()
    with net.Rule():
        full = filters.read()
    empty = filters.read()
    insertion = filters.replacement(*full)

    def replaced(result: object) -> None:
        nonlocal insertion
        assert (len(filters.read()[1]) > len(empty[1])) is not _short(result)
        if not _short(result):
            filters.set(filters.replacement(*empty))
            insertion = filters.replacement(*full)

    sweep("insert rule", lambda: filters.set(insertion), replaced)
    sh(f"rmmod xt_RTPENGINE && insmod {os.environ['RTPE_MODULE']}")


def _spray(percent: int, kind: str, lasts: float) -> None:
    with stage() as (links, control):
        sink = Worker(Sink(), lasts + 1)
        sprayer = Sprayer(links, crew.seed())
        with faults.scarce(kind, percent):
            crew.work([sprayer], lasts)
        sink.finish()
        _flows(control)


def _flows(control: Control) -> None:
    """With memory again, every packet is forwarded."""
    near = ("10.1.0.1", 31000)
    time.sleep(0.5)
    with net.peer((net.A4, 9000)) as a, net.peer((net.B4, 21000)) as b:
        control.add(Target(near, [output(FAR, (net.B4, 21000))]))
        for n in range(50):
            a.sendto(net.rtp(n), near)
        assert net.receive(b, 50) == [net.rtp(n) for n in range(50)]


def _shortage(kind: str) -> Callable[[], None]:
    return lambda: [_spray(percent, kind, crew.seconds(10) / 3) for percent in (1, 10, 40)] and None


def packets_without_objects() -> None:
    """1, 10 and 40 of 100 small allocations that cannot wait fail while datagrams of all shapes arrive."""
    _shortage("failslab")()


def packets_without_pages() -> None:
    """The same with pages."""
    _shortage("fail_page_alloc")()
