# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of suites: the engines' numbers, the lengths of the RFCs."""
from __future__ import annotations

import pytest

from controlplane.relay._native import lib
from controlplane.srtp import crypto
from controlplane.srtp.suites import SUITES, Cipher, Hmac, find_suite

TEXT_LENGTHS = [59, 38, 62, 62, 51, 51, 40, 40, 40, 40, 40, 40]


def test_numbers_are_those_of_the_engines() -> None:
    for cipher in Cipher:
        assert cipher == getattr(lib, f"RTPE_CIPHER_{cipher.name}")
    for hmac in Hmac:
        assert hmac == getattr(lib, f"RTPE_HMAC_{hmac.name}")
    for name in ("UNENCRYPTED_SRTP", "UNENCRYPTED_SRTCP", "UNAUTHENTICATED_SRTP"):
        assert crypto.PARAMETERS[name] == getattr(lib, "RTPE_SRTP_" + name.replace("SRT", "RT"))
    assert crypto.MAX_MKI_LENGTH == lib.RTPE_MAX_MKI


def test_order_and_lengths() -> None:
    assert [suite.key_text for suite in SUITES] == TEXT_LENGTHS
    assert [suite.name for suite in SUITES][::4] == [
        "AEAD_AES_256_GCM", "AES_192_CM_HMAC_SHA1_80", "F8_128_HMAC_SHA1_80"]
    for suite in SUITES:
        assert suite.is_aead == suite.name.startswith("AEAD")
        assert (suite.rtp_tag, suite.rtcp_tag) == (
            (16, 16) if suite.is_aead else (4 if suite.name.endswith("_32") else 10, 10))


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_names_in_any_case(suite: object) -> None:
    name = getattr(suite, "name")
    assert find_suite(name) is find_suite(name.lower()) is suite
    assert find_suite(name + "_") is None
