# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.ng.values import INT64_MAX, INT64_MIN, Dictionary, decimal_text, literal_text, raw_bytes, text


def test_first_and_every_occurrence():
    repeated = Dictionary([(b"a", 1), (b"b", 2), (b"a", 3)])
    assert repeated.first(b"a") == 1
    assert repeated.first(b"c") is None
    assert list(repeated.items()) == [(b"a", 1), (b"b", 2), (b"a", 3)]
    assert len(repeated) == 3


@pytest.mark.parametrize("raw", [b"", b"plain", "héé".encode(), b"\xff\xfe\x00", bytes(range(256))])
def test_text_keeps_every_byte(raw):
    assert raw_bytes(text(raw)) == raw


def test_a_surrogate_that_is_no_byte_does_not_fail():
    assert raw_bytes("a\ud800b") == b"a?b"


@pytest.mark.parametrize("raw, number", [
    (b"5", 5), (b" +5", 5), (b"-7", -7), (b"007", 7), (b"9" * 30, INT64_MAX), (b"-" + b"9" * 100_000, INT64_MIN),
    (b"", None), (b"5x", None), (b"5 ", None), (b"0x10", None), (b"1_0", None), (b"--5", None), (b"five", None)])
def test_decimal_text(raw, number):
    assert decimal_text(raw) == number


@pytest.mark.parametrize("raw, number", [
    (b"5", 5), (b" +5", 5), (b"0x10", 16), (b"0X1f", 31), (b"010", 8), (b"0", 0), (b"12abc", 12), (b"-0x1", -1),
    (b"09", 0), (b"0x", 0), (b"9" * 50_000, INT64_MAX), (b"", None), (b"abc", None)])
def test_literal_text(raw, number):
    assert literal_text(raw) == number
