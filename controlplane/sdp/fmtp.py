# SPDX-License-Identifier: GPL-3.0-or-later
"""Format parameters as they are printed: verbatim, but for the codecs whose parameters are rebuilt."""
from __future__ import annotations

from controlplane.sdp.lex import decimal
from controlplane.sdp.model import PayloadType

_FLAG = 1
_NUMBER = (1 << 31) - 1
_OPUS = {
    "stereo": _FLAG, "sprop-stereo": _FLAG, "useinbandfec": _FLAG, "usedtx": _FLAG, "cbr": _FLAG,
    "maxplaybackrate": _NUMBER, "maxaveragebitrate": _NUMBER, "sprop-maxcapturerate": _NUMBER, "minptime": _NUMBER,
}
"""Parameters of RFC 7587 section 6.1 in the order of printing, with the largest value of each."""


def printed_fmtp(payload_type: PayloadType) -> str | None:
    """What follows the payload type on the fmtp line, None if there is to be none."""
    if payload_type.fmtp is None or payload_type.encoding.lower() != "opus":
        return payload_type.fmtp
    received = {}
    for parameter in payload_type.fmtp.split(";"):
        name, _, value = parameter.strip(" ").partition("=")
        received[name] = value
    texts = []
    for name, maximum in _OPUS.items():
        number = decimal(received.get(name, ""), maximum)
        if number or (number == 0 and maximum == _FLAG):
            texts.append(f"{name}={number}")
    return "; ".join(texts) or None
