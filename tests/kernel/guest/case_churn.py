# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets of every kind come and go by the thousand, and what the kernel has allocated for them with them."""
import os
import re
import time
from dataclasses import replace
from pathlib import Path

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import ADD, DEL, Control, Target, addr, output, record
from tests.kernel.guest.case_faults import A, B, FAR, NEAR, TARGETS
from tests.kernel.guest.crew import NUMBERS
from tests.kernel.guest.streams import add_call, add_stream, put, remove
from tests.kernel.guest.tables import table

ROUNDS = int(os.environ.get("RTPE_CHURN_ROUNDS", "4"))
WARM = 2            # rounds until nothing is allocated for the first time
PORTS = range(2000, 2300)
LIMIT = 32.0        # bytes that a target may leave behind, on an average: the least allocation is as large
_CACHE = re.compile(r"^(kmalloc\S*) +(\d+) +\d+ +(\d+)", re.MULTILINE)
_FREE = 0.5         # seconds after which RCU has let go of everything


def kernel_memory() -> dict[str, int]:
    """Bytes in use: of the caches that kmalloc takes from, of vmalloc and for all CPUs."""
    time.sleep(_FREE)
    for shrink in Path("/sys/kernel/slab").glob("kmalloc*/shrink"):     # or every CPU has some that count as used
        shrink.write_text("1", encoding="ascii")
    slabs = _CACHE.findall(Path("/proc/slabinfo").read_text(encoding="ascii"))
    meminfo = dict(re.findall(r"^(\w+): +(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE))
    assert slabs
    return {"slab": sum(int(count) * int(size) for _, count, size in slabs),
            "vmalloc": 1024 * int(meminfo["VmallocUsed"]), "per CPU": 1024 * int(meminfo["Percpu"])}


def _fill(control: Control, targets: list[Target]) -> None:
    """Adds, replaces and deletes these."""
    for flags in (0, abi.REPLACE):
        for begin in range(0, len(targets), 50):
            replies = control.run(*(record(ADD, each.pack(), flags) for each in targets[begin:begin + 50]))
            assert not any(reply.status for reply in replies)
    for begin in range(0, len(targets), 50):
        replies = control.run(*(record(DEL, addr(each.local)) for each in targets[begin:begin + 50]))
        assert not any(reply.status for reply in replies)


def _round(control: Control) -> int:
    """Targets of all kinds, one of them with packets, a call that is recorded, another table; how many targets."""
    kinds = list(TARGETS.values())
    targets = [replace(kinds[n % len(kinds)], local=(kinds[n % len(kinds)].local[0], port))
               for n, port in enumerate(PORTS)]
    _fill(control, targets)
    with net.udp(NEAR), net.peer(A) as a, net.peer(B) as b:
        control.add(Target(NEAR, [output(FAR, B)]))
        for number in range(20):
            a.sendto(net.rtp(number), NEAR)
        assert len(net.receive(b, 20)) == 20
        control.remove(NEAR)
    call = add_call(control)
    stream = add_stream(control, call)
    put(control, stream, bytes(160))
    assert remove(control, abi.DEL_STREAM, stream) == remove(control, abi.DEL_CALL, call) == 0
    with table(1), Control(1) as other:
        _fill(other, targets[:60])
    return len(targets) + 61


def targets_come_and_go() -> None:
    """No memory stays that is more than chance, whatever a target had."""
    looks = []
    with table(), net.Rule(), Control() as control:
        for number in range(WARM + ROUNDS):
            count = _round(control)
            if number >= WARM - 1:
                looks.append(kernel_memory())
                NUMBERS["targets"] += count if number >= WARM else 0
    for kind in looks[0]:
        NUMBERS[f"{kind}, bytes at first"] = looks[0][kind]
        NUMBERS[f"{kind}, bytes in the end"] = looks[-1][kind]
        assert looks[-1][kind] - looks[0][kind] < LIMIT * NUMBERS["targets"], looks
