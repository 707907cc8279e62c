# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.options import Options, UsageError, parse


@pytest.mark.parametrize("line, expected", [
    ("list totals", Options(words=("list", "totals"))),
    ("", Options()),
    ("--json list sessions", Options(json=True, words=("list", "sessions"))),
    ("-ip 10.0.0.1 list", Options(ip="10.0.0.1", words=("list",))),
    ("--ip=10.0.0.1:99 list", Options(ip="10.0.0.1:99", words=("list",))),
    ("-port 99 list", Options(port=99, words=("list",))),
    ("-port=99 -ip=x list", Options(port=99, ip="x", words=("list",))),
    ("-p 99 -i x list", Options(port=99, ip="x", words=("list",))),
    ("--po 99 list", Options(port=99, words=("list",))),
    ("-port 0 list", Options(words=("list",))),
    ("-h", Options(help=True)),
    ("--help list", Options(help=True, words=("list",))),
    ("--strict list", Options(strict=True, words=("list",))),
    ("--config-file f --config-section s list", Options(config_file="f", config_section="s", words=("list",))),
    ("--config f list", Options(config_file="f", words=("list",))),
    ("--config-s s list", Options(config_section="s", words=("list",))),
    ("list -ip 10.0.0.1 --help", Options(words=("list", "-ip", "10.0.0.1", "--help"))),
    ("-- -x", Options(words=("-x",))),
    ("- x", Options(words=("-", "x"))),
])
def test_command_lines(line: str, expected: Options) -> None:
    assert parse(line.split()) == expected


@pytest.mark.parametrize("line, reason", [
    ("--bogus list", "Unknown option: --bogus"),
    ("--jsn list", "Unknown option: --jsn; did you mean --json?"),
    ("-prot 9900 list", "Unknown option: -prot; did you mean --port?"),
    ("--conf_file x", "Unknown option: --conf_file; did you mean --config-file?"),
    ("--config-fil=", "Option config-file requires an argument"), ("-ip", "Option ip requires an argument"),
    ("-port x", "Not a port number: x"), ("-port 65536", "Not a port number: 65536"),
    ("-port -1", "Not a port number: -1"), ("--help=1", "Option help does not take an argument"),
    ("--=1", "Unknown option: --=1"), ("-port ٣", "Not a port number: ٣"),
])
def test_mistakes(line: str, reason: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(line.split())
    assert str(error.value) == reason


@given(st.lists(st.text(max_size=8) | st.sampled_from(["-ip", "--port", "--config-", "-p=1", "--"])))
def test_any_words(words: list[str]) -> None:
    try:
        parse(words)
    except UsageError:
        pass
