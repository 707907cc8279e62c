# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from hypothesis import given, strategies as st

from controlplane.config.argv import parse
from controlplane.errors import ConfigError


@pytest.mark.parametrize("words", [["--table=5"], ["--table", "5"], ["-t", "5"], ["-t5"]])
def test_four_ways_to_give_a_value(words):
    assert parse(words) == {"table": 5}


def test_a_value_may_begin_with_a_dash():
    assert parse(["-t", "-1", "--max-sessions", "-1"]) == {"table": -1, "max-sessions": -1}


def test_flags_may_share_a_dash():
    assert parse(["-fE"]) == {"foreground": True, "log-stderr": True}
    assert parse(["-fEL", "7"]) == {"foreground": True, "log-stderr": True, "log-level": 7}


def test_lists_collect_and_do_not_split():
    assert parse(["-i", "a/1.2.3.4", "--interface=b/::1;c"]) == {"interface": ("a/1.2.3.4", "b/::1;c")}


def test_the_last_scalar_wins():
    assert parse(["-t", "1", "--table=2"]) == {"table": 2}


def test_hexadecimal_numbers_on_the_command_line():
    assert parse(["--tos=0xb8"]) == {"tos": 184}


@pytest.mark.parametrize("word,value", [("JSON", "JSON"), ("json", "JSON"), ("native", "bencode")])
def test_other_spellings_of_a_choice(word, value):
    assert parse([f"--redis-format={word}"]) == {"redis-format": value}


def test_a_second_name_means_the_same_option():
    assert parse(["--xtables"]) == {"iptables-rule": True}


@pytest.mark.parametrize("words,reason", [
    (["--tabel=1"], "unknown option --tabel.*did you mean --table"),
    (["-Z"], "unknown option -Z"),
    (["-fZ"], "unknown option -Z"),
    (["--table"], "--table needs a value"),
    (["-t"], "--table needs a value"),
    (["--foreground=yes"], "--foreground takes no value"),
    (["--table=five"], "--table.*'five'"),
    (["--table=010"], "--table.*'010'"),
    (["stray"], "unexpected word 'stray'"),
    (["--", "--table=1"], "unexpected word '--table=1'"),
    (["--table=99999999999"], "--table"),
    (["-"], "unexpected word '-'"),
])
def test_errors_name_the_option(words, reason):
    with pytest.raises(ConfigError, match=reason):
        parse(words)


@given(st.lists(st.text() | st.sampled_from(["--table=", "-t", "-f", "-i", "--max-load", "--", "--help", "-L"])))
def test_any_words_give_values_or_a_config_error(words):
    try:
        parse(words)
    except ConfigError:
        pass
