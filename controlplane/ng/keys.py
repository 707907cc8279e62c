# SPDX-License-Identifier: GPL-3.0-or-later
"""The top-level keys of an ng message: every spelling, and the setter that takes the value.

To implement a key, give it a row in IMPLEMENTED and remove it from PLANNED or REFINING.
"""
from __future__ import annotations

from controlplane.ng.codecs import set_codec
from controlplane.ng.fields import (NOT_DICTIONARY, NOT_LIST, NOT_TEXT, Setter, Target, address_field, choice_field,
                                    endpoint_field, integer_field, known_word, last_word_field, mapped_field, members,
                                    one_word, text_field, texts, texts_field, unsupported_key, words_field)
from controlplane.ng.flags import set_flags
from controlplane.ng.sdpattr import set_sdp_attr, set_sdp_media_remove
from controlplane.ng.sections import set_calls, set_medias, set_mesh
from controlplane.ng.values import Dictionary, Value, text
from controlplane.ng.words import Vocabulary, hyphened

# The connection address is replaced whatever the client says.
REPLACE = Vocabulary("session-connection origin origin-full session-name sdp-version|SDP-version username zero-address"
                     " force-increment-sdp-ver|force-increment-SDP-ver")
RTCP_MUX = Vocabulary("offer require demux accept reject")
ICE = Vocabulary("remove default force-relay force optional trickle ice2|ICE2 lite-off|lite-no|lite-none|no-lite"
                 " lite-forward|lite|lite-fw|lite-fwd|lite-offer lite-both"
                 " lite-backward|lite-backwards|lite-reverse|lite-answer|lite-back|lite-bkw|lite-bk")
ICE_LITE = {**dict.fromkeys((b"off", b"none", b"no"), "off"),
            **dict.fromkeys((b"forward", b"offer", b"fwd", b"fw"), "forward"),
            **dict.fromkeys((b"backward", b"backwards", b"reverse", b"answer", b"back", b"bkw", b"bk"), "backward"),
            b"both": "both"}
ICE_MODES = frozenset(("remove", "default", "force", "optional", "force-relay"))
SDES = Vocabulary(
    "off|no|disable|disabled nonew pad lifetime static prefer|priority encrypted-srtp|ENCRYPTED-SRTP"
    " encrypted-srtcp|ENCRYPTED-SRTCP authenticated-srtp|AUTHENTICATED-SRTP unencrypted-srtp|UNENCRYPTED-SRTP"
    " unencrypted-srtcp|UNENCRYPTED-SRTCP unauthenticated-srtp|UNAUTHENTICATED-SRTP")
DTLS = Vocabulary("off|no|disable|disabled passive active")
LEARNING = Vocabulary("off immediate delayed heuristic")
SUPPORTS = Vocabulary("load-limit load")
BUNDLE = Vocabulary("accept offer require strict reject")
AUDIO_PLAYER = Vocabulary("default off|no|disable|disabled",
                          "transcoding|transcode|on|yes|enable|enabled always|force|forced|everything")
SWITCH = Vocabulary("on|yes|enable|enabled off|no|disable|disabled")
ALL = {b"none": "none", b"all": "all", b"offer-answer": "offer-answer", b"except-offer-answer": "except-offer-answer",
       b"not-offer-answer": "except-offer-answer", b"non-offer-answer": "except-offer-answer", b"flows": "flows"}
MEDIA_ECHO = {b"blackhole": "blackhole", b"sinkhole": "blackhole",
              **dict.fromkeys((b"forward", b"fwd", b"fw"), "forward"),
              **dict.fromkeys((b"backwards", b"backward", b"reverse", b"back", b"bkw", b"bk"), "backwards"),
              b"both": "both"}
OSRTP = Vocabulary("accept accept-rfc|accept-RFC accept-legacy offer|offer-rfc|offer-RFC"
                   " offer-legacy")
DTMF_SECURITY = Vocabulary("drop off", "silence tone random zero dtmf|DTMF")
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
    else:
        target.ignored(value, NOT_TEXT)


def _set_direction(target: Target, value: Value) -> None:
    if not isinstance(value, list):
        target.ignored(value, NOT_LIST)
        return
    names = texts(target, value)
    for field, name in zip(("from_interface", "to_interface"), names):
        setattr(target.request, field, text(name))
    for name in names[2:]:
        target.ignored(name, "is one too many")


def _set_ice(target: Target, value: Value) -> None:
    """How much of it, and its details; of several modes the last one counts."""
    for member in members(target, value):
        word = known_word(target, "ICE", ICE, member)
        if word is None:
            continue
        name = word.name
        if name in ICE_MODES:
            target.request.ice = name
        elif name.startswith("lite-"):
            target.request.ice_lite = name.removeprefix("lite-")
        else:
            target.request.flags.add("trickle-ice" if name == "trickle" else name)


def _set_sdes(target: Target, value: Value) -> None:
    """Words, or names of suites with what is to become of them in front."""
    wishes = target.request.sdes
    for member in members(target, value):
        word = SDES.find(member)
        spelled = hyphened(member)
        if word is not None:
            wishes = wishes._replace(words=wishes.words | {word.name})
        elif spelled.startswith(b"no-"):
            wishes = wishes._replace(without=wishes.without | {text(member[3:]).upper()})
        elif spelled.startswith(b"only-"):
            wishes = wishes._replace(only=wishes.only | {text(member[5:]).upper()})
        elif spelled.startswith(b"order:"):
            wishes = wishes._replace(order=wishes.order + _suites(member))
        elif spelled.startswith(b"offerer-pref:"):
            wishes = wishes._replace(preferred=wishes.preferred + _suites(member))
        else:
            target.unknown(f"SDES={text(member)}")
    target.request.sdes = wishes


def _suites(member: bytes) -> tuple[str, ...]:
    """The names behind the colon of ``order:A;B;``."""
    return tuple([name.upper() for name in text(member.partition(b":")[2]).split(";") if name])


def _set_drop_traffic(target: Target, value: Value) -> None:
    if target.request.drop_traffic != "start":  # start wins if a message has both
        _choose_drop_traffic(target, value)


def _set_extmap(target: Target, value: Value) -> None:
    """URIs by what becomes of them; only offers can have some that are hidden from the receiver alone."""
    if not isinstance(value, Dictionary):
        target.ignored(value, NOT_DICTIONARY)
        return
    for name, uris in value.items():
        if name == b"strip":
            target.request.extmap_strip.update(map(text, members(target, uris)))
        elif name == b"mask":
            masked = map(text, members(target, uris))
            if target.request.command == "offer":
                target.request.extmap_mask.update(masked)
        else:
            target.unknown(f"extmap={text(name)}")


def _set_passthrough(target: Target, value: Value) -> None:
    word = one_word(target, "passthrough", SWITCH, value)
    if word is not None:
        target.request.passthrough = word.name == "on"


def _set_audio_player(target: Target, value: Value) -> None:
    one_word(target, "audio-player", AUDIO_PLAYER, value)


def _set_generated_rtcp(target: Target, value: Value) -> None:
    word = one_word(target, "generate-RTCP", SWITCH, value)
    if word is not None:
        target.request.generate_rtcp = word.name == "on"


def _set_flags(target: Target, value: Value) -> None:
    set_flags(target, value, set_key)


_choose_drop_traffic = choice_field("drop_traffic", DROP_TRAFFIC)

IMPLEMENTED: dict[str, Setter] = {
    "address": address_field("address"),
    "all": mapped_field("all", ALL),
    "audio-player|player": _set_audio_player,
    "body": text_field("body"),
    "bundle|BUNDLE": words_field("bundle", BUNDLE),
    "calls": set_calls,
    "codec|codecs": set_codec,
    "alias-key": mapped_field("alias_key", ALIAS_KEYS),
    "address-family": mapped_field("address_family", FAMILIES),
    "call-id|call-ID": text_field("call_id"),
    "delete-delay": integer_field("delete_delay", lambda seconds: seconds if seconds >= 0 else None),
    "direction": _set_direction,
    "drop-traffic": _set_drop_traffic,
    "DTLS|dtls|DTLS-reverse|dtls-reverse": words_field("dtls", DTLS),
    "DTLS-fingerprint|dtls-fingerprint": text_field("dtls_fingerprint"),
    "DTMF-log-dest|dtmf-log-dest|DTMF-log-destination|dtmf-log-destination": endpoint_field("dtmf_log_dest"),
    "DTMF-security|dtmf-security": choice_field("dtmf_security", DTMF_SECURITY),
    "extmap": _set_extmap,
    "from-tags": texts_field("from_tags"),
    "generate-RTCP|generate-rtcp": _set_generated_rtcp,
    "inbound-peer": address_field("inbound_peer"),
    "instance": text_field("instance"),
    "media|medias": set_medias,
    "media-echo": mapped_field("media_echo", MEDIA_ECHO),
    "OSRTP|osrtp": words_field("osrtp", OSRTP),
    "outbound-peer": address_field("outbound_peer"),
    "passthrough|passthru": _set_passthrough,
    "peer": address_field("peer"),
    "tags": set_mesh,
    "to-call-id": text_field("to_call_id"),
    "to-label": text_field("to_label"),
    "endpoint-learning": last_word_field("endpoint_learning", LEARNING),
    "flags": _set_flags,
    "from-interface": text_field("from_interface"),
    "from-tag": text_field("from_tag"),
    "ICE|ice": _set_ice,
    "ICE-lite|ice-lite": mapped_field("ice_lite", ICE_LITE),
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
    "SIP-code|sip-code|SIP-response-code|sip-response-code": integer_field("sip_code", most=699),
    "SIP-message-type|sip-message-type": mapped_field("sip_message_type", SIP_MESSAGES),
    "supports": words_field("supports", SUPPORTS),
    "to-interface": text_field("to_interface"),
    "to-tag": text_field("to_tag"),
    "TOS|tos": integer_field("tos", lambda tos: -1 if tos < 0 else tos if tos <= 255 else None, most=255),
    "transport-protocol": mapped_field("transport_protocol", PROFILES),
    "via-branch": text_field("via_branch"),
}

PLANNED = """
    delay-buffer DTMF-security-trigger|dtmf-security-trigger DTMF-security-trigger-end|dtmf-security-trigger-end
    DTMF-delay|dtmf-delay moh|MoH|MOH ptime ptime-reverse|reverse-ptime record-call T.38|t.38|T38|t38
    trigger trigger-end|end-trigger trigger-end-time|end-trigger-time trigger-end-digits|end-trigger-digits
"""

REFINING = """
    blob blob64 code|digit db-id duration file frequency|frequencies
    output-destination|output-dest|output-file|recording-destination|recording-dest|recording-file pause
    recording-media-slot-offer recording-media-slot-answer recording-media-slots
    recording-dir|recording-path|recording-directory|recording-folder|output-path|output-dir|output-directory
    |output-folder recording-pattern|output-pattern repeat-duration repeat-times
    source-call-id|source-call-ID source-tag start-pos T.38-version|t.38-version|T38-version|t38-version volume
    vsc-start-rec|VSC-start-rec|vsc-start-recording|VSC-start-recording
    vsc-stop-rec|VSC-stop-rec|vsc-stop-recording|VSC-stop-recording
    vsc-start-stop-rec|VSC-start-stop-rec|vsc-start-stop-recording|VSC-start-stop-recording
    vsc-pause-rec|VSC-pause-rec|vsc-pause-recording|VSC-pause-recording
    vsc-pause-resume-rec|VSC-pause-resume-rec|vsc-pause-resume-recording|VSC-pause-resume-recording
    vsc-start-pause-resume-rec|VSC-start-pause-resume-rec|vsc-start-pause-resume-recording
    |VSC-start-pause-resume-recording xmlrpc-callback|XMLRPC-callback
"""
"""Details of something that does not exist, and is reported or refused itself."""


def spelled(setters: dict[str, Setter]) -> dict[bytes, Setter]:
    """Every spelling of ``setters``' rows, with hyphens and with spaces."""
    table: dict[bytes, Setter] = {}
    for row, setter in setters.items():
        for spelling in row.split("|"):
            table[spelling.encode()] = table[spelling.replace("-", " ").encode()] = setter
    return table


def _rows(table: str) -> list[str]:
    return table.replace("\n    |", "|").split()


def _ignore(target: Target, value: Value) -> None:
    pass


KEYS = spelled(dict.fromkeys(_rows(REFINING), _ignore)
               | {row: unsupported_key(row.split("|")[0]) for row in _rows(PLANNED)})
KEYS |= spelled(IMPLEMENTED)


def set_key(target: Target, key: bytes, value: Value) -> None:
    """Give ``value`` to the field of ``key``; a key that nobody knows is only noted."""
    setter = KEYS.get(key) or KEYS.get(hyphened(key))
    if setter is None:
        target.unknown(text(key))
    else:
        target.key = key
        setter(target, value)
