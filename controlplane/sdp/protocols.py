# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport profiles an m= line can name (RFC 3551, 3711, 4585, 5124, 5764, T.38 annex D)."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Protocol:
    """One transport profile; ``name`` is the spelling that is printed.

    ``srtp`` means that the profile demands encryption, ``avpf`` that early RTCP feedback is allowed, ``tls`` that
    keys come from DTLS alone.
    """

    name: str
    rtp: bool = True
    srtp: bool = False
    avpf: bool = False
    tls: bool = False


RTP_AVP = Protocol("RTP/AVP")
RTP_AVPF = Protocol("RTP/AVPF", avpf=True)
RTP_SAVP = Protocol("RTP/SAVP", srtp=True)
RTP_SAVPF = Protocol("RTP/SAVPF", srtp=True, avpf=True)
TLS_SAVP = Protocol("UDP/TLS/RTP/SAVP", srtp=True, tls=True)
TLS_SAVPF = Protocol("UDP/TLS/RTP/SAVPF", srtp=True, avpf=True, tls=True)
UDPTL = Protocol("udptl", rtp=False)

PROTOCOLS = (RTP_AVP, RTP_AVPF, RTP_SAVP, RTP_SAVPF, TLS_SAVP, TLS_SAVPF, UDPTL)
_BY_NAME = {protocol.name.lower(): protocol for protocol in PROTOCOLS}


def lookup(name: str) -> Protocol | None:
    """The profile called ``name`` in any case, None if it is not one of ours (the medium is then opaque)."""
    return _BY_NAME.get(name.lower())
