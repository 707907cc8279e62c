# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator finds what it should find; the minimal relay passes everything on as it is."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench import tools
from tests.bench.suites import AES_CM, AES_GCM, SUITES
from tests.bench.tools import Floor, Flow, Load, Subject

RATE, SECONDS = 1000, 0.2


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tools, "BUILD", tmp_path_factory.mktemp("bench"))
        relay = Floor(4)
        yield relay
        relay.stop()


def _keys(suite: str, seed: int) -> str:
    return f"{suite}:{bytes([seed] * (SUITES[suite].key_len + SUITES[suite].salt_len)).hex()}"


def _send(floor: Floor, tx_keys: str = "-", rx_keys: str = "-", index: int = 1) -> Load:
    subject = Subject("tested", floor.process.pid, [
        Flow(flow.tx, flow.relay, flow.rx, tx_keys, rx_keys) for flow in floor.flows])
    subject.index = index
    found = subject.load(RATE, SECONDS, 20.0)
    assert found.sent > 10 and not found.silent
    assert subject.index > index
    return found


@pytest.mark.parametrize("keys", ["-", _keys(AES_CM, 1), _keys(AES_GCM, 1)])
@pytest.mark.parametrize("index", [1, 0xfff8, 0x2fff8])
def test_everything_arrives_whole_also_over_a_roll_over(floor: Floor, keys: str, index: int) -> None:
    found = _send(floor, keys, keys, index)
    assert (found.lost, found.bad) == (0, 0)
    assert found.cpu_seconds > 0


@pytest.mark.parametrize(("tx_keys", "rx_keys"), [
    (_keys(AES_CM, 1), _keys(AES_CM, 2)), (_keys(AES_GCM, 1), _keys(AES_GCM, 2)),
    (_keys(AES_CM, 1), "-"), ("-", _keys(AES_GCM, 1))])
def test_what_was_not_decrypted_or_encrypted_is_bad(floor: Floor, tx_keys: str, rx_keys: str) -> None:
    found = _send(floor, tx_keys, rx_keys)
    assert found.bad == found.received > 0
