# SPDX-License-Identifier: GPL-3.0-or-later
"""The core and libsrtp, packet for packet; millions of them by `python -m tests.srtp.agreement`."""
from __future__ import annotations

import errno
from random import Random

import pytest

from tests.srtp import agreement, traffic
from tests.srtp.engine import Engine


@pytest.mark.parametrize("profile", agreement.PROFILES)
def test_agreement(profile: str) -> None:
    """Both directions; every outcome occurs, and sequence numbers wrap several times."""
    outcomes = agreement.run(profile, 0, 20000)
    assert outcomes["ok"] > 10000 and outcomes["EALREADY"] > 1000 and outcomes["forged"] > 200, outcomes
    assert max(traffic.numbers(Random(profile), 10000)) > 3 * 65536


def test_a_difference_is_seen() -> None:
    """Another key, another state, and a forged packet that only one refuses are each found."""
    keys, session = agreement.make_keys("AES_CM_128_HMAC_SHA1_80", Random(1))
    other, _ = agreement.make_keys("AES_CM_128_HMAC_SHA1_80", Random(2))
    packets = [traffic.rtp(Random(n), n, traffic.SSRCS[0]) for n in range(10)]
    theirs = agreement.reference(session(agreement.Policy.SSRC_ANY_OUTBOUND), True, packets)
    assert agreement.compare("same", packets, Engine(keys).protect(packets), theirs)["ok"] == 10
    with pytest.raises(agreement.Disagreement):
        agreement.compare("key", packets, Engine(other).protect(packets), theirs)
    with pytest.raises(agreement.Disagreement):
        agreement.compare("forged", packets, [*theirs[:9], -errno.EBADMSG], theirs, set(packets[:9]))
    behind = Engine(keys)
    behind.seed(traffic.SSRCS[0], rtp_top=5)
    with pytest.raises(agreement.Disagreement):
        agreement.compare("state", packets, behind.protect(packets), theirs)
