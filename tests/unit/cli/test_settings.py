# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable

import pytest

from controlplane.errors import ConfigError

from .fakes import FakeBackend

Run = Callable[[str], str]


@pytest.mark.parametrize("line, reply", [
    ("set", "More parameters required.\n"),
    ("set timeout", "More parameters required.\n"),
    ("set timeout ", "More parameters required.\n"),
    ("set timeout 60s", "Success setting timeout to 60\n"),
    ("set timeout -1", "Fail setting timeout to -1; errno=0\n"),
    ("set timeout 2147483647", "Fail setting timeout to 2147483647; errno=0\n"),
    ("set timeout 99999999999999999999", "Fail setting timeout to 99999999999999999999; errno=34\n"),
    ("set silenttimeout 1", "Success setting timeout to 1\n"),
    ("set silent_timeout 1", "Success setting timeout to 1\n"),
    ("set finaltimeout 1", "Success setting timeout to 1\n"),
    ("set final_timeout 1", "Success setting timeout to 1\n"),
    ("set offertimeout 1", "Success setting timeout to 1\n"),
    ("set maxsessions -1", "Success setting maxsessions to -1; disable feature\n"),
    ("set maxsessions 0", "Success setting maxsessions to 0\n"),
    ("set maxsessions x", "Fail setting maxsessions to x; no digits found\n"),
    ("set maxsessions 9223372036854775808", "Fail setting maxsessions to 9223372036854775808; errno=34\n"),
    ("set deletedelay 0", "Success setting delete-delay to 0\n"),
    ("set deletedelay -5", "Invalid delete-delay value\n"),
    ("set deletedelay x", "Invalid delete-delay value\n"),
    ("set controltos 184", "Success setting control-tos to 184\n"),
    ("set controltos 256", "Invalid control-tos value 256, must be between 0 and 255\n"),
    ("set controltos x", "Invalid control-tos value x, must be between 0 and 255\n"),
    ("set maxopenfiles 100000", "Success setting open_files to 100000; cat /proc/4711/limits\n"),
    ("set maxopenfiles 65535", "Fail setting open_files to 65535; can't set it under 65536\n"),
    ("set maxopenfiles -5", "Fail setting open_files to -5; can't set it under 65536\n"),
    ("set maxopenfiles x", "Fail setting open_files to x; no digits found\n"),
    ("set loglevel 7", "Success setting loglevel to 7\n"),
    ("set loglevel rtcp 7", "Success setting loglevel to 7\n"),
    ("set loglevel rtcp", "More parameters required.\n"),
    ("set loglevel rtcp loud", "Fail setting loglevel to loud; no digits found\n"),
    ("set loglevel", "More parameters required.\n"),
    ("set loglevel nosuch 7", "Fail setting loglevel; unknown subsystem nosuch\n"),
    ("set loglevel 99999999999999999999", "Fail setting loglevel to 99999999999999999999; must be "
     "between -1 and 7\n"),
    ("set loglevel 8", "Fail setting loglevel to 8; must be between -1 and 7\n"),
    ("set loglevel rtcp 99", "Fail setting loglevel to 99; must be between -1 and 7\n"),
    ("set loglevel -2", "Fail setting loglevel to -2; must be between -1 and 7\n"),
    ("set loglevel -1", "Success setting loglevel to -1\n"),
    ("set maxcpu 50", "Success setting maxcpu to 50.0\n"),
    ("set maxcpu x", "Fail setting maxcpu to x; no digits found\n"),
    ("set maxcpu -1", "Fail setting maxcpu to -1; errno=0\n"),
    ("set maxcpu 1e999", "Fail setting maxcpu to 1e999; errno=34\n"),
    ("set maxcpu nan", "Fail setting maxcpu to nan; no digits found\n"),
    ("set maxload 2.555", "Success setting maxload to 2.56\n"),
    ("set maxload .5x", "Success setting maxload to 0.50\n"),
    ("set maxbw 18446744073709551615", "Success setting maxbw to 18446744073709551615\n"),
    ("set maxbw 18446744073709551616", "Fail setting maxbw to 18446744073709551616; errno=34\n"),
    ("set maxbw -1", "Fail setting maxbw to -1; errno=0\n"),
    ("set redisdisabletime 5", "Success setting redis-disable-time to 5\n"),
    ("set redisdisabletime", "More parameters required.\n"),
    ("set redisdisabletime x", "Invalid redis-disable-time value x, must be >= 0\n"),
    ("set redisallowederrors -1", "Success setting redis-allowed-errors to -1\n"),
    ("set redisallowederrors x", "Invalid redis-allowed-errors value x\n"),
    ("set redisconnecttimeout 0", "Invalid redis-connect-timeout value 0, must be > 0\n"),
    ("set redisdisable -1", "Invalid redis-disable value -1, must be >= 0\n"),
    ("set redisdisable 1", "No redis write to disable\n"), ("set redisdisable 0", "No redis write to re-enable\n"),
])
def test_replies(run: Run, line: str, reply: str) -> None:
    assert run(line) == reply


@pytest.mark.parametrize("line, attribute, value", [
    ("set timeout 7", "timeout", 7), ("set silenttimeout 7", "silent_timeout", 7),
    ("set finaltimeout 7", "final_timeout", 7), ("set offertimeout 7", "offer_timeout", 7),
    ("set maxsessions 7", "max_sessions", 7), ("set deletedelay 7", "delete_delay", 7),
    ("set controltos 7", "control_tos", 7), ("set timeout x", "timeout", 60), ("set maxcpu 7", "max_cpu", 7.0),
    ("set maxload 2.5", "max_load", 2.5), ("set maxbw 7", "max_bandwidth", 7),
    ("set redisdisabletime 7", "redis_disable_time", 7)])
def test_effects(run: Run, backend: FakeBackend, line: str, attribute: str, value: object) -> None:
    run(line)
    assert getattr(backend.settings, attribute) == value


def test_refusals_of_the_system(run: Run, backend: FakeBackend) -> None:
    backend.broken = PermissionError(1, "no")
    assert run("set maxopenfiles 100000") == "Fail setting open_files to 100000; errno = 1\n"
    assert run("set controltos 8") == "Fail setting control-tos to 8; errno=1\n"
    assert run("set timeout 8") == "Fail setting timeout to 8; errno=1\n"


def test_a_value_that_the_option_refuses(run: Run, backend: FakeBackend) -> None:
    backend.broken = ConfigError("timeout: not now")
    assert run("set timeout 8") == "Fail setting timeout to 8; timeout: not now\n"


def test_loglevel_without_name_sets_all(run: Run, backend: FakeBackend) -> None:
    run("set loglevel 5")
    assert set(backend.levels.values()) == {5}
    run("set loglevel ice 7")
    assert backend.levels["ice"] == 7 and backend.levels["core"] == 5


def test_params_diff_and_revert(run: Run, backend: FakeBackend) -> None:
    assert run("params diff") == ""
    for line in ("maxsessions 500", "timeout 30", "deletedelay 3", "loglevel rtcp 7"):
        run(f"set {line}")
    changed = "log-level-rtcp: 6 => 7\nmax-sessions: -1 => 500\ntimeout: 60 => 30\ndelete-delay: 30 => 3\n"
    assert run("params diff") == changed
    assert run("params revert") == ("log-level-rtcp: 7 => 6\nmax-sessions: 500 => -1\ntimeout: 30 => 60\n"
                                    "delete-delay: 3 => 30\n")
    assert run("params diff") == "" and run("params revert") == ""
    assert backend.settings == backend.start_settings


def test_revert_that_the_system_refuses(run: Run, backend: FakeBackend) -> None:
    run("set timeout 30")
    backend.broken = PermissionError(1, "no")
    assert run("params revert") == "timeout: 30 stays, errno=1\n"


def test_params_layout(run: Run) -> None:
    text = run("params current")
    lines = text.splitlines()
    assert lines[0] == "log-level-core = 6"
    assert lines[2] == "log-level-internals = -1"
    assert lines[13:22] == ["table = -1", "max-sessions = -1", "timeout = 60", "silent-timeout = 3600",
                            "final-timeout = 0", "offer-timeout = 3600", "delete-delay = 30", "tos = 0",
                            "control-tos = 0"]
    for line in ("no-fallback = 0", "max-cpu = 0.0", "interface[0] = pub\\192.0.2.10", "redis = ***@127.0.0.1:6379/5",
                 "redis-write = ", "listen-ng = 127.0.0.1:2223", "listen-ng = 127.0.0.1:2224", "log-level = 6",
                 "endpoint-learning = heuristic", "janus-secret = ***"):
        assert lines.count(line) == 1, line
    assert "listen-cli" not in text and "secret@" not in text and "geheim" not in text and "version" not in text
    assert run("params start") == text
    run("set timeout 5")
    assert run("params start") == text
    assert "timeout = 5\n" in run("params current")
