# SPDX-License-Identifier: GPL-3.0-or-later
"""In the guest: the flow program, and what all its counts are compared with."""
from pathlib import Path

from tests.kernel.guest import net

PORT = 30000
PEER_PORT = {net.A4: 10000, net.A6: 10000, net.B4: 20000, net.B6: 20000}


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
            burst: int = 1, copies: int = 1, file: str = "") -> None:
        """One count: from `source` to `to` (default: the target on the proxy's side), expected at `sink`.

        The packets are those of a file in the output folder, or plain RTP.
        """
        where = to or (net.PROXY[source], PORT)
        at = {net.A4: "A", net.A6: "A"}
        net.sh(f"{self.flow} {at.get(source, 'B')} {source} {PEER_PORT[source]} {where[0]} {where[1]} "
               f"{at.get(sink, 'B')} {sink} {PEER_PORT[sink]} {self.packets} {burst} {copies} "
               f"{self.out / file if file else ''}")
        with open(self.out / "labels", "a", encoding="utf-8") as f:
            f.write(label + "\n")


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
