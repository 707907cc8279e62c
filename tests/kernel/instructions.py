# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the guest instructions the kernel spends on a forwarded packet: `python -m tests.kernel.instructions`.

Prints a line per case: instructions per packet above a packet dropped at INPUT, in all, and those of them that are
the module's own. `-t N` adds the N
most expensive functions of each case, `--json` prints an object per line instead.
"""
import argparse
import bisect
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.kernel.build import ROOT, BuildError, Built, build, build_counters, build_reference
from tests.kernel.insn.packets import write as write_packets
from tests.kernel.prepare import Kernel, PrepareError, prepare
from tests.kernel.vm import Guest
from tests.peers import debian

KERNEL_HALF = 1 << 63
MODULE = "[xt_RTPENGINE]"
BUILD = ROOT / "build" / "kernel"


@dataclass(slots=True)
class Count:
    """Kernel instructions of one case per packet, in all and by function, and above the drop of its family."""

    label: str
    total: float
    above_drop: float = 0.0
    functions: dict[str, float] = field(default_factory=dict)

    @property
    def module(self) -> float:
        """What of it are the module's own functions: the same in every run, unlike the kernel's part."""
        return sum(cost for name, cost in self.functions.items() if name.endswith(MODULE))


class Symbols:
    """The functions of a running kernel, by address."""

    def __init__(self, kallsyms: str) -> None:
        found = []
        for line in kallsyms.splitlines():
            address, kind, name, *module = line.split()
            if kind in "tTwW":
                found.append((int(address, 16), name + "".join(module)))
        found.sort()
        self.addresses = [f[0] for f in found]
        self.names = [f[1] for f in found]

    def name(self, address: int) -> str:
        """The function that an address lies in."""
        at = bisect.bisect_right(self.addresses, address) - 1
        return self.names[at] if at >= 0 else "?"


def parse_counts(text: str, labels: list[str], symbols: Symbols, packets: int) -> Iterator[Count]:
    """The counts the plugin wrote, in order."""
    names = iter(labels)
    count = Count("", 0.0)
    for line in text.splitlines():
        if line == "begin":
            count = Count(next(names), 0.0)
        elif line == "end":
            yield count
        else:
            address, instructions, runs = line.split()
            if int(address, 16) >= KERNEL_HALF:
                cost = int(instructions) * int(runs) / packets
                count.total += cost
                name = symbols.name(int(address, 16))
                count.functions[name] = count.functions.get(name, 0.0) + cost


def subtract_drop(counts: list[Count]) -> None:
    """Fills above_drop."""
    drops = {c.label.split(":")[0]: c.total for c in counts if c.label.endswith("drop at INPUT")}
    for c in counts:
        c.above_drop = c.total - drops[c.label.split(":")[0]]


def _count(kernel: Kernel, packets: int, extensions: Built, script: str, module: Path, *more: str) -> list[Count]:
    """Boots, runs a script of tests.kernel.insn and reads what it counted."""
    plugin, flow = build_counters(BUILD)
    with tempfile.TemporaryDirectory(prefix="rtpe-insn-") as name:
        out = Path(name)
        write_packets(out, packets)
        guest = Guest(kernel, cpu="max,-erms,-fsrm", shares=(out,), environment=extensions.environment(), timeout=1800,
                      memory_mb=2048, qemu_args=("-plugin", f"{plugin},out={out}/counts"), exact=True)
        result = guest.run("/usr/bin/python3", "-m", f"tests.kernel.insn.{script}", str(module), str(flow), name,
                           str(packets), *more, cwd=ROOT)
        if result.status:
            raise RuntimeError(f"guest: status {result.status}\n{result.output}\n{result.console[-3000:]}")
        symbols = Symbols((out / "kallsyms").read_text(encoding="ascii"))
        labels = (out / "labels").read_text(encoding="utf-8").splitlines()
        counts = list(parse_counts((out / "counts").read_text(encoding="ascii"), labels, symbols, packets))
    subtract_drop(counts)
    return counts


def measure(packets: int) -> list[Count]:
    """Builds, boots and counts; RuntimeError when the guest fails."""
    kernel = prepare()
    built = build(kernel, BUILD)
    return _count(kernel, packets, built, "guest", built.module)


def measure_reference(packets: int) -> list[Count]:
    """The same for Debian's module and daemon, those cases that they have; Unobtainable where they cannot be had."""
    kernel = prepare()
    program, environment = debian.program("rtpengine-daemon", "/usr/bin/rtpengine")
    module = build_reference(kernel, BUILD)
    built = build(kernel, BUILD)
    words = [f"{name}={value}" for name, value in environment.items()]
    return _count(kernel, packets, built, "reference", module, program, *words)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Guest instructions per packet of the kernel module.")
    parser.add_argument("-n", "--packets", type=int, default=1600, help="packets per case, a multiple of 16")
    parser.add_argument("-t", "--top", type=int, default=0, help="most expensive functions to show")
    parser.add_argument("--reference", action="store_true", help="Debian's module instead")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    args = parser.parse_args()
    try:
        counts = (measure_reference if args.reference else measure)(args.packets)
    except (PrepareError, BuildError, RuntimeError, debian.Unobtainable) as e:
        print(e, file=sys.stderr)
        return 1
    for c in counts:
        if args.json:
            print(json.dumps({"label": c.label, "total": round(c.total), "above_drop": round(c.above_drop),
                              "module": round(c.module)}))
        else:
            print(f"{c.above_drop:8.0f} above a drop, {c.total:8.0f} in all, {c.module:5.0f} in the module  {c.label}")
        for name, cost in sorted(c.functions.items(), key=lambda f: -f[1])[:args.top]:
            print(f"    {cost:8.1f}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
