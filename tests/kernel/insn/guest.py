# SPDX-License-Identifier: GPL-3.0-or-later
"""In the guest: measures each case once (guest.py MODULE.KO FLOW OUT PACKETS). OUT gets "labels" and "kallsyms"."""
import errno
import sys
from pathlib import Path

from tests.kernel.guest import net
from tests.kernel.guest.abi import ADD, REPLACE, Control, Target, output, record
from tests.kernel.guest.hook import Hook
from tests.kernel.guest.tables import command
from tests.kernel.insn import packets as encrypted
from tests.kernel.insn.meter import PORT, Meter, baselines, resolve_neighbours

TOTALS = (100, 10000, 100000)


def forwarding(source: str, sink: str, outputs: int = 1) -> Target:
    """A target as a daemon makes it for a confirmed stream."""
    return Target((net.PROXY[source], PORT), [output((net.PROXY[sink], PORT + 2), (sink, 20000))] * outputs,
                  expect=(source, 10000))


def fill(control: Control, total: int) -> None:
    """Adds targets on other ports and addresses until there are `total` or, from the time before, more."""
    out = [output(("10.2.0.1", 9), (net.B4, 9))]
    for at in range(1, total, 500):
        targets = (Target((f"10.{9 + n // 60000}.{n // 250 % 240}.{n % 250 + 1}", 1024 + n % 7), out)
                   for n in range(at, min(at + 500, total)))
        replies = control.run(*(record(ADD, t.pack()) for t in targets))
        assert all(r.status in (0, -errno.EEXIST) for r in replies), replies


def secure(control: Control, meter: Meter) -> None:
    """Each suite either way."""
    near, far = (net.PROXY[net.A4], PORT), (net.PROXY[net.B4], PORT + 2)
    for suite in encrypted.SUITES:
        keys = encrypted.message(suite)
        control.add(Target(near, [output(far, (net.B4, 20000))], decrypt=keys), REPLACE)
        meter.run(f"ip: SRTP to RTP, {suite}", file=suite)
        control.add(Target(near, [output(far, (net.B4, 20000), encrypt=keys)]), REPLACE)
        meter.run(f"ip: RTP to SRTP, {suite}")


def main() -> int:
    """Everything, in one boot."""
    module, flow, out, packets = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    net.setup()
    resolve_neighbours()
    meter = Meter(flow, out, packets)
    baselines(meter)
    net.sh(f"modprobe x_tables; insmod {module}")
    command("add 0\n")
    with Control() as control:
        control.add(forwarding(net.A4, net.B4))
        with net.Rule(0, "nft"):
            meter.run("ip: RTP, 1 target")
            meter.run("ip: RTP, 1 target, bursts of 16", burst=16)
            control.add(forwarding(net.A6, net.B6))
            meter.run("ip6: RTP", net.A6, net.B6)
            control.remove((net.PROXY[net.A6], PORT))
            control.add(forwarding(net.A6, net.B4))
            meter.run("ip6: RTP to ip", net.A6, net.B4)
            control.remove((net.PROXY[net.A4], PORT))
            control.add(forwarding(net.A4, net.B4, 2))
            meter.run("ip: RTP, 2 outputs", copies=2)
            secure(control, meter)
        control.add(forwarding(net.A4, net.B4), REPLACE)
        control.add(forwarding(net.A6, net.B6), REPLACE)
        with Hook(control, "va"):
            meter.run("ip: RTP at ingress")
            meter.run("ip: RTP at ingress, bursts of 16", burst=16)
            meter.run("ip6: RTP at ingress", net.A6, net.B6)
        with net.Rule(0, "nft"):
            for total in TOTALS:
                fill(control, total)
                meter.run(f"ip: RTP, {total} targets")
        with net.Rule(0, "legacy"):     # last: its tables stay and cost, also without rules
            meter.run("ip: RTP, iptables-legacy")
    (out / "kallsyms").write_text(Path("/proc/kallsyms").read_text(encoding="ascii"), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
