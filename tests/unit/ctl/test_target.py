# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.options import Options, UsageError
from ctl.target import find, split


@pytest.mark.parametrize("text, expected", [
    ("127.0.0.1", ("127.0.0.1", 0)), ("127.0.0.1:99", ("127.0.0.1", 99)), ("example.net:99", ("example.net", 99)),
    ("::1", ("::1", 0)), ("[::1]", ("::1", 0)), ("[::1]:99", ("::1", 99)), ("2001:db8::9900", ("2001:db8::9900", 0)),
    ("host:x", ("host:x", 0)),
])
def test_split(text: str, expected: tuple[str, int]) -> None:
    assert split(text) == expected


@pytest.mark.parametrize("listen, options, expected", [
    ("", {}, ("127.0.0.1", 9900)),
    ("listen-cli = 2224", {}, ("127.0.0.1", 2224)),
    ("listen-cli = 2224", {"port": 7}, ("127.0.0.1", 7)),
    ("listen-cli=127.0.0.5:2224", {}, ("127.0.0.5", 2224)),
    ("listen-cli = 127.0.0.5:2224; [::1]:2225", {}, ("127.0.0.5", 2224)),
    ("listen-cli = 127.0.0.5:2224", {"ip": "127.0.0.6"}, ("127.0.0.6", 9900)),
    ("listen-cli = 127.0.0.5:2224", {"port": 7}, ("127.0.0.5", 7)),
    ("listen-cli = 2224", {"ip": "127.0.0.6"}, ("127.0.0.6", 2224)),
    ("listen-cli = [::1]:2224", {}, ("::1", 2224)),
    ("", {"ip": "127.0.0.6:8", "port": 7}, ("127.0.0.6", 7)),
    ("", {"ip": "::1"}, ("::1", 9900)),
    ("listen-cli = unix:/run/ctl.sock users=root; 9900", {}, ("unix:/run/ctl.sock", 9900)),
    ("listen-cli = any:2224 allow=list", {}, ("127.0.0.1", 2224)),
    ("# listen-cli = 1\nlisten-cli = 2\nlisten-cli = 3", {}, ("127.0.0.1", 3)),
    ("", {"config_section": "other"}, ("127.0.0.1", 4444)),
])
def test_find(tmp_path: Path, listen: str, options: dict[str, object], expected: tuple[str, int]) -> None:
    file = tmp_path / "rtpengine.conf"
    file.write_text(f"[rtpengine]\ntable = 0\n{listen}\n\n[other]\nlisten-cli = localhost\nlisten-cli = 4444\n")
    assert find(Options(**options), str(file)) == expected  # type: ignore[arg-type]
    assert find(Options(config_file=str(file), **options), "/nonexistent") == expected  # type: ignore[arg-type]


def test_missing_files(tmp_path: Path) -> None:
    assert find(Options(), str(tmp_path / "none")) == ("127.0.0.1", 9900)
    with pytest.raises(UsageError, match="Cannot read .*none: No such file"):
        find(Options(config_file=str(tmp_path / "none")))


def test_a_section_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("[rtpengine]\n[second]\nlisten-cli = 5\n")
    assert find(Options(config_file=str(tmp_path / "conf"))) == ("127.0.0.1", 9900)
    with pytest.raises(UsageError, match=r"conf has no section \[secnd\]; there are \[rtpengine\], \[second\]$"):
        find(Options(config_file=str(tmp_path / "conf"), config_section="secnd"))


@pytest.mark.parametrize("options", [{"ip": "127.0.0.6", "port": 8}, {"ip": "127.0.0.6:8"}, {"ip": "unix:/ctl"}])
def test_a_file_that_is_not_needed_is_not_read(tmp_path: Path, options: dict[str, object]) -> None:
    """The settings may be there for others alone; a file that was asked for is another matter."""
    assert find(Options(**options), str(tmp_path))[0] == str(options["ip"]).removesuffix(":8")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="Is a directory"):
        find(Options(ip="127.0.0.6"), str(tmp_path))
    with pytest.raises(UsageError, match="Is a directory"):
        find(Options(config_file=str(tmp_path), **options))  # type: ignore[arg-type]


def test_a_port_out_of_range_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("[rtpengine]\nlisten-cli = 99999\n")
    with pytest.raises(UsageError, match="Not a port number"):
        find(Options(config_file=str(tmp_path / "conf")))


@given(st.text())
def test_any_host(text: str) -> None:
    try:
        host, port = split(text)
        assert isinstance(host, str) and 0 <= port <= 65535
    except UsageError:
        pass
