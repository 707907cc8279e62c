# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the sessions obey; the operator may change them while calls run."""
from __future__ import annotations

from dataclasses import dataclass, field

from controlplane.dtls.identity import Identities, IdentityOptions
from controlplane.rtcp.mos import Scale


@dataclass(slots=True)
class SessionSettings:
    """Times are seconds; ``final_timeout`` 0 and ``max_sessions`` below 0 mean no limit.

    ``instance_id`` (12 hexadecimal digits) marks bodies that went through this process (ng flag ``loop-protect``) and
    names it in RTCP. ``rtcp_interval`` is in milliseconds; ``ssrc_reporting`` see query.py.
    ``identities`` make our certificates, ``scale`` judges what we receive, None:
    nobody asked (option measure-rtp). ``reports_events``: DTMF is copied to where RTCP is.
    """

    timeout: int = 60
    silent_timeout: int = 3600
    offer_timeout: int = 3600
    final_timeout: int = 0
    delete_delay: int = 30
    max_sessions: int = -1
    tos: int = 0
    endpoint_learning: str = "heuristic"
    sip_source: bool = False
    reject_invalid_sdp: bool = False
    instance_id: str = "000000000000"
    rtcp_interval: int = 5000
    ssrc_reporting: str = "full"
    dtls_passive: bool = False
    scale: Scale | None = None
    reports_events: bool = False
    identities: Identities = field(default_factory=lambda: Identities(IdentityOptions()))
