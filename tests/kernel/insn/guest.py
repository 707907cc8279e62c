# SPDX-License-Identifier: GPL-3.0-or-later
"""In the guest: measures each case once (guest.py MODULE.KO FLOW OUT PACKETS). OUT gets "labels" and "kallsyms"."""
import errno
import sys
from pathlib import Path

from tests.kernel.guest import net
from tests.kernel.guest.abi import ADD, REPLACE, Control, Target, output, record
from tests.kernel.guest.tables import command

PORT = 30000


def resolve_neighbours() -> None:
    """Fixed link addresses on both sides: no ARP or neighbour discovery while counting."""
    def mac(ns: str, dev: str) -> str:
        return net.sh(f"{'ip netns exec ' + ns if ns else ''} cat /sys/class/net/{dev}/address").strip()

    for ns, end, link, ips in (("A", "ea", "va", (net.A4, net.A6)), ("B", "eb", "vb", (net.B4, net.B6))):
        for ip in ips:
            net.sh(f"ip neigh replace {ip} lladdr {mac(ns, end)} dev {link} nud permanent")
            net.sh(f"ip -n {ns} neigh replace {net.PROXY[ip]} lladdr {mac('', link)} dev {end} nud permanent")


class Meter:
    """Runs the flow program and keeps the labels in the order of its counts."""

    def __init__(self, flow: str, out: Path, packets: int) -> None:
        self.flow, self.out, self.packets = flow, out, packets

    def run(self, label: str, source: str = net.A4, sink: str = net.B4, *, to: tuple[str, int] | None = None,
            burst: int = 1, copies: int = 1) -> None:
        """One count: from `source` to `to` (default: the target on the proxy's side), expected at `sink`."""
        where = to or (net.PROXY[source], PORT)
        net.sh(f"{self.flow} A {source} 10000 {where[0]} {where[1]} B {sink} 20000 {self.packets} {burst} {copies}")
        with open(self.out / "labels", "a", encoding="utf-8") as f:
            f.write(label + "\n")


def forwarding(source: str, sink: str, outputs: int = 1) -> Target:
    """A target as a daemon makes it for a confirmed stream."""
    return Target((net.PROXY[source], PORT), [output((net.PROXY[sink], PORT + 2), (sink, 20000))] * outputs,
                  expect=(source, 10000))


def fill(control: Control, total: int) -> None:
    """Adds targets on other ports and addresses until there are `total` or, from the time before, more."""
    todo = [Target((f"10.9.{n // 250}.{n % 250 + 1}", 1024 + n % 7), [output(("10.2.0.1", 9), (net.B4, 9))])
            for n in range(1, total)]
    for at in range(0, len(todo), 500):
        replies = control.run(*(record(ADD, t.pack()) for t in todo[at:at + 500]))
        assert all(r.status in (0, -errno.EEXIST) for r in replies), replies


def baselines(meter: Meter) -> None:
    """What the numbers are compared with: the same packets dropped at INPUT, and routed."""
    for ip, family in ((net.A4, "ip"), (net.A6, "ip6")):
        net.sh(f"nft add table {family} f; nft 'add chain {family} f i {{ type filter hook input priority 0; }}';"
               f"nft add rule {family} f i udp dport 39998 drop")
        meter.run(f"{family}: drop at INPUT", ip, to=(net.PROXY[ip], 39998), copies=0,
                  sink=net.B6 if ip == net.A6 else net.B4)
        net.sh(f"nft delete table {family} f")
    net.sh("sysctl -qw net.ipv4.ip_forward=1")
    meter.run("ip: routed", to=(net.B4, 20000))


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
            for total in (100, 10000):
                fill(control, total)
                meter.run(f"ip: RTP, {total} targets")
            control.add(forwarding(net.A6, net.B6))
            meter.run("ip6: RTP", net.A6, net.B6)
            control.remove((net.PROXY[net.A6], PORT))
            control.add(forwarding(net.A6, net.B4))
            meter.run("ip6: RTP to ip", net.A6, net.B4)
            control.remove((net.PROXY[net.A4], PORT))
            control.add(forwarding(net.A4, net.B4, 2))
            meter.run("ip: RTP, 2 outputs", copies=2)
        control.add(forwarding(net.A4, net.B4), REPLACE)
        with net.Rule(0, "legacy"):     # last: its tables stay and cost, also without rules
            meter.run("ip: RTP, iptables-legacy")
    (out / "kallsyms").write_text(Path("/proc/kallsyms").read_text(encoding="ascii"), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
