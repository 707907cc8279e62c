# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of baresip's whose two ends speak different things, by way of Kamailio and the daemon."""
from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers import debian
from tests.peers.baresip import Baresip, baresip
from tests.peers.daemon import Daemon
from tests.peers.netns import Namespace, available
from tests.peers.sip import Kamailio, kamailio

pytestmark = pytest.mark.e2e
HERE = Path(__file__).parent
ADDRESS = "10.77.0.1"  # baresip has no ICE candidates on 127.0.0.1
PACKETS = 50
SPARE = 10  # packets that find one end's keys or path there, and not yet the other's


@dataclass(frozen=True, slots=True)
class Kind:
    """Parameters of an account that insist on one way of speaking, and what baresip writes once it does."""

    options: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()


SDES = "srtp: audio: SRTP is Enabled"
DTLS = "DTLS-SRTP complete (audio/RTP)"
ICE = "ice: audio: connectivity check is complete"
KINDS = {
    "plain": Kind(),
    "sdes": Kind(("mediaenc=srtp-mand",), (SDES,)),
    "dtls": Kind(("mediaenc=dtls_srtp",), (DTLS,)),
    "ice": Kind(("medianat=ice",), (ICE,)),
    "dtls-ice": Kind(("medianat=ice", "mediaenc=dtls_srtp"), (DTLS, ICE)),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A daemon and a proxy in a namespace, where phones can be put."""

    home: Namespace
    daemon: Daemon
    proxy: Kamailio

    def phone(self, kind: str, role: str, directory: Path) -> Baresip:
        return Baresip(f"{kind}-{role}", directory, self.proxy.port, *KINDS[kind].options, address=ADDRESS,
                       namespace=self.home)

    def relayed(self) -> list[int]:
        """Packets of RTP that came from each end of the call."""
        with self.daemon.client() as client:
            calls = client.call("list")["calls"]
            tags = client.call("query", call_id=calls[0])["tags"] if calls else {}
        return [party["medias"][0]["streams"][0]["stats"]["packets"] for party in tags.values() if party["medias"]]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    if reason := available():
        pytest.skip(reason)
    try:
        kamailio()
        baresip()
    except debian.Unobtainable as missing:
        pytest.skip(f"a SIP program cannot be had: {missing}")
    folder = tmp_path_factory.mktemp("proxy")
    with Namespace("baresip") as home:
        home.add_address(f"{ADDRESS}/32")
        with Daemon(interfaces=[ADDRESS], options=["--delete-delay=0"], namespace=home) as daemon, \
                Kamailio(HERE / "baresip.cfg", folder, f"udp:127.0.0.1:{daemon.ng_port}", namespace=home) as proxy:
            yield Setting(home, daemon, proxy)


def _talk(setting: Setting, caller: Baresip, callee: Baresip, signs: dict[Baresip, tuple[str, ...]]) -> None:
    """A call until each end has said enough, counted from when both are secure."""
    caller.command("dial", callee.uri)
    for phone, words in signs.items():
        for each in ("Call established", *words):
            phone.wait(each)
    before = setting.relayed()
    assert len(before) == 2
    caller.until(lambda: all(now >= then + PACKETS + SPARE for now, then in zip(setting.relayed(), before)),
                 "audio both ways")
    caller.command("hangup")


@pytest.mark.parametrize("one, other", [
    ("sdes", "plain"), ("plain", "sdes"), ("dtls", "plain"), ("plain", "dtls"), ("ice", "plain"), ("plain", "ice"),
    ("dtls-ice", "plain"), ("plain", "dtls-ice"), ("sdes", "dtls-ice")])
def test_audio_both_ways(setting: Setting, tmp_path: Path, one: str, other: str) -> None:
    """An end that is offered what it does not speak refuses, and what is not authentic it does not count."""
    with setting.phone(one, "caller", tmp_path) as caller, setting.phone(other, "callee", tmp_path) as callee:
        signs = {caller: KINDS[one].signs, callee: KINDS[other].signs}
        _talk(setting, caller, callee, signs)
        for phone, peer in ((caller, callee), (callee, caller)):
            counts, text = phone.counts(), phone.text()
            assert PACKETS <= counts.received <= peer.counts().sent, text
            assert (counts.errors_sent, counts.errors_received) == (0, 0)
            assert [sign for sign in (SDES, DTLS, ICE) if sign in text] == list(signs[phone]), text
            assert "failed to decrypt" not in text, text
    deadline = time.monotonic() + 30
    while left := setting.relayed():
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
