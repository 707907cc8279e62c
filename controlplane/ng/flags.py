# SPDX-License-Identifier: GPL-3.0-or-later
"""The members of the ng key ``flags``.

To implement a flag, move its row from PLANNED to IMPLEMENTED; to implement a group that has a prefix, give its key
a setter in keys.py and move the prefix.
"""
from __future__ import annotations

from collections.abc import Callable

from controlplane.errors import PeerError
from controlplane.ng.codecs import OFFERING, add_rule, flag_rule
from controlplane.ng.fields import Target, members
from controlplane.ng.sdpattr import flag_value
from controlplane.ng.values import Dictionary, Value, text
from controlplane.ng.words import Vocabulary, hyphened

IMPLEMENTED = """
    all allow-asymmetric-codecs|allow-asymmetric-codec allow-no-codec-media|allow-no-codec-medias
    |allow-empty-codec-media|allow-empty-codec-medias allow-transcoding asymmetric bidirectional block-dtmf|block-DTMF
    directional egress fast fatal fragment
    full-rtcp-attribute|full-RTCP-attribute generate-mid generate-rtcp|generate-RTCP
    ice-reject|ICE-reject|reject-ice|reject-ICE inactive loop-protect media-handover
    mirror-rtcp|mirror-RTCP|RTCP-mirror|rtcp-mirror nat-wait|NAT-wait new-branch no-codec-renegotiation|reuse-codecs
    no-passthrough no-port-latching no-rtcp-attribute|no-RTCP-attribute original-sendrecv pad-crypto passthrough
    pierce-nat|pierce-NAT port-latching provisional reset single-codec
    sip-source-address|SIP-source-address siprec|SIPREC static-codecs|static-codec strict-source strip-extmap to-tag
    no-tls-id trickle-ice|trickle-ICE
    trust-address unidirectional unsubscribe webrtc|WebRTC|webRTC|WebRtc
"""

# Nothing of what these switch off or refine exists, or they have never had an effect.
SATISFIED = """
    asymmetric-codecs symmetric-codecs reorder-codecs symmetric
    discard-recording early-media exclude-recording
    inject-dtmf|inject-DTMF
    no-audio-player|no-player no-jitter-buffer no-redis-update recrypt
    skip-recording-db|skip-recording-database
"""

PLANNED = """
    always-transcode audio-player|player block-egress block-short|block-shorts|block-short-packets
    debug|debugging detect-dtmf|detect-DTMF
    force-transcoding mix|mixed
    record-call recording-vsc|recording-VSC recording-announcement
"""

FLAGS = Vocabulary((IMPLEMENTED + SATISFIED).replace("\n    |", "|"), PLANNED)

_EXPANSIONS: dict[str, tuple[tuple[bytes, Value], ...]] = {
    "all": ((b"all", b"all"),),
    "generate-rtcp": ((b"generate-RTCP", b"on"),),
    "strip-extmap": ((b"extmap", Dictionary([(b"strip", [b"all"])])),),
    "passthrough": ((b"passthrough", b"on"),),
    "no-passthrough": ((b"passthrough", b"off"),),
    "pad-crypto": ((b"SDES", [b"pad"]),),
    "webrtc": ((b"transport-protocol", b"UDP/TLS/RTP/SAVPF"), (b"ICE", [b"force", b"trickle"]),
               (b"flags", [b"trickle-ICE", b"no-rtcp-attribute", b"generate-mid"]),
               (b"rtcp-mux", [b"offer", b"require"]), (b"SDES", [b"off"]), (b"bundle", [b"offer", b"require"])),
}
"""Flags that stand for keys."""

_OPPOSITES = {"trust-address": "sip-source-address", "sip-source-address": "trust-address"}
"""Of these the last one counts."""


_KEYS_BY_PREFIX = ((b"endpoint-learning-", b"endpoint-learning"), (b"replace-", b"replace"),
                   (b"rtcp-mux-", b"rtcp-mux"), (b"SDES-", b"SDES"), (b"from-tags-", b"from-tags"),
                   (b"BUNDLE-", b"bundle"), (b"OSRTP-", b"OSRTP"))
_EDITS_BY_PREFIX = ((b"sdp-attr-add-", b"add"), (b"sdp-attr-remove-", b"remove"),
                    (b"sdp-attr-substitute-", b"substitute"))

_PLANNED_IN_OFFERS = (b"T38-", b"T.38-")

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
    rule = flag_rule(target.request.command, raw)
    if rule is not None:
        add_rule(target, *rule)
    elif target.request.command in OFFERING and spelled.startswith(_PLANNED_IN_OFFERS):
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
    target.request.flags.discard(_OPPOSITES.get(word.name, ""))
    if not word.implemented:
        target.unsupported(word.name)
    for key, value in _EXPANSIONS.get(word.name, ()):
        set_key(target, key, value)


def set_flags(target: Target, value: Value, set_key: SetKey) -> None:
    """Add every flag of a list or of a string with commas (ng key ``flags``).

    PeerError for a malformed edit of the SDP in a string; one in a list is only noted.
    """
    for member in members(target, value):
        try:
            set_flag(target, member, set_key)
        except PeerError as error:
            if not isinstance(value, list):
                raise
            target.unknown(f"{text(member)}: {error}")
