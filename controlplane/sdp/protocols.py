# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport profiles an m= line can name (RFC 3551, 3711, 4585, 5124, 5764, 8643, T.38 annex D)."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Protocol:
    """One transport profile; ``name`` is the spelling that is printed.

    ``srtp`` means that the profile demands encryption, ``osrtp`` that a plain profile carries keys all the same
    (RFC 8643), ``avpf`` that early RTCP feedback is allowed, ``tls`` that keys come from DTLS alone.
    """

    name: str
    rtp: bool = True
    srtp: bool = False
    avpf: bool = False
    tls: bool = False
    osrtp: bool = False

    @property
    def encrypted(self) -> bool:
        """True if media of this profile are SRTP, whether demanded or opportunistic."""
        return self.srtp or self.osrtp


RTP_AVP = Protocol("RTP/AVP")
RTP_AVPF = Protocol("RTP/AVPF", avpf=True)
RTP_SAVP = Protocol("RTP/SAVP", srtp=True)
RTP_SAVPF = Protocol("RTP/SAVPF", srtp=True, avpf=True)
TLS_SAVP = Protocol("UDP/TLS/RTP/SAVP", srtp=True, tls=True)
TLS_SAVPF = Protocol("UDP/TLS/RTP/SAVPF", srtp=True, avpf=True, tls=True)
UDPTL = Protocol("udptl", rtp=False)
RTP_AVP_OSRTP = Protocol("RTP/AVP", osrtp=True)
RTP_AVPF_OSRTP = Protocol("RTP/AVPF", avpf=True, osrtp=True)

PROTOCOLS = (RTP_AVP, RTP_AVPF, RTP_SAVP, RTP_SAVPF, TLS_SAVP, TLS_SAVPF, UDPTL)
_BY_NAME = {protocol.name.lower(): protocol for protocol in PROTOCOLS}
_PLAIN = {RTP_SAVP: RTP_AVP, RTP_SAVPF: RTP_AVPF, TLS_SAVP: RTP_AVP, TLS_SAVPF: RTP_AVPF,
          RTP_AVP_OSRTP: RTP_AVP, RTP_AVPF_OSRTP: RTP_AVPF}
_OSRTP = {RTP_AVP: RTP_AVP_OSRTP, RTP_AVPF: RTP_AVPF_OSRTP}


def lookup(name: str) -> Protocol | None:
    """The profile called ``name`` in any case, None if it is not one of ours (the medium is then opaque)."""
    return _BY_NAME.get(name.lower())


def plain_sibling(protocol: Protocol) -> Protocol:
    """The unencrypted counterpart of an SRTP profile; any other profile is its own."""
    return _PLAIN.get(protocol, protocol)


def osrtp_variant(protocol: Protocol) -> Protocol:
    """The same profile with keys offered on it (RFC 8643); any but RTP/AVP and RTP/AVPF is its own."""
    return _OSRTP.get(protocol, protocol)
