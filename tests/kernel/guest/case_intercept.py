# SPDX-License-Identifier: GPL-3.0-or-later
"""Interception: calls/CALL/STREAM, and readers that wait, stall, poll, die or hold on to what is gone."""
import errno
import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import Control, Target, output, record
from tests.kernel.guest.case_life import child
from tests.kernel.guest.tables import command, error, table

A, B = (net.A4, 10000), (net.B4, 20000)
NEAR, FAR = ("10.1.0.1", 30000), ("10.2.0.1", 30002)
CALLS = "/proc/rtpengine/0/calls"
FILE = f"{CALLS}/call/stream"


def _name(text: bytes) -> bytes:
    return text.ljust(256, b"\0")


def _index(control: Control, kind: int, body: bytes) -> int:
    """The index in the reply; OSError if there is none."""
    reply = control.run(record(kind, body))[0]
    if reply.status:
        raise OSError(-reply.status, os.strerror(-reply.status))
    index, zero = struct.unpack("<II", reply.body)
    assert index and not zero
    return int(index)


def add_call(control: Control, name: bytes = b"call") -> int:
    """ADD_CALL."""
    return _index(control, abi.ADD_CALL, _name(name))


def add_stream(control: Control, call: int, name: bytes = b"stream", limit: int = 0) -> int:
    """ADD_STREAM."""
    return _index(control, abi.ADD_STREAM, struct.pack("<II", call, limit) + _name(name))


def remove(control: Control, kind: int, index: int) -> int:
    """DEL_CALL or DEL_STREAM: its status, and in how many seconds."""
    began = time.monotonic()
    status = control.one(kind, struct.pack("<II", index, 0))
    assert time.monotonic() - began < 2, "a reader holds up the removal"
    return status


def put(control: Control, stream: int, *packets: bytes) -> None:
    """PACKET for each; they have a multiple of 8 bytes."""
    for packet in packets:
        assert control.one(abi.PACKET, struct.pack("<II", stream, 0) + packet) == 0


def packet(number: int) -> bytes:
    """Eight bytes that are no IP packet."""
    return struct.pack(">Q", number)


@contextmanager
def stream(limit: int = 0) -> Iterator[tuple[Control, int, int]]:
    """Table 0 with a call and a stream in it: control, indices of both."""
    with table(), Control() as control:
        call = add_call(control)
        yield control, call, add_stream(control, call, limit=limit)


@contextmanager
def opened(flags: int = os.O_NONBLOCK, path: str = FILE) -> Iterator[int]:
    """The stream's file."""
    fd = os.open(path, os.O_RDONLY | flags)
    try:
        yield fd
    finally:
        os.close(fd)


def lost() -> int:
    """What the table's status says."""
    with open("/proc/rtpengine/0/status", encoding="ascii") as f:
        return int(f.read().partition("Lost copies:")[2])


def blocked(pid: int) -> bool:
    """The process sleeps in read() or poll()."""
    for _ in range(200):
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            if f.read().rpartition(")")[2].split()[0] == "S":
                return True
        time.sleep(0.01)
    return False


def checksum(data: bytes) -> int:
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def payload_of(copy: bytes, src: abi.Where, dst: abi.Where) -> bytes:
    """What an IP packet from src to dst carries; lengths and checksums must be right."""
    if copy[0] >> 4 == 4:
        assert checksum(copy[:20]) == 0xFFFF and struct.unpack(">H", copy[2:4])[0] == len(copy)
        family, addresses, header = socket.AF_INET, copy[12:20], copy[20:]
    else:
        assert struct.unpack(">H", copy[4:6])[0] == len(copy) - 40
        family, addresses, header = socket.AF_INET6, copy[8:40], copy[40:]
    sport, dport, length, said = struct.unpack(">4H", header[:8])
    assert length == len(header) and said
    assert checksum(addresses + struct.pack(">HH", 17, length) + header) == 0xFFFF
    half = len(addresses) // 2
    assert (socket.inet_ntop(family, addresses[:half]), sport) == src
    assert (socket.inet_ntop(family, addresses[half:]), dport) == dst
    return header[8:]


def copies() -> None:
    """What is forwarded is read as well, whole IP packets in both families; without outputs it is only read."""
    for left, right in ((net.A4, net.B4), (net.A6, net.B6)):
        a, b, near = (left, 10000), (right, 20000), (net.PROXY[left], 30000)
        with stream(100) as (control, _, index), opened() as fd, net.Rule(), net.peer(a) as sa, net.peer(b) as sb, \
                net.udp(near) as relay:
            for outputs in ([output((net.PROXY[right], 30002), b)], []):
                control.add(Target(near, outputs, streams=(index, 0)), abi.REPLACE)
                sent = [net.rtp(n, payload=bytes(range(n))) for n in range(50)] + [net.rtcp()]
                for each in sent:
                    sa.sendto(each, near)
                if outputs:
                    assert net.receive(sb, 51) == sent
                assert [payload_of(os.read(fd, 65536), a, near) for _ in sent] == sent
                assert error(lambda: os.read(fd, 1)) == "EAGAIN"
            assert net.silent(relay, 0.05) and net.silent(sb, 0.01)


def rtcp_copies() -> None:
    """RTCP goes to a stream of its own, without pure feedback if that is to be consumed."""
    report, pli = net.rtcp(), struct.pack(">BBHII", 0x81, 206, 2, 1, 2)
    with stream() as (control, _, index), opened() as fd, net.Rule(), net.peer(A) as a, net.peer(B) as b:
        for flags, expected in ((0, [report, pli]), (abi.CONSUME_FEEDBACK, [report])):
            control.add(Target(NEAR, [output(FAR, B)], flags=abi.RTP | flags, streams=(0, index)), abi.REPLACE)
            for each in (net.rtp(1), report, pli):
                a.sendto(each, NEAR)
            assert len(net.receive(b, 3)) == 3
            assert [payload_of(os.read(fd, 2048), A, NEAR) for _ in expected] == expected
            assert error(lambda: os.read(fd, 1)) == "EAGAIN"


def names() -> None:
    """Any name is a file, or refused with EINVAL; never a warning (run.py sees those)."""
    good = [b"a", b"...", b".a", b"a b", b"caf\xc3\xa9", b"\xff\xfe", b"a\nb", b"%s%n", b"x" * 255, b"0"]
    with table(), Control() as control:
        first = add_call(control)
        for name in good:
            call = add_call(control, name)
            add_stream(control, first, name)
            add_stream(control, call, name)
            assert error(lambda name=name: add_call(control, name)) == "EEXIST"       # type: ignore[misc]
            assert error(lambda name=name: add_stream(control, first, name)) == "EEXIST"  # type: ignore[misc]
            assert os.stat(os.path.join(CALLS.encode(), name, name)).st_mode & 0o7777 == 0o440
        assert sorted(os.listdir(CALLS.encode())) == sorted([b"call", *good])
        assert sorted(os.listdir(f"{CALLS}/call".encode())) == sorted(good)
        for name in (b"", b".", b"..", b"/", b"a/b", b"a/", b"/a", b"x" * 256):
            assert error(lambda name=name: add_call(control, name)) == "EINVAL", name     # type: ignore[misc]
            assert error(lambda name=name: add_stream(control, first, name)) == "EINVAL", name    # type: ignore[misc]
        assert os.stat(CALLS).st_mode & 0o7777 == os.stat(f"{CALLS}/call").st_mode & 0o7777 == 0o555


def numbers() -> None:
    """Indices belong to their table; one that was given back names nothing."""
    with table(0), table(1), Control(0) as one, Control(1) as two:
        call = add_call(one)
        index = add_stream(one, call)
        assert error(lambda: add_stream(two, call)) == "ENOENT"
        assert remove(two, abi.DEL_CALL, call) == remove(two, abi.DEL_STREAM, index) == -errno.ENOENT
        assert error(lambda: two.add(Target(NEAR, [output(FAR, B)], streams=(index, 0)))) == "ENOENT"
        assert error(lambda: one.add(Target(NEAR, [output(FAR, B)], streams=(0, index + 1)))) == "ENOENT"
        assert error(lambda: add_stream(one, call, b"large", 4097)) == "ERANGE"
        assert error(lambda: add_stream(one, 0)) == "ENOENT"
        assert remove(one, abi.DEL_STREAM, index) == 0 and remove(one, abi.DEL_STREAM, index) == -errno.ENOENT
        again = add_stream(one, call)
        assert again != index and remove(one, abi.DEL_STREAM, index) == -errno.ENOENT
        assert remove(one, abi.DEL_CALL, call) == 0 and not os.listdir(CALLS)
        assert remove(one, abi.DEL_STREAM, again) == remove(one, abi.DEL_CALL, 0) == -errno.ENOENT


def reading() -> None:
    """One packet a read, cut off at the buffer; waiting, or EAGAIN."""
    with stream() as (control, _, index), opened() as fd, opened(0) as waiting:
        assert error(lambda: os.read(fd, 8)) == "EAGAIN"
        put(control, index, packet(1), packet(2), packet(3))
        assert os.read(fd, 0) == b"" and os.read(fd, 3) == packet(1)[:3]
        assert os.read(waiting, 100) == packet(2) and os.read(fd, 8) == packet(3)
        assert error(lambda: os.read(fd, 8)) == "EAGAIN"
        assert error(lambda: os.lseek(fd, 0, os.SEEK_SET)) == "ESPIPE"
        assert error(lambda: os.open(FILE, os.O_RDWR)) in ("", "EACCES", "EIO")
        assert error(lambda: os.write(os.open(FILE, os.O_RDWR), b"x")) in ("EIO", "EINVAL", "EBADF")
        late = threading.Timer(0.2, put, (control, index, packet(4)))
        late.start()
        assert os.read(waiting, 8) == packet(4)
        late.join()
        pid = child(lambda: os._exit(len(os.read(waiting, 8)) == 0))
        assert blocked(pid)
        os.kill(pid, signal.SIGINT)         # a signal interrupts
        assert os.waitpid(pid, 0)[1] != 0
        put(control, index, packet(5))
        assert os.read(fd, 8) == packet(5)


def lengths() -> None:
    """A queue keeps the newest: as many as asked for, or the module's own number."""
    for limit, kept in ((0, 10), (1, 1), (3, 3), (4096, 50)):
        with stream(limit) as (control, _, index), opened() as fd:
            put(control, index, *map(packet, range(50)))
            assert lost() == 50 - kept
            assert [os.read(fd, 8) for _ in range(kept)] == [packet(n) for n in range(50 - kept, 50)]
            assert error(lambda: os.read(fd, 8)) == "EAGAIN"


def polling() -> None:
    """poll, select and epoll tell of packets and of the end."""
    with stream() as (control, _, index), opened() as fd:
        poll, epoll = select.poll(), select.epoll()
        poll.register(fd, select.POLLIN)
        epoll.register(fd, select.EPOLLIN | select.EPOLLET)
        assert not poll.poll(0) and not epoll.poll(0) and not select.select([fd], [], [], 0)[0]
        put(control, index, packet(1))
        assert poll.poll(0) == [(fd, select.POLLIN)] and epoll.poll(0) == [(fd, select.EPOLLIN)]
        assert not epoll.poll(0)
        os.read(fd, 8)
        assert not poll.poll(0)
        late = threading.Timer(0.2, put, (control, index, packet(2)))
        late.start()
        assert epoll.poll(5) == [(fd, select.EPOLLIN)] and select.select([fd], [], [], 5)[0]
        late.join()
        os.read(fd, 8)
        late = threading.Timer(0.2, remove, (control, abi.DEL_STREAM, index))
        late.start()
        assert poll.poll(5000) and epoll.poll(5) and os.path.exists(f"{CALLS}/call")
        late.join()
        assert error(lambda: os.read(fd, 8)) == "EIO"
        epoll.close()


def removal_under_readers() -> None:
    """T25: readers that wait read the end; those that come later get EIO; the removal does not wait for them."""
    for kind in (abi.DEL_STREAM, abi.DEL_CALL):
        with stream() as (control, call, index), opened(0) as fd:
            pids = [child(lambda: os._exit(os.read(fd, 8) != b"")) for _ in range(5)]
            assert all(map(blocked, pids))
            assert remove(control, kind, index if kind == abi.DEL_STREAM else call) == 0
            assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 5
            assert error(lambda: os.read(fd, 8)) == "EIO"
            assert error(lambda: os.open(FILE, os.O_RDONLY)) == "ENOENT"
            if kind == abi.DEL_STREAM:      # the name is free
                put(control, add_stream(control, call), packet(1))
                with opened() as again:
                    assert os.read(again, 8) == packet(1)


def table_goes_under_readers() -> None:
    """del N with files open, readers blocked and pollers waiting: all leave, and the module can be unloaded."""
    assert command("add 0\n") > 0
    with Control() as control:
        call = add_call(control)
        put(control, add_stream(control, call), packet(1))
        add_stream(control, call, b"empty")
    with opened() as fd, opened(0, f"{CALLS}/call/empty") as empty:
        epoll = select.epoll()
        epoll.register(fd, select.EPOLLIN)
        epoll.register(empty, select.EPOLLIN)

        def wait_with(poll: Callable[[], object]) -> Callable[[], None]:
            return lambda: os._exit(not poll())

        pids = [child(lambda: os._exit(os.read(empty, 8) != b"")),
                child(wait_with(lambda: select.select([empty], [], [], 30)[0])),
                child(wait_with(lambda: poll_of(empty)))]
        assert all(map(blocked, pids))
        began = time.monotonic()
        assert command("del 0\n") > 0 and time.monotonic() - began < 5
        assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]
        assert error(lambda: os.read(fd, 8)) == error(lambda: os.read(empty, 8)) == "EIO"
        net.sh("timeout 20 rmmod xt_RTPENGINE")
        assert len(epoll.poll(0)) == 2      # of files that are gone, by a module that is gone
        epoll.close()
    net.sh(f"insmod {os.environ['RTPE_MODULE']}")


def poll_of(fd: int) -> object:
    """Blocks in poll()."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return poll.poll(30000)


def stalled_reader() -> None:
    """T24, trap 21: a reader that stalls costs its queue and no packet; the newest wait for it."""
    with stream(5) as (control, _, index), opened() as fd, net.Rule(), net.peer(A) as a, net.peer(B) as b:
        control.add(Target(NEAR, [output(FAR, B)], streams=(index, 0)))
        for n in range(300):
            a.sendto(net.rtp(n), NEAR)
        assert len(net.receive(b, 300)) == 300
        assert lost() == 295
        assert [payload_of(os.read(fd, 2048), A, NEAR) for _ in range(5)] == [net.rtp(n) for n in range(295, 300)]
        assert error(lambda: os.read(fd, 8)) == "EAGAIN"


def killed_readers() -> None:
    """T25: readers killed with -9, blocked or amid packets, leave nothing behind."""
    with stream() as (control, _, index), net.Rule(), net.peer(A) as a, net.peer(B) as b:
        control.add(Target(NEAR, [output(FAR, B)], streams=(index, 0)))

        def reader() -> None:
            fd = os.open(FILE, os.O_RDONLY)
            while True:
                os.read(fd, 65536)

        pid = child(reader)
        assert blocked(pid)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        sender = net.Sender(a, NEAR, 0.0005)
        sender.start()
        for n in range(20):
            pid = child(reader)
            time.sleep(0.005 * (n % 5))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        sent = sender.stop()
        assert len(net.receive(b, sent)) == sent


def many_readers() -> None:
    """Several readers of one stream share its packets: each is read once."""
    with stream(1000) as (control, _, index), opened(0) as fd:
        pipe = os.pipe()

        def reader() -> None:
            while data := os.read(fd, 8):
                os.write(pipe[1], data)
            os._exit(0)

        pids = [child(reader) for _ in range(4)]
        assert all(map(blocked, pids))
        put(control, index, *map(packet, range(400)))
        got = sorted(os.read(pipe[0], 8) for _ in range(400))
        assert got == list(map(packet, range(400)))
        assert remove(control, abi.DEL_STREAM, index) == 0
        assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4


def targets_outlive_streams() -> None:
    """A stream that is removed under its targets: they go on, and so they do when it is back under its old name."""
    with stream() as (control, call, index), net.Rule(), net.peer(A) as a, net.peer(B) as b:
        control.add(Target(NEAR, [output(FAR, B)], streams=(index, index)))
        a.sendto(net.rtp(1), NEAR)
        assert remove(control, abi.DEL_STREAM, index) == 0
        again = add_stream(control, call)
        with opened() as fd:
            a.sendto(net.rtp(2), NEAR)
            assert net.receive(b, 2) == [net.rtp(1), net.rtp(2)]
            assert error(lambda: os.read(fd, 8)) == "EAGAIN"
            control.add(Target(NEAR, [output(FAR, B)], streams=(again, 0)), abi.REPLACE)
            a.sendto(net.rtp(3), NEAR)
            assert b.recv(2048) == net.rtp(3) == payload_of(os.read(fd, 2048), A, NEAR)


def flush_on_close() -> None:
    """With the option, calls and streams end with the control file; without it they stay."""
    with table():
        for options in (0, abi.FLUSH_ON_CLOSE):
            control = Control()
            if not options:
                put(control, add_stream(control, add_call(control)), packet(1))
            assert control.one(abi.OPTIONS, struct.pack("<II", options, 0)) == 0
            with opened() as fd:
                control.close()
                assert os.path.exists(FILE) == (not options)
                assert error(lambda: os.read(fd, 8)) == ("EIO" if options else "")


def parameter() -> None:
    """stream_packets_list_limit: 0 and too much refuse the load; else it is the default length."""
    module = os.environ["RTPE_MODULE"]
    net.sh("rmmod xt_RTPENGINE")
    try:
        for wrong in ("0", "4097", "x"):
            told = net.sh(f"insmod {module} stream_packets_list_limit={wrong}; echo $?", check=False)
            assert told.endswith("1\n") and "Invalid" in told, told
            assert not os.path.exists("/proc/rtpengine")
        net.sh(f"insmod {module} stream_packets_list_limit=2")
        with stream() as (control, _, index), opened() as fd:
            put(control, index, packet(1), packet(2), packet(3))
            assert [os.read(fd, 8), os.read(fd, 8)] == [packet(2), packet(3)]
        net.sh("rmmod xt_RTPENGINE")
    finally:
        net.sh(f"insmod {module}", check=False)


def many_calls() -> None:
    """1500 calls with two streams each, made and removed, in 100 batches."""
    with table(), Control() as control:
        for _ in range(2):
            calls: list[int] = []
            for n in range(0, 1500, 50):
                replies = control.run(*[record(abi.ADD_CALL, _name(b"call %d" % i)) for i in range(n, n + 50)])
                fresh = [struct.unpack("<I", r.body[:4])[0] for r in replies]
                replies = control.run(*[record(abi.ADD_STREAM, struct.pack("<II", call, 1) + _name(name))
                                        for call in fresh for name in (b"a", b"b")])
                assert not any(r.status for r in replies)
                calls += fresh
            assert len(os.listdir(CALLS)) == 1500 and sorted(os.listdir(f"{CALLS}/call 777")) == ["a", "b"]
            for n in range(0, 1500, 50):
                replies = control.run(*[record(abi.DEL_CALL, struct.pack("<II", call, 0)) for call in calls[n:n + 50]])
                assert not any(r.status for r in replies)
            assert not os.listdir(CALLS)


def everybody_at_once() -> None:
    """Traffic, readers of all kinds, streams that come and go, for some seconds; every packet arrives."""
    end = time.monotonic() + 4

    def reader(how: Callable[[int], object]) -> Callable[[], None]:
        def work() -> None:
            while time.monotonic() < end:
                with suppress(OSError):
                    with opened() as fd:
                        for _ in range(20):
                            how(fd)
            os._exit(0)
        return work

    def by_epoll(fd: int) -> None:
        with select.epoll() as epoll:
            epoll.register(fd, select.EPOLLIN)
            epoll.poll(0.01)
            os.read(fd, 65536)

    with table(), net.Rule(), Control() as control, net.peer(A) as a, net.peer(B, 5) as b:
        control.add(Target(NEAR, [output(FAR, B)]))
        pids = [child(reader(how)) for how in (lambda fd: os.read(fd, 65536), by_epoll,
                                               lambda fd: select.select([fd], [], [], 0.01))]
        sender = net.Sender(a, NEAR, 0.001)
        sender.start()
        while time.monotonic() < end:
            call = add_call(control)
            index = add_stream(control, call)
            control.add(Target(NEAR, [output(FAR, B)], streams=(index, index)), abi.REPLACE)
            time.sleep(0.01)
            assert remove(control, abi.DEL_CALL, call) == 0
        sent = sender.stop()
        assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]
        assert len(net.receive(b, sent)) == sent
