# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways a received session description is refused."""
from __future__ import annotations

from controlplane.errors import PeerError


class SdpError(PeerError):
    """A refused body; ``detail`` says what was wrong."""

    def __init__(self, detail: str, reason: str = "Failed to parse SDP"):
        super().__init__(reason, detail)


class IncompleteSdp(SdpError):
    """The lines are well formed but say too little (or nonsense) to set up a medium."""

    def __init__(self, detail: str):
        super().__init__(detail, "Incomplete SDP specification")
