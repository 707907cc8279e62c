# SPDX-License-Identifier: GPL-3.0-or-later
"""What a forwarded packet costs, in guest instructions: exact, so a limit can be kept."""
import pytest

from tests.kernel.instructions import Symbols, measure, parse_counts
from tests.kernel.prepare import Kernel

LIMIT = 5000        # per RTP packet, above one that is dropped at INPUT
FLAT = 100          # between 1 and 10,000 targets


@pytest.mark.kernel
@pytest.mark.timeout(600)
def test_cost_of_a_packet(kernel: Kernel) -> None:
    """At most LIMIT in either family, whatever the number of targets."""
    assert kernel.image.exists()
    cost = {c.label: c.above_drop for c in measure(320)}
    for label in ("ip: RTP, 1 target", "ip: RTP, 10000 targets", "ip: RTP, iptables-legacy", "ip6: RTP"):
        assert cost[label] <= LIMIT, cost
    assert cost["ip: RTP, 10000 targets"] - cost["ip: RTP, 1 target"] <= FLAT, cost


def test_counts_by_function() -> None:
    """Blocks are laid on functions; user space does not count."""
    symbols = Symbols("ffffffff81000000 T one\nffffffff81000100 t two\t[mod]\nffffffff81000050 D data\n")
    text = "begin\nffffffff81000010 5 4\nffffffff81000108 3 2\n401000 9 9\nend\nbegin\nend\n"
    first, second = parse_counts(text, ["a", "b"], symbols, 2)
    assert (first.label, first.total, dict(first.functions)) == ("a", 13.0, {"one": 10.0, "two[mod]": 3.0})
    assert (second.label, second.total) == ("b", 0)
