# SPDX-License-Identifier: GPL-3.0-or-later
"""T25: the kernel kills an owner of a table for its memory, and takes that away before it has ended."""
import os
import re
import signal
import time

from tests.kernel.guest import net
from tests.kernel.guest.abi import Control, Target, output
from tests.kernel.guest.case_life import A, B, FAR, NEAR, child
from tests.kernel.guest.case_statistics import Mapped
from tests.kernel.guest.tables import table

# what the kernel says when it has killed somebody
EXPECTED = re.compile(r"invoked oom-killer|Call Trace|oom-kill|oom_reaper|Out of memory|sysrq|(?-i:Mem-Info|Node \d)")
SIZE = 64 << 20     # bytes of memory that the owner has, so that nobody else is chosen


def owner_out_of_memory() -> None:
    """The owner dies with its files and counters mapped: no packet is lost, and the next one goes on."""
    with table(), net.Rule(), net.udp(NEAR) as relay, net.peer(A) as a, net.peer(B) as b:
        ready = os.pipe()

        def owner() -> None:
            control = Control()
            control.add(Target(NEAR, [output(FAR, B)]))
            mapped = Mapped(control)
            with open("/proc/self/oom_score_adj", "w", encoding="ascii") as f:
                f.write("1000")
            taken = bytearray(os.urandom(4096) * (SIZE // 4096))
            os.write(ready[1], b"x")
            while taken:
                mapped.counters(control.state(NEAR).slot)
        pid = child(owner)
        assert os.read(ready[0], 1) == b"x"
        sender = net.Sender(a, NEAR, 0.002)
        sender.start()
        with open("/proc/sysrq-trigger", "w", encoding="ascii") as f:
            f.write("f")
        _, status = os.waitpid(pid, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        time.sleep(0.5)
        sent = sender.stop()
        for fd in ready:
            os.close(fd)
        got = sorted(net.receive(b, sent))
        assert got == [net.rtp(number) for number in range(sent)], (len(got), sent)
        assert net.silent(relay, 0.1)
        with Control() as control:
            assert control.geometry.targets == 1 and control.state(NEAR).ssrcs[0].packets == sent
            control.remove(NEAR)
