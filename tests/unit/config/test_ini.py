# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from hypothesis import given, strategies as st

from controlplane.config import ini
from controlplane.errors import ConfigError


def values(text: str, section: str = "s") -> dict[str, str]:
    return {key: entry.raw for key, entry in ini.parse(text, "f").sections[section].items()}


def test_blanks_around_the_equals_sign_and_at_the_ends_do_not_count():
    assert values("[s]\n  a =  b c  \nd=\n") == {"a": "b c", "d": ""}


def test_keys_may_contain_blanks():
    assert values("[s]\nadvertised address = 1.2.3.4\n") == {"advertised address": "1.2.3.4"}


def test_comments_stand_on_their_own_line():
    assert values("# x\n[s]\n # y\na = 1 # one\n\n") == {"a": "1 # one"}


def test_the_last_of_duplicate_keys_wins_and_sections_merge():
    assert values("[s]\na=1\nb=2\n[t]\n[s]\na=3\n") == {"a": "3", "b": "2"}


def test_sections_keep_the_order_of_the_file():
    assert list(ini.parse("[z]\n[a]\n[m]\n[z]\n", "f").sections) == ["z", "a", "m"]


def test_windows_line_ends():
    assert values("[s]\r\na=1\r\n") == {"a": "1"}


def test_only_line_feeds_end_a_line():
    assert values("[s]\na=1\x0b2\u20283\n") == {"a": "1\x0b2\u20283"}


def test_entries_know_their_line():
    assert ini.parse("\n[s]\n\na=1\n", "f").sections["s"]["a"].line == 4


@pytest.mark.parametrize("text,reason", [
    ("a=1\n", "f:1: .*before the first section"),
    ("[s]\n[x\n", r"f:2: .*\]"),
    ("[s]\nnonsense\n", "f:2: .*key = value"),
    ("[s]\n= 1\n", "f:2: .*no key"),
    ("[]\n", "f:1: .*section name"),
    ("[s]\na=\0\n", "f:2: .*NUL"),
])
def test_malformed_files_name_file_and_line(text, reason):
    with pytest.raises(ConfigError, match=reason):
        ini.parse(text, "f")


@pytest.mark.parametrize("raw,value", [
    ("plain", "plain"), (r"a\sb\tc\nd\re\\f", "a b\tc\nd\re\\f"), ("a;b", "a;b"), (r"\s", " "), ("", ""),
])
def test_strings(raw, value):
    assert ini.string(raw) == value


@pytest.mark.parametrize("raw", [r"a\;b", r"a\x", "a\\"])
def test_other_escapes_are_refused(raw):
    with pytest.raises(ValueError):
        ini.string(raw)


@pytest.mark.parametrize("raw,value", [
    ("a;b", ("a", "b")), ("a ; b ", ("a", "b")), (r"a\;b;c", ("a;b", "c")), ("a;", ("a",)), ("", ()),
    (r"\sa;b", (" a", "b")), (r"a\\;b", ("a\\", "b")),
])
def test_lists(raw, value):
    assert ini.strings(raw) == value


@pytest.mark.parametrize("raw,value", [("true", True), ("1", True), ("yes", True), ("false", False), ("0", False),
                                       ("no", False)])
def test_booleans(raw, value):
    assert ini.boolean(raw) is value


@pytest.mark.parametrize("raw", ["", "2", "on", "True x", "ja"])
def test_other_words_are_no_booleans(raw):
    with pytest.raises(ValueError, match="true or false"):
        ini.boolean(raw)


@pytest.mark.parametrize("raw,value", [("99", 99), ("-1", -1), ("99 ; note", 99), ("+5", 5), ("007", 7)])
def test_integers(raw, value):
    assert ini.integer(raw) == value


@pytest.mark.parametrize("raw", ["", "0x10", "ten", "1;2", "1.5", "٣", "- 1"])
def test_other_text_is_no_integer(raw):
    with pytest.raises(ValueError, match="decimal"):
        ini.integer(raw)


@given(st.text())
def test_any_text_gives_sections_or_a_config_error(text):
    try:
        parsed = ini.parse(text, "f")
    except ConfigError:
        return
    for section in parsed.sections.values():
        for entry in section.values():
            for read in (ini.string, ini.strings, ini.boolean, ini.integer, ini.number):
                try:
                    read(entry.raw)
                except ValueError:
                    pass


@given(st.text(alphabet="[]=#;\\ \nabs"))
def test_text_made_of_syntax(text):
    try:
        ini.parse(text, "f")
    except ConfigError:
        pass
