# SPDX-License-Identifier: GPL-3.0-or-later
"""Interception: calls/CALL/STREAM, what is copied, and how long calls and streams live."""
import errno
import os
import select
import struct
import time
from collections.abc import Callable
from contextlib import suppress

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import Control, Target, output, record
from tests.kernel.guest.case_life import child
from tests.kernel.guest.streams import (CALLS, FAR, FILE, NEAR, A, B, add_call, add_stream, name_bytes, opened, packet,
                                        payload_of, put, remove, stream)
from tests.kernel.guest.tables import error, table


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
                replies = control.run(*[record(abi.ADD_CALL, name_bytes(b"call %d" % i)) for i in range(n, n + 50)])
                fresh = [struct.unpack("<I", r.body[:4])[0] for r in replies]
                replies = control.run(*[record(abi.ADD_STREAM, struct.pack("<II", call, 1) + name_bytes(name))
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
