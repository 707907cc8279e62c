# SPDX-License-Identifier: GPL-3.0-or-later
"""Some hundred calls of every kind, clients killed meanwhile: nothing stays (T22, T25). `make churn` takes longer."""
from __future__ import annotations

import socket

import pytest

from tests.churn.churn import OPTIONS, Holding, churn, growth, slope
from tests.peers.daemon import Daemon, free_port

pytestmark = pytest.mark.e2e
CALLS, ROUNDS = 1200, 3
MEMORY = 8000.0
"""Kilobytes that 1000 further calls may leave held in a run as short as this, which warms up all along; a call has
30."""


def test_nothing_of_a_call_stays() -> None:
    port = free_port(socket.SOCK_STREAM)
    with Daemon(options=[f"--listen-http=127.0.0.1:{port}", "--log-level=4", *OPTIONS]) as daemon:
        held = list(churn(daemon, 0, port, CALLS, ROUNDS))
        assert "Traceback" not in daemon.log_text()
    first, last = held[0], held[-1]
    assert len(held) == ROUNDS + 1 and last.calls >= CALLS
    assert last.files <= first.files and last.ports == 0 and last.threads <= first.threads, held
    assert growth(held[1:], "memory") < MEMORY, held


def test_slopes() -> None:
    assert slope([(0, 1), (1, 3), (2, 5)]) == 2.0 and slope([(1, 1), (1, 2)]) == 0.0
    held = [Holding(calls, 5, 0, 1, 90 if calls == 0 else 100 + calls // 100) for calls in range(0, 9000, 1000)]
    assert growth(held, "memory") == pytest.approx(10.0) and growth(held, "files") == 0.0
