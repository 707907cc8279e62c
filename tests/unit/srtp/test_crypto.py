# SPDX-License-Identifier: GPL-3.0-or-later
"""Crypto lines: those of RFC 4568, every form of each part, and what cannot be."""
from __future__ import annotations

import base64
import random

import pytest

from controlplane.srtp.crypto import Crypto, crypto_text, fresh, parse_crypto, with_parameters
from controlplane.srtp.suites import SUITES, find_suite

KEY, OTHER = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", "QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5"
LINE = f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"


def parsed(value: str) -> Crypto:
    found = parse_crypto(value)
    assert found is not None, value
    return found


@pytest.mark.parametrize("value, tag, suite, key, mki", [
    (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4 FEC_ORDER=FEC_SRTP", 1, "AES_CM_128_HMAC_SHA1_80", KEY,
     "00000001"),
    (f"2 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;inline:{OTHER}|2^20|2:4"
     " FEC_ORDER=FEC_SRTP", 2, "F8_128_HMAC_SHA1_80", "MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm", "00000001"),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32", 1,
     "AES_CM_128_HMAC_SHA1_80", "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", "00" * 31 + "01"),
    ("1 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20|1:32", 1,
     "AES_CM_128_HMAC_SHA1_32", "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj", "00" * 31 + "01"),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:4", 1,
     "AES_CM_128_HMAC_SHA1_80", "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR", "00000001"),
])
def test_examples_of_the_standard(value: str, tag: int, suite: str, key: str, mki: str) -> None:
    found = parsed(value)
    assert (found.tag, found.suite.name, found.mki.hex(), found.flags) == (tag, suite, mki, 0)
    assert found.key + found.salt == base64.b64decode(key) and (len(found.key), len(found.salt)) == (16, 14)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_every_suite_comes_back_as_it_was_printed(suite: object) -> None:
    made = fresh(7, find_suite(getattr(suite, "name")) or SUITES[0], random.Random(1))
    for pad in (False, True):
        for lifetime in (False, True):
            for mki in (b"", b"\x01", bytes(127) + b"\xff"):
                wanted = made._replace(mki=mki)
                text = crypto_text(wanted, pad=pad, lifetime=lifetime)
                assert parsed(text.partition(":")[2]) == wanted
                assert ("|2^31" in text) == lifetime


def test_printed_forms() -> None:
    made = fresh(3, SUITES[0], random.Random(1))._replace(tag=9, mki=b"\0\2", flags=2)
    assert crypto_text(made) == ("crypto:9 AEAD_AES_256_GCM inline:" + base64.b64encode(
        made.key + made.salt).decode().rstrip("=") + "|2:2 UNENCRYPTED_SRTCP")
    assert crypto_text(made, pad=True, lifetime=True).endswith("=|2^31|2:2 UNENCRYPTED_SRTCP")
    all_flags = parsed(LINE + " UNAUTHENTICATED_SRTP UNENCRYPTED_SRTCP UNENCRYPTED_SRTP")
    assert crypto_text(all_flags).endswith(" UNENCRYPTED_SRTP UNENCRYPTED_SRTCP UNAUTHENTICATED_SRTP")


@pytest.mark.parametrize("tail", [
    "", "=", "|2^0", "|2^48", "|1", "|281474976710656", " ", "  ", " WSH=64", " KDR=0", " -UNKNOWN", " -X=1 WSH=128",
    " FEC_ORDER=FEC_SRTP", " fec_order=fec_srtp"])
def test_what_changes_nothing(tail: str) -> None:
    assert parsed(LINE + tail) == parsed(LINE)


@pytest.mark.parametrize("tail, mki", [
    ("|1:4", b"\0\0\0\1"), ("|2^20|1:4", b"\0\0\0\1"), ("|0:1", b"\0"), ("|255:1", b"\xff"), ("|007:1", b"\x07"),
    ("|1:128", bytes(127) + b"\1"), (f"|1:4;inline:{OTHER}|2:4", b"\0\0\0\1"),
    (f"|1:128;INLINE:{OTHER}|2^9|0:128", bytes(127) + b"\1")])
def test_mki(tail: str, mki: bytes) -> None:
    assert parsed(LINE + tail) == parsed(LINE)._replace(mki=mki)


@pytest.mark.parametrize("tail", [
    "|", "|2^49", "|3^2", "|2^", "|2^x", "|2^-1", "|0", "|-1", "|281474976710657", "|" + "9" * 400, "|x", "|256:1",
    "|1:0",
    "|1:129", "|:4", "|1:", "|-1:4", "|" + "9" * 400 + ":128", "|1:4|2^20", "|2^20|1:4|x", "|2^20|2^20", ";", "|1:4;",
    f";inline:{OTHER}", f"|1:4;inline:{OTHER}|1:4", f"|1:4;inline:{OTHER}|2:5", f"|1:4;inline:{OTHER}",
    f"|1:4;inline:{OTHER[1:]}|2:4", f"|1:1;{';'.join(f'inline:{OTHER}|{n}:1' for n in range(2, 20))}",
    " KDR=1", " KDR=24", " KDR=", " FEC_ORDER=SRTP_FEC", f" FEC_KEY=inline:{OTHER}", " UNKNOWN", " -", " WSH=x",
    " UNENCRYPTED_SRTP=1", " \u0661", "\u0661", " \n"])
def test_what_cannot_be_done_is_left_alone(tail: str) -> None:
    assert parse_crypto(LINE + tail) is None


@pytest.mark.parametrize("value", [
    "", " ", "1", "1 AES_CM_128_HMAC_SHA1_80", "1 AES_CM_128_HMAC_SHA1_80 ", f"1 X inline:{KEY}", f"x{LINE}",
    f" {LINE}",
    f"-{LINE}", f"+{LINE}", f"1234567890{LINE[1:]}", LINE.replace(" ", "  "), LINE.replace(" ", "\t"),
    LINE.replace("inline", "uri"), LINE.replace("inline:", ""), LINE[:-1], LINE + "A", LINE[:-1] + "!", LINE[:-1] + "-",
    LINE.replace("_128_", "_256_"), LINE.replace("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"),
    LINE.replace("AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"), f"\u0661{LINE[1:]}", LINE[:-1] + "\udc80"])
def test_garbage(value: str) -> None:
    assert parse_crypto(value) is None


def test_tags() -> None:
    assert [parsed(tag + LINE[1:]).tag for tag in ("0", "01", "999999999")] == [0, 1, 999999999]


def test_session_parameters_that_aead_does_not_have() -> None:
    line = "1 AEAD_AES_128_GCM inline:QAXb41skvhZaVzQgiJH+y+P9HCUSTnQWXcuieA"
    assert parsed(line + " UNENCRYPTED_SRTCP").flags == 2
    assert parse_crypto(line + " UNENCRYPTED_SRTP") is parse_crypto(line + " UNAUTHENTICATED_SRTP") is None
    assert with_parameters(parsed(line), 7, 0).flags == 2
    assert with_parameters(parsed(LINE), 7, 0).flags == 7
    assert with_parameters(parsed(LINE + " UNENCRYPTED_SRTP UNENCRYPTED_SRTCP"), 4, 1).flags == 6


def test_keys_as_the_engines_take_them() -> None:
    keys = parsed("1 AES_192_CM_HMAC_SHA1_32 inline:" + base64.b64encode(bytes(range(38))).decode()
                  + "|5:2 UNENCRYPTED_SRTCP").keys
    assert keys == (4, 2, bytes(range(24)), bytes(range(24, 38)), 4, 10, b"\0\5", 2)


def test_no_key_is_shown() -> None:
    found = parsed(LINE)
    shown = repr(found) + repr([found]) + f"{found}" + repr(found.keys)
    assert KEY not in shown and repr(found.key)[2:8] not in shown and found.key.hex() not in shown
    assert "AES_CM_128_HMAC_SHA1_80" in shown


def test_new_keys_take_every_bit() -> None:
    source = random.Random(5)
    made = [fresh(1, suite, source) for suite in SUITES for _ in range(40)]
    assert len({crypto.key + crypto.salt for crypto in made}) == len(made)
    for suite in SUITES:
        own = [crypto.key + crypto.salt for crypto in made if crypto.suite is suite]
        for at in range(suite.key_length + suite.salt_length):
            assert len({each[at] for each in own}) > 10
