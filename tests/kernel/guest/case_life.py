# SPDX-License-Identifier: GPL-3.0-or-later
"""Daemons that die, and everybody at once."""
import errno
import os
import random
import signal
import threading
import time
from collections.abc import Callable

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import ADD, DEL, FLUSH, Control, Target, addr, batch, hello, output, record
from tests.kernel.guest.tables import command, table

A, B = (net.A4, 10000), (net.B4, 20000)
NEAR, FAR = ("10.1.0.1", 30000), ("10.2.0.1", 30002)
ROOT = "/proc/rtpengine"


def small(port: int) -> bytes:
    """A message for a target with one output."""
    return Target(("10.1.0.1", port), [output(FAR, B)]).pack()


def child(work: Callable[[], None]) -> int:
    """Forks; the child works until it is killed."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    finally:
        os._exit(1)


def killed_daemons() -> None:
    """50 owners killed with -9 amid their commands, under traffic: the next one always gets in, no packet is lost."""
    dice = random.Random(1)
    with table(), net.Rule(), net.udp(NEAR) as relay, net.peer(A) as a, net.peer(B) as b:
        with Control() as control:
            control.add(Target(NEAR, [output(FAR, B)]))
        sender = net.Sender(a, NEAR, 0.002)
        sender.start()

        def daemon() -> None:
            control = Control()
            extra = [record(ADD, small(2000 + n), abi.REPLACE) for n in range(20)]
            os.write(ready[1], b"x")
            while True:
                control.add(Target(NEAR, [output(FAR, B)]), abi.REPLACE)
                control.run(*extra)

        for round_ in range(50):
            ready = os.pipe()
            pid = child(daemon)
            os.close(ready[1])
            assert os.read(ready[0], 1) == b"x", f"owner {round_} did not get in"
            os.close(ready[0])
            time.sleep(dice.random() * 0.02)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            with open(f"{ROOT}/0/status", encoding="ascii") as f:
                assert "Control PID: 0\n" in f.read()
        sent = sender.stop()
        got = sorted(net.receive(b, sent))      # sorted: the sender may change CPU
        assert got == [net.rtp(n) for n in range(sent)], (len(got), sent)
        assert net.silent(relay, 0.1)
        with Control() as control:      # the next daemon adopts
            assert control.geometry.targets == 21
            assert control.state(NEAR).ssrcs[0].packets == sent


def stopped_daemon() -> None:
    """An owner that is stopped keeps its table, and media go on."""
    with table(), net.Rule(), net.peer(A) as a, net.peer(B) as b:
        with Control() as control:
            control.add(Target(NEAR, [output(FAR, B)]))
        ready = os.pipe()

        def daemon() -> None:
            Control()
            os.write(ready[1], b"x")
            time.sleep(100)

        pid = child(daemon)
        os.read(ready[0], 1)
        os.kill(pid, signal.SIGSTOP)
        assert command("del 0\n") == -errno.EBUSY
        a.sendto(net.rtp(1), NEAR)
        assert b.recv(2048) == net.rtp(1)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        for fd in ready:
            os.close(fd)


def deleted_under_traffic() -> None:
    """Tables with targets come and go while packets run."""
    with net.Rule(), net.udp(NEAR), net.peer(A) as a, net.peer(B):
        senders = [net.Sender(a, NEAR, 0.0005) for _ in range(2)]
        for s in senders:
            s.start()
        for _ in range(60):
            with table(), Control() as control:
                control.add(Target(NEAR, [output(FAR, B)] * 4))
                control.run(*(record(ADD, small(2000 + n)) for n in range(50)))
        for s in senders:
            s.stop()


def at_once(jobs: list[Callable[[], None]], seconds: float) -> None:
    """Each job again and again in a process of its own; an exception in any fails the case."""
    end = time.monotonic() + seconds

    def repeat(job: Callable[[], None]) -> None:
        while time.monotonic() < end:
            job()
        os._exit(0)

    pids = [child(lambda job=job: repeat(job)) for job in jobs]        # type: ignore[misc]
    failed = [os.waitpid(pid, 0)[1] for pid in pids]
    assert not any(failed), failed


def tolerate(call: Callable[[], object], *allowed: int) -> None:
    """Calls; errors other than these are a failure."""
    try:
        call()
    except OSError as e:
        if e.errno not in allowed:
            raise


def _own() -> None:
    with Control() as control:
        control.run(*(record(ADD, small(30000 + n), abi.REPLACE) for n in range(4)))
        control.run(record(DEL, addr(NEAR)), record(FLUSH))


def _read(name: str) -> None:
    with open(f"{ROOT}/0/{name}", "rb", buffering=0) as f:
        while f.read(65536):
            pass


def races() -> None:
    """add, del, open, commands and readers of one table in eight processes, under traffic."""
    gone = (errno.ENOENT, errno.EBUSY, errno.EIO)
    with net.Rule(), net.udp(NEAR), net.peer(A) as a, net.peer(B):
        sender = net.Sender(a, NEAR, 0.0005)
        sender.start()
        at_once([
            lambda: _expect(command("add 0\n"), errno.EEXIST),
            lambda: _expect(command("del 0\n"), errno.ENOENT, errno.EBUSY),
            lambda: tolerate(_own, *gone), lambda: tolerate(_own, *gone),
            lambda: tolerate(lambda: _read("list"), *gone), lambda: tolerate(lambda: _read("blist"), *gone),
            lambda: tolerate(lambda: _read("status"), *gone),
            lambda: _expect(command("del 0\n"), errno.ENOENT, errno.EBUSY),
        ], 6)
        sender.stop()
    _expect(command("del 0\n"), errno.ENOENT)
    assert os.listdir(ROOT) and not os.path.exists(f"{ROOT}/0")


def _expect(result: int, *allowed: int) -> None:
    assert result > 0 or -result in allowed, result


def shared_descriptor() -> None:
    """Threads that write and read on one descriptor get whole batches of replies, whosever they are."""
    with table(), Control() as control:
        wrong: list[BaseException] = []

        def work(number: int) -> None:
            raw = batch(*(record(ADD, Target(("10.1.0.1", 100 * number + n)).pack(), abi.REPLACE, cookie=number)
                          for n in range(1, 9)))
            try:
                for _ in range(50):
                    os.write(control.fd, raw)
                    got = abi.parse_replies(os.read(control.fd, 65536))
                    assert len({r.cookie for r in got}) <= 1 and len(got) in (0, 8)
            except BaseException as e:      # noqa: B902 - handed to the main thread
                wrong.append(e)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not wrong, wrong


def both_cpus_count() -> None:
    """Streams from two processes, on whatever CPUs: the sums are exact."""
    with table(), net.Rule(), Control() as control, net.peer(B) as b:
        control.add(Target(NEAR, [output(FAR, B)]))
        ends = []
        for n in range(2):
            def send(port: int = 10000 + n) -> None:
                with net.peer((net.A4, port)) as s:
                    for seq in range(1500):
                        s.sendto(net.rtp(seq, ssrc=port), NEAR)
                os._exit(0)
            ends.append(child(send))
        got = len(net.receive(b, 3000))
        assert [os.waitpid(pid, 0)[1] for pid in ends] == [0, 0]
        state = control.state(NEAR)
        assert (got, state.counters.packets, state.outputs[0].counters.packets) == (3000, 3000, 3000), (got, state)
        assert sorted(s.packets for s in state.ssrcs) == [1500, 1500]


def left_over_batch() -> None:
    """Killed between write and read: the replies go with the owner."""
    with table():
        def daemon() -> None:
            control = Control()
            os.write(control.fd, batch(hello(), record(FLUSH)))
            os.kill(os.getpid(), signal.SIGKILL)

        os.waitpid(child(daemon), 0)
        with Control() as control:
            assert os.read(control.fd, 4096) == b""


def not_unloaded_in_use() -> None:
    """T25: rmmod is refused as long as somebody holds a table or a rule, and no packet is lost by trying."""
    with table(), net.peer(A) as a, net.peer(B) as b:
        with net.Rule(), Control() as control:
            control.add(Target(NEAR, [output(FAR, B)]))
            for number in range(3):
                told = net.sh("rmmod xt_RTPENGINE", check=False)
                assert "in use" in told, told
                a.sendto(net.rtp(number), NEAR)
                assert b.recv(2048) == net.rtp(number)
        with Control():
            assert "in use" in net.sh("rmmod xt_RTPENGINE", check=False)
        with net.Rule():
            assert "in use" in net.sh("rmmod xt_RTPENGINE", check=False)
