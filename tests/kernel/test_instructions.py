# SPDX-License-Identifier: GPL-3.0-or-later
"""What a forwarded packet costs, in guest instructions: exact, so a limit can be kept."""
import pytest

from tests.kernel.instructions import Symbols, measure, parse_counts
from tests.kernel.prepare import Kernel

# per packet, above one that is dropped at INPUT, by the rule
LIMITS = {"ip: RTP, 1 target": 4000, "ip6: RTP": 4350, "ip6: RTP to ip": 4000, "ip: RTP, iptables-legacy": 4100,
          "ip: RTP, 2 outputs": 8500,
          "ip: SRTP to RTP, AES_CM_128": 8350, "ip: RTP to SRTP, AES_CM_128": 8350,
          "ip: SRTP to RTP, AES_GCM_128": 5400, "ip: RTP to SRTP, AES_GCM_128": 5400}
# per packet, in all: both peers and the host, at the ingress hook
LIMITS_IN_ALL = {"ip: RTP at ingress": 11025, "ip6: RTP at ingress": 12750}
FLAT = 0.02         # between 1 and 100,000 targets


@pytest.mark.kernel
@pytest.mark.timeout(600)
def test_cost_of_a_packet(kernel: Kernel) -> None:
    """No case costs more than its limit, whatever the number of targets."""
    assert kernel.image.exists()
    counts = {c.label: c for c in measure(320)}
    above = {label: c.above_drop for label, c in counts.items()}
    assert not {label: above[label] for label, limit in LIMITS.items() if above[label] > limit}
    in_all = {label: counts[label].total for label in LIMITS_IN_ALL}
    assert not {label: in_all[label] for label, limit in LIMITS_IN_ALL.items() if in_all[label] > limit}
    first = above["ip: RTP, 1 target"]
    for total in (100, 10000, 100000):
        assert above[f"ip: RTP, {total} targets"] == pytest.approx(first, rel=FLAT), above


def test_counts_by_function() -> None:
    """Blocks are laid on functions; user space does not count."""
    symbols = Symbols("ffffffff81000000 T one\nffffffff81000100 t two\t[mod]\nffffffff81000050 D data\n")
    text = "begin\nffffffff81000010 5 4\nffffffff81000108 3 2\n401000 9 9\nend\nbegin\nend\n"
    first, second = parse_counts(text, ["a", "b"], symbols, 2)
    assert (first.label, first.total, dict(first.functions)) == ("a", 13.0, {"one": 10.0, "two[mod]": 3.0})
    assert (second.label, second.total) == ("b", 0)
