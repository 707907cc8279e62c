# SPDX-License-Identifier: GPL-3.0-or-later
"""Browsers connect through the daemon in both roles; what the workloads send is accepted."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench import browser, tools
from tests.bench.handshakes import Browsers
from tests.bench.workload import KINDS, Client, Workload
from tests.peers.daemon import Daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tools, "BUILD", tmp_path_factory.mktemp("bench"))
        with Daemon(options=("--port-min=30000", "--port-max=60000")) as running:
            yield running


@pytest.mark.parametrize("kind", KINDS)
def test_calls_of_every_kind_are_accepted(daemon: Daemon, kind: str) -> None:
    with Client(daemon.ng_port, Workload(kind), 2) as client:
        outcome = client.busy(60.0, 4)
    assert (outcome.finished, outcome.errors) == (4, 0)


def test_browsers_shake_hands(daemon: Daemon) -> None:
    browsers = Browsers(daemon.ng_port)
    try:
        step = browsers.run(20, 0.5)
    finally:
        browsers.stop()
    assert step.begun >= 10 and len(step.taken) == step.begun
    assert (step.failed, step.errors) == (0, 0)


def test_browsers_notice_another_certificate(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of them end before the daemon looks at the certificate; its word on the others is in its log."""
    browsers = Browsers(daemon.ng_port)
    monkeypatch.setattr(browsers, "_fingerprint", browser.FINGERPRINT.split()[1])
    try:
        browsers.run(20, 0.2)
    finally:
        browsers.stop()
    assert "the peer's certificate is not the one" in daemon.log_text()
