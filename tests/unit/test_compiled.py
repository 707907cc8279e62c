# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests of the compiled modules (make check-compiled) do test these, not the sources beside them."""
from __future__ import annotations

import os
from importlib import import_module

import pytest

MODULES = (
    "controlplane.ng.dispatch", "controlplane.ng._bencode", "controlplane.sdp.parse", "controlplane.session.calls",
    "controlplane.ports.pool",
    "controlplane.dataplane.abi", "controlplane.dataplane.program", "controlplane.dataplane.nfqueue",
    "controlplane.proxy", "controlplane.nglog",
    "controlplane.ice.agent", "controlplane.srtp.sdes", "controlplane.dtls.association")


@pytest.mark.skipif("RTPENGINE_COMPILED" not in os.environ, reason="make check-compiled runs this")
@pytest.mark.parametrize("name", MODULES)
def test_what_is_tested_is_compiled(name: str) -> None:
    assert str(import_module(name).__file__).endswith(".so")
