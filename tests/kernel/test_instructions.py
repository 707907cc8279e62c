# SPDX-License-Identifier: GPL-3.0-or-later
"""What a forwarded packet costs, in guest instructions: exact, so a limit can be kept."""
import pytest

from tests.kernel.instructions import Symbols, measure, parse_counts
from tests.kernel.prepare import Kernel

# per packet, above one that is dropped at INPUT, by the rule; what the kernel adds differs by some dozens per run
LIMITS = {"ip: RTP, 1 target": 3925, "ip6: RTP": 4275, "ip6: RTP to ip": 3925, "ip: RTP, iptables-legacy": 4025,
          "ip: RTP, 2 outputs": 8450,
          "ip: SRTP to RTP, AES_CM_128": 8150, "ip: RTP to SRTP, AES_CM_128": 8150,
          "ip: SRTP to RTP, AES_GCM_128": 5325, "ip: RTP to SRTP, AES_GCM_128": 5325}
# per packet, in all: both peers and the host, at the ingress hook
LIMITS_IN_ALL = {"ip: RTP at ingress": 10975, "ip6: RTP at ingress": 12675}
# per packet, of the module's own functions; one neighbour more in a bucket of the kernel's costs five
LIMITS_OF_MODULE = {"ip: RTP, 1 target": 710, "ip6: RTP": 745, "ip6: RTP to ip": 725, "ip: RTP, 2 outputs": 1065,
                    "ip: SRTP to RTP, AES_CM_128": 4790, "ip: RTP to SRTP, AES_CM_128": 4745,
                    "ip: SRTP to RTP, AES_GCM_128": 1940, "ip: RTP to SRTP, AES_GCM_128": 1890,
                    "ip: RTP at ingress": 760, "ip6: RTP at ingress": 775}
FLAT = 0.02         # between 1 and 100,000 targets


@pytest.mark.kernel
@pytest.mark.timeout(2000)
def test_cost_of_a_packet(kernel: Kernel) -> None:
    """No case costs more than its limit, whatever the number of targets."""
    assert kernel.image.exists()
    counts = {c.label: c for c in measure(320)}
    above = {label: c.above_drop for label, c in counts.items()}
    assert not {label: above[label] for label, limit in LIMITS.items() if above[label] > limit}
    in_all = {label: counts[label].total for label in LIMITS_IN_ALL}
    assert not {label: in_all[label] for label, limit in LIMITS_IN_ALL.items() if in_all[label] > limit}
    module = {label: c.module for label, c in counts.items()}
    assert not {label: module[label] for label, limit in LIMITS_OF_MODULE.items() if module[label] > limit}
    for total in (100, 10000, 100000):
        assert module[f"ip: RTP, {total} targets"] == pytest.approx(module["ip: RTP, 1 target"], rel=FLAT), module


def test_counts_by_function() -> None:
    """Blocks are laid on functions; user space does not count."""
    symbols = Symbols("ffffffff81000000 T one\nffffffff81000100 t two\t[xt_RTPENGINE]\nffffffff81000050 D data\n")
    text = "begin\nffffffff81000010 5 4\nffffffff81000108 3 2\n401000 9 9\nend\nbegin\nend\n"
    first, second = parse_counts(text, ["a", "b"], symbols, 2)
    assert (first.label, first.total, dict(first.functions)) == ("a", 13.0, {"one": 10.0, "two[xt_RTPENGINE]": 3.0})
    assert first.module == 3.0
    assert (second.label, second.total) == ("b", 0)
