# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways a received session description is refused."""
from __future__ import annotations

from controlplane.errors import PeerError


class SdpError(PeerError):
    """A refused body: the text is the ng ``error-reason``, ``detail`` says for the log what was wrong."""

    reason = "Failed to parse SDP"

    def __init__(self, detail: str):
        super().__init__(self.reason)
        self.detail = detail


class IncompleteSdp(SdpError):
    """The lines are well formed but say too little (or nonsense) to set up a medium."""

    reason = "Incomplete SDP specification"
