# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of intercepted streams that wait, stall, poll, die or hold on to what is gone."""
import os
import select
import signal
import threading
import time
from collections.abc import Callable

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import Control, Target, output
from tests.kernel.guest.case_life import child
from tests.kernel.guest.streams import (CALLS, FAR, FILE, NEAR, A, B, add_call, add_stream, blocked, lost, opened,
                                        packet, payload_of, put, remove, stream)
from tests.kernel.guest.tables import command, error


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
        assert command("del 0\n") > 0 and time.monotonic() - began < 60
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
