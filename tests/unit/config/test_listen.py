# SPDX-License-Identifier: GPL-3.0-or-later
import os

import pytest
from hypothesis import given, strategies as st

from controlplane.addresses import Address
from controlplane.config.listen import LISTENERS, Access, UnixPath, parse_listen
from controlplane.config.netdevs import Resolver
from controlplane.config.secret import revealed
from controlplane.errors import ConfigError

RESOLVER = Resolver(lambda name: [], lambda: [], lambda name: [Address.parse("192.0.2.9")] if name == "here" else [])


def test_a_place_and_its_rules(monkeypatch):
    monkeypatch.setenv("SHUSH", "hush")
    listen = parse_listen("listen-https", "here:2226 allow=ping,cli:list-sessions secret=env:SHUSH client-ca=/ca.pem")
    assert [str(each) for each in listen.places(RESOLVER)] == ["192.0.2.9:2226"]
    assert listen.access == Access(("ping", "cli:list-sessions"), frozenset(), frozenset(), "hush", "/ca.pem")
    assert "hush" not in repr(listen.access)


def test_a_unix_socket_and_who_may_use_it():
    listen = parse_listen("listen-ng", f"unix:/run/ng.sock users=root,4711 groups={os.getgid()}")
    assert listen.places(RESOLVER) == [UnixPath("/run/ng.sock")] and listen.endpoints(RESOLVER) == []
    assert str(listen.places(RESOLVER)[0]) == "unix:/run/ng.sock"
    assert (listen.access.users, listen.access.groups) == ({0, 4711}, {os.getgid()})


@pytest.mark.parametrize("option, value, reason", [
    ("listen-ng", "127.0.0.1:2223 alow=ping", "unknown rule 'alow'; did you mean allow?"),
    ("listen-ng", "127.0.0.1:2223 secret=x", "secret is for listen-cli, listen-http and listen-https; ng has no way"),
    ("listen-ng", "127.0.0.1:2223 users=root", "users is for UNIX sockets"),
    ("listen-cli", "127.0.0.1:2223 client-ca=/x", "client-ca is for listen-https"),
    ("listen-https", "unix:/x", "HTTPS has no UNIX sockets"),
    ("listen-cli", "unix:x", "a UNIX socket is unix:/PATH"),
    ("listen-cli", "unix:/" + 107 * "x", "at most 107 bytes"),
    ("listen-cli", "unix:/x users=nobody-knows", "users: this host does not know 'nobody-knows'"),
    ("listen-cli", "unix:/x groups=", "groups needs one value"),
    ("listen-cli", "9900 allow=list allow=set", "allow needs one value"),
    ("listen-cli", "9900 secret=file:/nonexistent", "secret: /nonexistent: No such file or directory"),
    ("listen-cli", "9900 secret=env:RTPENGINE_NO_SUCH", "secret: the environment has no RTPENGINE_NO_SUCH"),
    ("listen-cli", "9900 secret=x", "secret: settings are shown to operators; give file:/PATH or env:NAME"),
    ("listen-cli", "9900 words", "'9900words' does not end in a port"),
])
def test_what_is_refused(option, value, reason):
    with pytest.raises(ConfigError, match=reason):
        parse_listen(option, value)


@given(st.sampled_from(LISTENERS), st.text() | st.text(alphabet="unix:/=,a1 "))
def test_any_text_gives_a_place_or_a_config_error(option, text):
    try:
        parse_listen(option, text)
    except ConfigError:
        pass


def test_secrets_from_files_and_variables(tmp_path):
    path = tmp_path / "secret"
    path.write_text("first line\nsecond\n")
    assert revealed(f"file:{path}") == "first line"
    assert revealed("env:HUSH", {"HUSH": "of the environment"}) == "of the environment"
    assert revealed("plain:text") == "plain:text" and revealed("") == ""


@pytest.mark.parametrize("content, reason", [(b"\nx", "first line is empty"), (b"\xff\xfe", "not a text file")])
def test_files_that_hold_no_secret(tmp_path, content, reason):
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        revealed(f"file:{tmp_path / 'secret'}")
