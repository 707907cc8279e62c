# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.cli.numbers import NoDigits, OutOfRange, integer


@pytest.mark.parametrize("text, value", [("60", 60), ("60s", 60), ("  7 x", 7), ("-1", -1), ("+5", 5), ("007", 7)])
def test_numbers(text: str, value: int) -> None:
    assert integer(text) == value


@pytest.mark.parametrize("text", ["", "abc", "-", " x1", "٣"])
def test_no_digits(text: str) -> None:
    with pytest.raises(NoDigits):
        integer(text)


@pytest.mark.parametrize("text, errno", [("2147483648", 0), ("-1", 0), ("9223372036854775808", 34), ("9" * 9999, 34)])
def test_out_of_range(text: str, errno: int) -> None:
    with pytest.raises(OutOfRange) as error:
        integer(text, 0)
    assert error.value.errno == errno


@given(st.text())
def test_any_text(text: str) -> None:
    try:
        assert isinstance(integer(text), int)
    except (NoDigits, OutOfRange):
        pass
