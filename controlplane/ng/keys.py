# SPDX-License-Identifier: GPL-3.0-or-later
"""The top-level keys of an ng message: every spelling, and the setter that takes the value.

To implement a key, give it a row in IMPLEMENTED and remove it from PLANNED.
"""
from __future__ import annotations

from controlplane.ng.fields import (Setter, Target, address_field, choice_field, integer_field, known_word,
                                    last_word_field, mapped_field, members, text_field, unsupported_key, words_field)
from controlplane.ng.flags import set_flags
from controlplane.ng.sdpattr import set_sdp_attr, set_sdp_media_remove
from controlplane.ng.values import Value, text
from controlplane.ng.words import Vocabulary, hyphened

# The connection address is replaced whatever the client says.
REPLACE = Vocabulary("session-connection origin origin-full session-name sdp-version|SDP-version username zero-address"
                     " force-increment-sdp-ver|force-increment-SDP-ver")
RTCP_MUX = Vocabulary("offer require demux accept reject")
ICE = Vocabulary("remove default lite-no|lite-off|lite-none|no-lite",
                 "force optional force-relay trickle ice2|ICE2 lite|lite-fw|lite-fwd|lite-forward|lite-offer lite-both"
                 " lite-backward|lite-backwards|lite-reverse|lite-answer|lite-back|lite-bkw|lite-bk")
ICE_MODES = frozenset(("remove", "default", "force", "optional", "force-relay"))
SDES = Vocabulary("off|no|disable|disabled")
DTLS = Vocabulary("off|no|disable|disabled", "passive active")
LEARNING = Vocabulary("off immediate delayed heuristic")
SUPPORTS = Vocabulary("load-limit")
ALIAS_KEYS = {b"off": "off", b"no": "off", b"none": "off", b"sdp": "sdp", b"address": "address",
              b"endpoint": "address"}
DROP_TRAFFIC = Vocabulary("start stop")
FAMILIES = {b"ip4": 4, b"ip6": 6}
PROFILES = {name.lower().encode(): name for name in (
    "RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "udptl", "accept")}
SIP_MESSAGES = {b"request": "request", b"sip-request": "request", b"reply": "response", b"sip-reply": "response",
                b"sip-response": "response"}


def _set_sdp(target: Target, value: Value) -> None:
    if isinstance(value, bytes):
        target.request.sdp = value


def _set_direction(target: Target, value: Value) -> None:
    if isinstance(value, list):
        names = [text(name) for name in value if isinstance(name, bytes)]
        for field, name in zip(("from_interface", "to_interface"), names):
            setattr(target.request, field, name)


def _set_ice(target: Target, value: Value) -> None:
    for member in members(value):
        word = known_word(target, "ICE", ICE, member)
        if word is not None and word.name in ICE_MODES:
            target.request.ice = word.name


def _set_sdes(target: Target, value: Value) -> None:
    """Whatever is not ``off`` names a suite or a session parameter, and waits for SRTP."""
    for member in members(value):
        word = SDES.find(member)
        if word is not None:
            target.request.sdes.add(word.name)
        else:
            target.unsupported(f"SDES={text(member)}")


def _set_drop_traffic(target: Target, value: Value) -> None:
    if target.request.drop_traffic != "start":  # start wins if a message has both
        _choose_drop_traffic(target, value)


def _set_flags(target: Target, value: Value) -> None:
    set_flags(target, value, set_key)


_choose_drop_traffic = choice_field("drop_traffic", DROP_TRAFFIC)

IMPLEMENTED: dict[str, Setter] = {
    "body": text_field("body"),
    "alias-key": mapped_field("alias_key", ALIAS_KEYS),
    "address-family": mapped_field("address_family", FAMILIES),
    "call-id|call-ID": text_field("call_id"),
    "delete-delay": integer_field("delete_delay", lambda seconds: seconds if seconds >= 0 else None),
    "direction": _set_direction,
    "drop-traffic": _set_drop_traffic,
    "DTLS|dtls|DTLS-reverse|dtls-reverse": words_field("dtls", DTLS),
    "endpoint-learning": last_word_field("endpoint_learning", LEARNING),
    "flags": _set_flags,
    "from-interface": text_field("from_interface"),
    "from-tag": text_field("from_tag"),
    "ICE|ice": _set_ice,
    "interface": text_field("interface"),
    "label|from-label": text_field("label"),
    "limit": integer_field("limit"),
    "media-address": address_field("media_address"),
    "metadata": text_field("metadata"),
    "received-from": address_field("received_from"),
    "replace": words_field("replace", REPLACE),
    "rtcp-mux|RTCP-mux": words_field("rtcp_mux", RTCP_MUX),
    "SDES|sdes": _set_sdes,
    "sdp|SDP": _set_sdp,
    "sdp-attr|SDP-attr": set_sdp_attr,
    "sdp-media-remove|SDP-media-remove": set_sdp_media_remove,
    "set-label": text_field("set_label"),
    "SIP-code|sip-code|SIP-response-code|sip-response-code": integer_field("sip_code"),
    "SIP-message-type|sip-message-type": mapped_field("sip_message_type", SIP_MESSAGES),
    "supports": words_field("supports", SUPPORTS),
    "to-interface": text_field("to_interface"),
    "to-tag": text_field("to_tag"),
    "TOS|tos": integer_field("tos", lambda tos: -1 if tos < 0 else tos if tos <= 255 else None),
    "transport-protocol": mapped_field("transport_protocol", PROFILES),
    "via-branch": text_field("via_branch"),
    "xmlrpc-callback|XMLRPC-callback": text_field("xmlrpc_callback"),
}

PLANNED = """
    address all audio-player|player blob blob64 bundle|BUNDLE calls code|digit codec|codecs db-id
    delay-buffer DTLS-fingerprint|dtls-fingerprint DTMF-security|dtmf-security
    DTMF-security-trigger|dtmf-security-trigger DTMF-security-trigger-end|dtmf-security-trigger-end
    DTMF-delay|dtmf-delay DTMF-log-dest|dtmf-log-dest|DTMF-log-destination|dtmf-log-destination duration extmap file
    frequency|frequencies from-tags generate-RTCP|generate-rtcp ICE-lite|ice-lite inbound-peer instance
    media|medias media-echo moh|MoH|MOH OSRTP|osrtp outbound-peer
    output-destination|output-dest|output-file|recording-destination|recording-dest|recording-file
    passthrough|passthru pause peer ptime ptime-reverse|reverse-ptime
    record-call recording-media-slot-offer recording-media-slot-answer recording-media-slots
    recording-dir|recording-path|recording-directory|recording-folder|output-path|output-dir|output-directory
    |output-folder recording-pattern|output-pattern repeat-duration repeat-times
    source-call-id|source-call-ID source-tag start-pos
    T.38|t.38|T38|t38 T.38-version|t.38-version|T38-version|t38-version tags template to-call-id to-label
    trigger trigger-end|end-trigger trigger-end-time|end-trigger-time trigger-end-digits|end-trigger-digits volume
    vsc-start-rec|VSC-start-rec|vsc-start-recording|VSC-start-recording
    vsc-stop-rec|VSC-stop-rec|vsc-stop-recording|VSC-stop-recording
    vsc-start-stop-rec|VSC-start-stop-rec|vsc-start-stop-recording|VSC-start-stop-recording
    vsc-pause-rec|VSC-pause-rec|vsc-pause-recording|VSC-pause-recording
    vsc-pause-resume-rec|VSC-pause-resume-rec|vsc-pause-resume-recording|VSC-pause-resume-recording
    vsc-start-pause-resume-rec|VSC-start-pause-resume-rec|vsc-start-pause-resume-recording
    |VSC-start-pause-resume-recording
"""


def spelled(setters: dict[str, Setter]) -> dict[bytes, Setter]:
    """Every spelling of ``setters``' rows, with hyphens and with spaces."""
    table: dict[bytes, Setter] = {}
    for row, setter in setters.items():
        for spelling in row.split("|"):
            table[spelling.encode()] = table[spelling.replace("-", " ").encode()] = setter
    return table


KEYS = spelled({row: unsupported_key(row.split("|")[0]) for row in PLANNED.replace("\n    |", "|").split()})
KEYS |= spelled(IMPLEMENTED)


def set_key(target: Target, key: bytes, value: Value) -> None:
    """Give ``value`` to the field of ``key``; a key that nobody knows is only noted."""
    setter = KEYS.get(key) or KEYS.get(hyphened(key))
    if setter is None:
        target.unknown(text(key))
    else:
        setter(target, value)
