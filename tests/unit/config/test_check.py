# SPDX-License-Identifier: GPL-3.0-or-later
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GOOD = "[rtpengine]\ninterface = 127.0.0.1\nlisten-ng = 127.0.0.1:2223\n"


def check(path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path.write_text(text)
    return subprocess.run([sys.executable, "-m", "controlplane", "--check-config", f"--config-file={path}"], cwd=ROOT,
                          capture_output=True, text=True, timeout=60, check=False)


def test_settings_in_order(tmp_path: Path) -> None:
    done = check(tmp_path / "a.conf", GOOD)
    assert (done.returncode, done.stdout, done.stderr) == (0, "The settings are in order.\n", "")


@pytest.mark.parametrize("line, warning", [
    ("jitter-buffer = 3", "a.conf:4: jitter-buffer is accepted, but has no effect yet"),
    ("listen-ng = 127.0.0.1:2224", "a.conf:4: listen-ng counts, and not that of line 3; several values"),
    ("subscribe-keyspace = 0", "a.conf:4: subscribe-keyspace has nothing to do: it needs redis"),
    ("templates = t\n[t]\nWeb = ICE=force nonsense\ndefault = rtcp-mux=[offer]\noffer = template=default trust-address",
     "a.conf:6: [t] Web: unknown nonsense"),
    ("templates = t\n[t]\na = ICE=force\noffer = trust-adress ICE=forse", "a.conf:7: [t] offer: unknown trust-adress "
     "(did you mean trust-address?), ICE=forse"),
    ("keep-flows = /nonexistent/flows", "a.conf:4: keep-flows: /nonexistent does not exist: calls would not be left"),
    ("pidfile = /nonexistent/pid", "a.conf:4: pidfile: /nonexistent does not exist, and has to at the start"),
    ("listen-cli = unix:/nonexistent/ctl", "a.conf:4: listen-cli: /nonexistent does not exist, and has to"),
    ("interface = 192.0.2.1", "interface default: this host does not have the address 192.0.2.1")])
def test_what_the_daemon_would_warn_of(tmp_path: Path, line: str, warning: str) -> None:
    text = GOOD.replace("interface = 127.0.0.1\n", "") if line.startswith("interface") else GOOD
    done = check(tmp_path / "a.conf", f"{text}{line}\n")
    assert done.returncode == 0 and done.stderr.count("\n") == 1 and warning in done.stderr


@pytest.mark.parametrize("text, reason", [
    (GOOD + "tabel = 3\n", "a.conf:4: [rtpengine] unknown key 'tabel'; did you mean table?"),
    (GOOD + "timeout = soon\n", "a.conf:4: [rtpengine] timeout: 'soon'"),
    (GOOD.replace("127.0.0.1:2223", "host"), "listen-ng: 'host' does not end in a port"),
    ("[rtpengine]\ninterface = 127.0.0.1\n", "give at least one listen-ng"),
    (GOOD.replace("interface = 127.0.0.1\n", "interface = nosuchdevice0\n"), "nosuchdevice0"),
    (GOOD + "redis = 127.0.0.1:6379/x\n", "a.conf:4: redis is neither"),
    (GOOD + "redis-write = file:/nonexistent@127.0.0.1:6379/0\n",
     "a.conf:4: redis-write: /nonexistent: No such file or directory"),
    (GOOD + "redis = rediss://h:1/0\nredis-tls-ca = /nonexistent\n",
     "a.conf:5: redis-tls-ca /nonexistent: No such file or directory"),
    (GOOD + "dtls-ciphers = FOO\n", "a.conf:4: dtls-ciphers: OpenSSL knows none of 'FOO'"),
    (GOOD + "dtls-rsa-key-size = 512\n", "a.conf:4: [rtpengine] dtls-rsa-key-size: 512 is outside 1024 to 16384"),
    (GOOD + "listen-http = host.invalid:1\n", "a.conf:4: listen-http: 'host.invalid:1': host name 'host.invalid' has"),
    (GOOD + "pidfile = /tmp\n", "a.conf:4: pidfile: /tmp is a directory"),
    (GOOD + "keep-flows = /tmp\n", "a.conf:4: keep-flows: /tmp is a directory"),
    (GOOD + "listen-cli = unix:/tmp\n", "a.conf:4: listen-cli: /tmp is there, and no socket"),
    (GOOD + "listen-https = 2229\nhttps-cert = /nonexistent\n",
     "a.conf:5: https-cert /nonexistent: No such file or directory"),
    (GOOD + "listen-https = 2229\nhttps-cert = /dev/null\n", "a.conf:5: https-cert /dev/null: no certificate"),
    (GOOD + "mqtt-host = h\nmqtt-publish-topic = t\nmqtt-cafile = /nonexistent\n",
     "a.conf:6: mqtt-cafile /nonexistent: No such file or directory"),
    (GOOD + "mqtt-host = h\nmqtt-publish-topic = t\nmqtt-pass = file:/nonexistent\n",
     "a.conf:6: [rtpengine] mqtt-pass: /nonexistent: No such file or directory")])
def test_what_would_stop_the_daemon(tmp_path: Path, text: str, reason: str) -> None:
    done = check(tmp_path / "a.conf", text)
    assert (done.returncode, done.stdout) == (1, "")
    assert reason in done.stderr


ALL_WRONG = """\
[rtpengine]
tabel = 3
timeout = soon
what is this
listen-ng = host; 127.0.0.1:99999
listen-http = 2225 allow=nosuch
interface = nosuchdevice0; x/
port-min = 9
port-max = 8
log-level = 9
redis = 127.0.0.1:6379/x
listen-https = 2229
https-cert = /nonexistent
mos = CQ; xyz
[broken
"""


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    done = check(tmp_path / "a.conf", ALL_WRONG)
    assert (done.returncode, done.stdout) == (1, "")
    places = [line.removeprefix("Fatal error: ").removeprefix(str(tmp_path)).lstrip("/")
              for line in done.stderr.splitlines()]
    assert {place.split(":")[1] for place in places if place.startswith("a.conf:")} == {
        "2", "3", "4", "5", "6", "7", "10", "11", "13", "14", "15"}
    assert any(place.startswith("port-min 9 (") and "a.conf:8" in place for place in places)
    assert sum(place.startswith("a.conf:5: ") for place in places) == 2
    assert sum(place.startswith("a.conf:7: ") for place in places) == 2
    assert len(places) == len(set(places)) == 14


def test_the_start_tells_all_of_them_too(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_text("[rtpengine]\nlisten-gn = 2223\ntabel = 1\ninterfaces = any\n")
    done = subprocess.run([sys.executable, "-m", "controlplane", f"--config-file={path}", "--nope", "x", "--tos=256"],
                          cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert [line.partition(": ")[2].removeprefix(str(path)) for line in done.stderr.splitlines()] == [
        "command line: unknown option --nope", "command line: --tos: 256 is outside 0 to 255",
        ":2: [rtpengine] unknown key 'listen-gn'; did you mean listen-ng?",
        ":3: [rtpengine] unknown key 'tabel'; did you mean table?",
        ":4: [rtpengine] unknown key 'interfaces'; did you mean interface?"]
