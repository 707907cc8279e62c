# SPDX-License-Identifier: GPL-3.0-or-later
"""The members of the ng key ``flags``.

To implement a flag, move its row from PLANNED to IMPLEMENTED; to implement a group that has a prefix, give its key
a setter in keys.py and move the prefix.
"""
from __future__ import annotations

from collections.abc import Callable

from controlplane.errors import PeerError
from controlplane.ng.fields import Target, members
from controlplane.ng.sdpattr import flag_value
from controlplane.ng.values import Value, text
from controlplane.ng.words import Vocabulary, hyphened

IMPLEMENTED = """
    allow-asymmetric-codecs|allow-asymmetric-codec asymmetric directional fast fatal
    full-rtcp-attribute|full-RTCP-attribute generate-mid loop-protect media-handover new-branch
    no-port-latching no-rtcp-attribute|no-RTCP-attribute original-sendrecv port-latching provisional reset
    sip-source-address|SIP-source-address strict-source to-tag trust-address unidirectional
"""

# Nothing of what these switch off exists, or they have never had an effect.
SATISFIED = """
    asymmetric-codecs symmetric-codecs reorder-codecs symmetric
    allow-transcoding exclude-recording no-audio-player|no-player no-codec-renegotiation|reuse-codecs
    no-jitter-buffer no-passthrough no-redis-update no-tls-id skip-recording-db|skip-recording-database
"""

PLANNED = """
    all allow-no-codec-media|allow-no-codec-medias|allow-empty-codec-media|allow-empty-codec-medias
    always-transcode audio-player|player bidirectional block-dtmf|block-DTMF block-egress
    block-short|block-shorts|block-short-packets debug|debugging detect-dtmf|detect-DTMF discard-recording
    early-media egress force-transcoding fragment generate-rtcp|generate-RTCP
    ice-reject|ICE-reject|reject-ice|reject-ICE inactive inject-dtmf|inject-DTMF
    mirror-rtcp|mirror-RTCP|RTCP-mirror|rtcp-mirror mix|mixed nat-wait|NAT-wait pad-crypto passthrough
    pierce-nat|pierce-NAT record-call recording-vsc|recording-VSC recording-announcement recrypt
    single-codec siprec|SIPREC static-codecs|static-codec strip-extmap trickle-ice|trickle-ICE unsubscribe
    webrtc|WebRTC|webRTC|WebRtc
"""

FLAGS = Vocabulary(IMPLEMENTED + SATISFIED, PLANNED)

_KEYS_BY_PREFIX = ((b"endpoint-learning-", b"endpoint-learning"), (b"replace-", b"replace"),
                   (b"rtcp-mux-", b"rtcp-mux"), (b"SDES-", b"SDES"))
_EDITS_BY_PREFIX = ((b"sdp-attr-add-", b"add"), (b"sdp-attr-remove-", b"remove"),
                    (b"sdp-attr-substitute-", b"substitute"))

_PLANNED_PREFIXES = (b"from-tags-", b"OSRTP-", b"BUNDLE-", b"codec-except-", b"codec-offer-", b"codec-strip-",
                     b"codec-ignore-", b"codec-accept-", b"codec-consume-", b"codec-set-")
_PLANNED_IN_OFFERS = _PLANNED_PREFIXES + (b"transcode-", b"codec-transcode-", b"codec-mask-", b"T38-", b"T.38-")
_OFFERING = frozenset(("offer", "subscribe request", "publish"))

SetKey = Callable[[Target, bytes, Value], None]


def _set_prefixed(target: Target, raw: bytes, set_key: SetKey) -> None:
    spelled = hyphened(raw)
    for prefix, key in _KEYS_BY_PREFIX:
        if spelled.startswith(prefix):
            set_key(target, key, raw[len(prefix):])
            return
    for prefix, command in _EDITS_BY_PREFIX:
        if spelled.startswith(prefix):
            set_key(target, b"sdp-attr", flag_value(command, raw[len(prefix):]))
            return
    if spelled.startswith(_PLANNED_IN_OFFERS if target.request.command in _OFFERING else _PLANNED_PREFIXES):
        target.unsupported(text(raw))
    else:
        target.unknown(text(raw))


def set_flag(target: Target, raw: bytes, set_key: SetKey) -> None:
    """Add one flag; a flag with the prefix of a key goes to ``set_key``. Unknown ones are only noted."""
    word = FLAGS.find(raw)
    if word is None:
        _set_prefixed(target, raw, set_key)
        return
    target.request.flags.add(word.name)
    if not word.implemented:
        target.unsupported(word.name)


def set_flags(target: Target, value: Value, set_key: SetKey) -> None:
    """Add every flag of a list or of a string with commas (ng key ``flags``).

    PeerError for a malformed edit of the SDP in a string; one in a list is only noted.
    """
    for member in members(value):
        try:
            set_flag(target, member, set_key)
        except PeerError as error:
            if not isinstance(value, list):
                raise
            target.unknown(f"{text(member)}: {error}")
