# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option with a secret: where it may come from, and that nothing shows it."""
import pytest

from controlplane.config.argv import parse
from controlplane.config.load import load
from controlplane.config.options import ALL, BY_NAME
from controlplane.errors import ConfigError

SECRETS = [option.name for option in ALL if option.secret]
REFERRING = [option.name for option in ALL if option.secret and option.refers]
"""Those of Redis have a password inside, which may refer to one."""
NEEDED = ["--interface=127.0.0.1", "--listen-ng=127.0.0.1:2223", "--no-redis-required"]
VALUE = "hush@127.0.0.1:6379/5"
"""What each of them takes."""


def test_options_whose_names_speak_of_secrets_are_secret():
    named = [option.name for option in ALL if option.name.endswith(("-pass", "-secret", "-password"))]
    assert named and set(named) <= set(SECRETS)
    assert {"redis", "redis-write", "redis-subscribe"} <= set(SECRETS)


@pytest.mark.parametrize("name", REFERRING)
def test_secrets_come_from_files_and_the_environment(name, tmp_path, monkeypatch):
    monkeypatch.setenv("RTPENGINE_TEST_VALUE", VALUE)
    path = tmp_path / "value"
    path.write_text(VALUE + "\n")
    literal = load([*NEEDED, f"--{name}={VALUE}", "--config-file=none"]).current[name]
    for reference in (f"file:{path}", "env:RTPENGINE_TEST_VALUE"):
        settings = load([*NEEDED, f"--{name}", reference, "--config-file=none"])
        assert (settings.current[name], settings.secrets) == (literal, ())
        config = tmp_path / "a.conf"
        config.write_text(f"[rtpengine]\n{name} = {reference}\n")
        assert load([*NEEDED, f"--config-file={config}"]).current[name] == literal


@pytest.mark.parametrize("name", REFERRING)
def test_secrets_that_cannot_be_had_stop_it(name, tmp_path):
    with pytest.raises(ConfigError, match=f"--{name}: /nonexistent: No such file or directory"):
        load([*NEEDED, f"--{name}=file:/nonexistent", "--config-file=none"])
    (tmp_path / "a.conf").write_text(f"[rtpengine]\n{name} = env:RTPENGINE_NO_SUCH\n")
    with pytest.raises(ConfigError, match=f"a.conf:2: .*{name}: the environment has no RTPENGINE_NO_SUCH"):
        load([*NEEDED, f"--config-file={tmp_path / 'a.conf'}"])


def test_secrets_on_the_command_line_are_noticed():
    secrets: list[str] = []
    parse(["--mqtt-pass=one", "--redis", "two", "-wthree", "-fr", "four", "--janus-secret=env:HOME", "--mqtt-id=x"],
          secrets)
    assert secrets == ["one", "two", "three", "four"]


def test_messages_about_secrets_do_not_show_them():
    option = BY_NAME["mqtt-pass"]
    assert option.hidden("'hush' is not allowed", "hush") == "'...' is not allowed"
    assert option.hidden("/x: No such file", "file:/x") == "/x: No such file"
    assert BY_NAME["mqtt-id"].hidden("'hush' is not allowed", "hush") == "'hush' is not allowed"
