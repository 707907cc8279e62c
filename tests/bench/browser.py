# SPDX-License-Identifier: GPL-3.0-or-later
"""The SDP of a browser that calls or is called: one bundled section with ICE and DTLS."""
from __future__ import annotations

from collections.abc import Sequence

_CODECS = ((111, "opus/48000/2", "minptime=10;useinbandfec=1"), (63, "red/48000/2", "111/111"),
           (9, "G722/8000", ""), (0, "PCMU/8000", ""), (8, "PCMA/8000", ""), (13, "CN/8000", ""),
           (110, "telephone-event/48000", ""), (126, "telephone-event/8000", ""))
_EXTENSIONS = ("urn:ietf:params:rtp-hdrext:ssrc-audio-level",
               "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
               "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
               "urn:ietf:params:rtp-hdrext:sdes:mid")
UFRAG, PASSWORD = "b7Qx", "mV0z3kqYw9RfTn5hJc2LsAeP"
FINGERPRINT = "sha-256 " + ":".join(["5A"] * 32)
PHONE = {"transport-protocol": "RTP/AVP", "ICE": "remove", "rtcp-mux": ["demux"], "replace": ["origin"]}
"""What a proxy asks for towards a telephone."""
BROWSER = {"transport-protocol": "UDP/TLS/RTP/SAVPF", "ICE": "force", "rtcp-mux": ["offer"], "SDES": ["off"],
           "flags": ["generate-mid"], "replace": ["origin"]}
"""What a proxy asks for towards a browser."""


def body(port: int, *, setup: str = "actpass", fingerprint: str = FINGERPRINT,
         credentials: tuple[str, str] = (UFRAG, PASSWORD), candidates: Sequence[str] | None = None) -> str:
    """An offer, or an answer if ``setup`` has decided; its candidates are on 127.0.0.1 if not said."""
    if candidates is None:
        candidates = [f"candidate:{n} 1 udp {2122260223 - n} 127.0.0.1 {port + 1000 * n} typ host generation 0"
                      for n in (0, 1)]
    lines = ["v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
             "a=extmap-allow-mixed", "a=msid-semantic: WMS stream",
             f"m=audio {port} UDP/TLS/RTP/SAVPF {' '.join(str(number) for number, _, _ in _CODECS)}",
             "c=IN IP4 127.0.0.1", f"a=rtcp:{port} IN IP4 127.0.0.1"]
    lines += [f"a={each}" for each in candidates]
    lines += [f"a=ice-ufrag:{credentials[0]}", f"a=ice-pwd:{credentials[1]}", f"a=fingerprint:{fingerprint}",
              f"a=setup:{setup}", "a=mid:0"]
    lines += [f"a=extmap:{number} {uri}" for number, uri in enumerate(_EXTENSIONS, 1)]
    lines += ["a=sendrecv", "a=msid:stream track", "a=rtcp-mux", "a=rtcp-rsize"]
    for number, name, parameters in _CODECS:
        lines.append(f"a=rtpmap:{number} {name}")
        lines += [f"a=fmtp:{number} {parameters}"] if parameters else []
    lines += ["a=rtcp-fb:111 transport-cc", "a=ssrc:2885113093 cname:6RkqTPqZJ1yNAgKh",
              "a=ssrc:2885113093 msid:stream track"]
    return "\r\n".join(lines) + "\r\n"
