# SPDX-License-Identifier: GPL-3.0-or-later
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from controlplane.config.load import load
from controlplane.config.option import Kind
from controlplane.config.options import ALL, BY_NAME
from controlplane.config.settings import Settings
from controlplane.errors import ConfigError

NEEDED = ["--interface=127.0.0.1", "--listen-ng=127.0.0.1:2223"]


@pytest.fixture
def write(tmp_path):
    def writer(text: str) -> str:
        path = tmp_path / "a.conf"
        path.write_text(text)
        return str(path)
    return writer


def test_defaults_file_and_command_line_in_rising_order(write):
    path = write("[rtpengine]\ntimeout = 10\ndelete-delay = 11\ninterface = a/1.2.3.4;b/1.2.3.5\n")
    loaded = load([f"--config-file={path}", "--timeout=20", "-n", "22222"])
    assert (loaded.timeout, loaded.delete_delay, loaded.silent_timeout) == (20, 11, 3600)
    assert loaded.interface == ("a/1.2.3.4", "b/1.2.3.5")
    assert [loaded.origin[name] for name in ("timeout", "delete-delay", "silent-timeout")] == [
        "command line", f"{path}:3", "default"]


def test_a_list_on_the_command_line_replaces_the_one_in_the_file(write):
    path = write("[rtpengine]\ninterface = a/1.2.3.4;b/1.2.3.5\n")
    assert load([f"--config-file={path}", *NEEDED]).interface == ("127.0.0.1",)


def test_the_default_file_may_be_missing(tmp_path):
    assert load(NEEDED, str(tmp_path / "none")).table == -1


def test_the_default_file_is_read(write):
    assert load(NEEDED, write("[rtpengine]\ntable=3\n")).table == 3
    assert load([*NEEDED, "--config-file=none"], write("[rtpengine]\ntable=3\n")).table == -1


def test_another_section(write):
    path = write("[rtpengine]\ntable=3\n[two]\ntable=4\n")
    assert load([*NEEDED, "--config-section=two"], path).table == 4


@pytest.mark.parametrize("text,reason", [
    ("[other]\n", r"no section \[rtpengine\]; there is \[other\]"),
    ("[rtpengine]\ntable = x\n", r"a\.conf:2: \[rtpengine\] table: 'x' is no decimal"),
    ("[rtpengine]\ntable = 64\n", "64 is outside -1 to 63"),
    ("[rtpengine]\nforeground = maybe\n", "true or false"),
    ("[rtpengine]\nlog-facility = moon\n", "allowed: auth"),
    ("[rtpengine]\nendpoint-learning = never\n", "allowed: delayed, immediate, off, heuristic"),
    ("[rtpengine]\nport-min = 5000\nport-max = 4000\n", r"port-min 5000 \(.*:2\) is greater than port-max 4000"),
    ("[rtpengine]\nrecording-dir = /tmp\n", "recording-dir is not supported yet: calls would not be recorded"),
    ("[rtpengine]\nredis-expires = 0\n", "0 is less than 1"),
    ("[rtpengine]\nlisten-ng = host\n", "listen-ng: 'host' does not end in a port"),
    ("[rtpengine]\nmax-bandwidth = -1\n", "outside 0"),
])
def test_errors_in_a_file_name_the_place_and_what_is_allowed(write, text, reason):
    with pytest.raises(ConfigError, match=reason):
        load([f"--config-file={write(text)}", *([] if "listen-ng" in text else NEEDED)])


@pytest.mark.parametrize("words,reason", [
    (["--config-file=/nonexistent/x"], "/nonexistent/x: no such file"),
    (["--config-file=/"], "/: Is a directory"),
    (["--interface=127.0.0.1"], "give at least one listen-ng"),
    (["--listen-ng=2223"], "Cannot start without any configured interfaces"),
    (["--interface=127.0.0.1", "-l", "6", "-u", "5"], "listen-udp, listen-tcp cannot be served yet"),
    (["--interface=127.0.0.1", "--listen-tcp-ng=host"], "listen-tcp-ng: 'host' does not end in a port"),
    (["--interface=127.0.0.1", "--listen-http=2225:"], "listen-http: '2225:' does not end in a port"),
    (["--interface=127.0.0.1", "--listen-https=2226"], "listen-https needs a certificate; give https-cert"),
    ([*NEEDED, "--http-idle-timeout=-1"], "-1 is less than 0"),
    ([*NEEDED, "--control-pmtu=maybe"], "allowed: want, dont"),
    (["--nftables-start", "--nftables-stop", "--table=0"], "only one of"),
    (["--nftables-start"], "needs a table"),
    (["--nftables-stop", "--table=0", "--accelerator=none"], "needs a table"),
])
def test_settings_that_cannot_work(words, reason, tmp_path):
    with pytest.raises(ConfigError, match=reason):
        load(words, str(tmp_path / "none"))


@pytest.mark.parametrize("word", ["-n2223", "-N2223", "--listen-http=2225", "--listen-https=2226"])
def test_one_listener_of_any_kind_is_enough(word):
    loaded = load(["--config-file=none", "--interface=127.0.0.1", "--https-cert=/x", word])
    assert loaded.warnings == []


@pytest.mark.parametrize("key, reason", [
    ("tabel", "unknown key 'tabel'; did you mean table?"),
    ("t", "unknown key 't'; the long name is 'table'"),
    ("port_mim", "unknown key 'port_mim'; did you mean port-min?"),
    ("Listen_NG", "unknown key 'Listen_NG'; did you mean listen-ng?"),
    ("--timeout", "unknown key '--timeout'; did you mean timeout?"),
    ("qqqq", "unknown key 'qqqq'"),
    ("help", "'help' has a meaning on the command line only")])
def test_unknown_keys_are_refused_and_the_closest_known_one_is_named(write, key, reason):
    path = write(f"[rtpengine]\n# a comment\n{key} = 1\n")
    with pytest.raises(ConfigError) as refusal:
        load([f"--config-file={path}", *NEEDED])
    assert str(refusal.value) == f"{path}:3: [rtpengine] {reason}"


@pytest.mark.parametrize("line, reason", [
    ("endpoint-learning = heuristics", "did you mean heuristic?"),
    ("log-facility = locl0", "did you mean local0?"),
    ("dtls-signature = sha-257", "allowed: SHA-256, SHA-1; did you mean SHA-256?"),
    ("dtls-cert-cipher = dsa", "allowed: prime256v1, RSA"),
    ("audio-player = sometimes", "allowed: on-demand, play-media, transcoding, always"),
    ("homer = 192.0.2.1", "'192.0.2.1' is not ADDRESS:PORT"),
    ("graphite = collector:70000", "'collector:70000' is not ADDRESS:PORT"),
    ("dtmf-log-dest = ::1:5", "'::1:5' is not ADDRESS:PORT"),
    ("cn-payload = 32; loud", "cn-payload: 'loud' is no number from 0 to 254"),
    ("cn-payload = 32; 255", "cn-payload: '255' is no number from 0 to 254"),
    ("cn-payload = 128; 3", "cn-payload begins with a level from 0 to 127, and not with 128"),
    ("dtx-cn-params = -1", "dtx-cn-params: '-1' is no number"),
    ("mysql-query = select 1", "'select 1' does not have one %, in %llu"),
    ("mysql-query = select %llu, %s", "does not have one %, in %llu"),
    ("silence-detect = 101", "101.0 is outside 0 to 100"),
    ("jb-adaptive-min = 400", "jb-adaptive-min 400 is greater than jb-adaptive-max 300"),
    ("templates = WebRCT\n[WebRTC]\na = b", "templates: .* has no section .WebRCT.; did you mean WebRTC?"),
])
def test_values_that_mean_nothing_are_refused(write, line, reason):
    with pytest.raises(ConfigError, match=reason):
        load([f"--config-file={write(f'[rtpengine]{chr(10)}{line}{chr(10)}')}", *NEEDED])


def test_templates_are_known_in_any_case(write):
    text = "[rtpengine]\ntemplates = T\n[T]\nWebRTC = ICE=force\nwebrtc = ICE=\\sremove\nstart recording = x\n"
    settings = load([f"--config-file={write(text)}", *NEEDED])
    assert settings.template_lines() == {"webrtc": "ICE= remove", "start recording": "x"}
    assert load(["--config-file=none", *NEEDED]).template_lines() == {}


@pytest.mark.parametrize("line, name, value", [
    ("dtls-cert-cipher = EC_prime256v1", "dtls-cert-cipher", "prime256v1"),
    ("dtls-cert-cipher = rsa", "dtls-cert-cipher", "RSA"), ("dtls-signature = SHA1", "dtls-signature", "SHA-1"),
    ("audio-player = media-player", "audio-player", "play-media"),
    ("homer = [2001:db8::1]:9060", "homer", "[2001:db8::1]:9060"),
    ("cn-payload = 127;254;0", "cn-payload", ("127", "254", "0")),
    ("mysql-query = select a from b where i = %llu", "mysql-query", "select a from b where i = %llu"),
    ("graphite = db.example:1", "graphite", "db.example:1")])
def test_other_spellings_are_understood(write, line, name, value):
    assert load([f"--config-file={write(f'[rtpengine]{chr(10)}{line}{chr(10)}')}", *NEEDED]).current[name] == value


def test_settings_can_be_read_again(write):
    path = write("[rtpengine]\ntimeout = 10\n")
    loaded = load([f"--config-file={path}", *NEEDED])
    write("[rtpengine]\ntimeout = 20\n")
    assert (loaded.again().timeout, loaded.timeout, loaded.again().again().listen_ng) == (20, 10, ("127.0.0.1:2223",))


def test_options_without_effect_are_named_unless_they_say_what_happens_anyway():
    loaded = load([*NEEDED, "--jitter-buffer=20", "--dtls-mtu=1200", "--config-file=none"])
    assert loaded.warnings == ["command line: jitter-buffer is accepted, but has no effect yet"]


def test_options_of_an_accelerator_that_is_not_there_are_named():
    words = [*NEEDED, "--no-fallback", "--iptables-rule", "--ingress-device=eth0", "--config-file=none"]
    assert [text.split()[0] for text in load(words).warnings] == ["no-fallback", "iptables-rule", "ingress-device"]
    assert load([*words, "--table=0"]).warnings == []
    (warning,) = load([*words, "--accelerator=nfqueue"]).warnings
    assert warning.startswith("ingress-device has nothing to do")


def test_actions_need_no_further_settings():
    assert load(["--version"]).action == "version"
    assert load(["--nftables-status", "--table=0", "--config-file=none"]).action == "nftables-status"
    assert load([*NEEDED, "--config-file=none"]).action is None


def test_values_below_the_sensible_mean_the_default():
    loaded = load([*NEEDED, "--timeout=0", "--num-threads=0", "--config-file=none"])
    assert loaded.timeout == 60 and loaded.num_threads >= 4


def test_runtime_changes_leave_the_start_as_it_was():
    loaded = load([*NEEDED, "--timeout=70", "--config-file=none"])
    loaded.set("timeout", 90)
    loaded.set("max_sessions", 5)
    assert (loaded.timeout, loaded.max_sessions) == (90, 5)
    assert (loaded.at_start().timeout, loaded.at_start().max_sessions) == (70, -1)
    assert (loaded.start["timeout"], loaded.current["timeout"]) == (70, 90)


@pytest.mark.parametrize("name,value", [("table", 1), ("nonsense", 1), ("control-tos", 256), ("max-sessions", -2)])
def test_runtime_changes_are_checked(name, value):
    with pytest.raises(ConfigError, match=name):
        Settings().set(name, value)


def test_unknown_attributes_are_errors():
    with pytest.raises(AttributeError):
        Settings().nonsense


def test_typed_attributes_agree_with_the_table():
    types = {"bool": Kind.FLAG, "float": Kind.NUMBER, "tuple[str, ...]": Kind.LIST}
    for attribute, annotation in Settings.__annotations__.items():
        kind = BY_NAME[attribute.replace("_", "-")].kind
        expected = {"int": {Kind.INTEGER, Kind.UNSIGNED}, "str": {Kind.STRING, Kind.PATH, Kind.ENDPOINT}}
        assert kind in expected.get(annotation, {types.get(annotation)}), attribute


def test_the_table_is_consistent():
    assert len({option.name for option in ALL}) == len(ALL)
    shorts = [option.short for option in ALL if option.short]
    assert len(set(shorts)) == len(shorts)
    for option in ALL:
        assert option.checked(option.default) == option.default, option.name
        assert option.help and (option.why or option.support.name != "REFUSED"), option.name


def test_a_file_with_every_kind_of_section(write):
    vector = [("table", "-1"), ("interface", "203.0.113.1 ; 2001:db8:4321::1 ; foobar/203.0.113.3"),
              ("listen-ng", "2223"), ("foreground", "true"), ("log-level", "7"), ("interfaces-config", "interface")]
    text = "[rtpengine]\n" + "".join(f"{key} = {value}\n" for key, value in vector) + "[templates]\nA = ICE=force\n"
    loaded = load([f"--config-file={write(text)}"])
    assert loaded.interface == ("203.0.113.1", "2001:db8:4321::1", "foobar/203.0.113.3")
    assert json.dumps(loaded.file.sections["templates"]["A"].raw) == '"ICE=force"'


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=st.text() | st.text(alphabet="table=port-min\n12;\\[]# "), raw=st.binary(max_size=50), binary=st.booleans())
def test_any_file_gives_settings_or_a_config_error(tmp_path: Path, text, raw, binary):
    path = tmp_path / "any.conf"
    path.write_bytes(raw if binary else b"[rtpengine]\n" + text.encode("utf-8", "replace"))
    try:
        load([f"--config-file={path}", *NEEDED])
    except ConfigError:
        pass


@given(st.data())
def test_any_value_gives_settings_or_a_config_error(data):
    option = data.draw(st.sampled_from(ALL))
    try:
        option.from_file(data.draw(st.text()))
        option.from_words(data.draw(st.text()))
    except ValueError:
        pass
