# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys are nowhere to be read (T23), and names that peers choose are names wherever they are written (T28)."""
from __future__ import annotations

import re
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.test_floods import WORDS
from tests.e2e.test_redis import encrypted, node, wait
from tests.peers.daemon import Daemon
from tests.peers.redis import PROGRAM, RedisServer
from tests.peers.sdp import body

pytestmark = pytest.mark.e2e
_KEY = re.compile(r"inline:([A-Za-z0-9+/]{30,})")


def test_keys_of_calls_are_in_no_log_and_no_list() -> None:
    with ExitStack() as stack:
        daemon = node(stack, "--log-level=7")
        phones = encrypted(stack, daemon)
        phones.talk(2)
        shown = [daemon.cli(line) for line in ("list sessions all", f"list sessions {phones.call_id}",
                                               f"explain {phones.call_id}", "list totals")]
        reply = phones.client.call("query", call_id=phones.call_id)
        offer = phones.client.call("offer", call_id="another", from_tag="a", DTLS="off",
                                   sdp=phones.a.body(phones.a.own), **{"transport-protocol": "RTP/SAVP"})
        keys = {*_KEY.findall(offer["sdp"]), *_KEY.findall(phones.a.body(phones.a.own))}
        phones.client.request("answer", call_id="another", from_tag="a", to_tag="b", sdp="v=0\r\n" + offer["sdp"])
        assert len(keys) > 2
        processes = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, timeout=60).stdout
        for place in (*shown, str(reply), daemon.log_text(), processes):
            assert not _KEY.search(place) and not any(key in place for key in keys)


@pytest.mark.skipif(PROGRAM is None, reason="no redis-server (package redis-server)")
def test_names_that_peers_choose_are_names_in_redis(tmp_path: Path) -> None:
    """Each is the key of its call and of nothing else, and leads to it in the next process."""
    with ExitStack() as stack, RedisServer(tmp_path) as server:
        first = node(stack, f"--redis={server.url(0)}")
        keys = {word.encode("utf-8", "surrogateescape") for word in WORDS}
        with first.client() as client:
            for word in WORDS:
                names = {"call-id": word, "from-tag": word, "label": word}
                assert client.request("offer", **names, sdp=body("127.0.0.1", 5000))["result"] == "ok"
        wait(lambda: set(server.client(0).keys("*")) == keys)
        assert first.stop() == 0 and set(server.client(0).keys("*")) == keys
        second: Daemon = node(stack, f"--redis={server.url(0)}")
        with second.client() as client:
            for word in WORDS:
                tags = client.call("query", **{"call-id": word})["tags"]
                assert word in tags and tags[word]["label"] == word
                client.call("delete", **{"call-id": word})
        wait(lambda: not server.client(0).keys("*"))
