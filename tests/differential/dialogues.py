# SPDX-License-Identifier: GPL-3.0-or-later
"""Random calls: offers, answers, renegotiations in both directions, forks, with options that both daemons know."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.differential.bodies import Body, answers, changed, offers

Message = dict[str, Any]

FLAGS = ("trust-address", "symmetric", "asymmetric", "strict-source", "media-handover", "unidirectional",
         "no-rtcp-attribute", "full-rtcp-attribute", "original-sendrecv", "generate-mid", "reset",
         "allow-asymmetric-codecs", "port-latching", "SIP-source-address")
MUX = ([], [], [], ["require"], ["demux"], ["accept"], ["reject"], ["demux", "reject"])
REPLACE = ([], [], ["origin"], ["origin", "session-connection"], ["session-name"], ["zero-address"],
           ["sdp-version"], ["origin", "sdp-version"])
CODEC_RULES = ({}, {}, {"strip": ["PCMA"]}, {"strip": ["all"], "offer": ["PCMU", "G722"]},
               {"strip": ["all"], "except": ["PCMA", "opus"]}, {"strip": ["opus", "speex/16000"]}, {"mask": ["PCMU"]},
               {"strip": ["G722"], "offer": ["PCMA"]})
"""Not with supplemental codecs: which of those are there then is another matter in each version."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The messages of one call in their order."""

    messages: tuple[Message, ...]


@st.composite
def _options(draw: st.DrawFn, command: str, edits: bool) -> Message:
    found: Message = {}
    flags = draw(st.lists(st.sampled_from([*FLAGS, "single-codec" if edits else "reuse-codecs"]), max_size=3,
                          unique=True))
    rules = draw(st.sampled_from(CODEC_RULES)) if edits else {}
    if rules:
        found["codec"] = rules
    if command == "answer":
        flags = [flag for flag in flags if flag != "reuse-codecs"]
        if "mask" in rules:
            del found["codec"]
    if flags:
        found["flags"] = flags
    found |= draw(st.sampled_from([{}] * 6 + [{"address family": "IP6"}, {"address family": "IP4"}, {"ICE": "remove"},
                                              {"media address": "203.0.113.77"}, {"direction": ["one", "two"]}]))
    if command == "offer":
        found |= draw(st.sampled_from([{}] * 6 + [{"transport protocol": "RTP/AVPF"},
                                                  {"transport protocol": "RTP/AVP"}]))
    if "SIP-source-address" in flags:
        found["received from"] = ["IP4", "192.0.2.99"]
    return found


@st.composite
def dialogues(draw: st.DrawFn) -> Dialogue:
    """A call between A and B of one to six messages."""
    edits = draw(st.booleans())
    bodies: dict[str, Body] = {"A": draw(offers(not edits))}
    messages: list[Message] = []
    answered = False
    caller, callee = "A", "B"
    mux, words = draw(st.sampled_from(MUX)), draw(st.sampled_from(REPLACE))
    replacing: Message = {"replace": words} if words else {}
    for _ in range(draw(st.integers(1, 3))):
        message: Message = {"command": "offer", "from-tag": caller, "sdp": bodies[caller].text}
        if answered:
            message["to-tag"] = callee
        messages.append(message | draw(_options("offer", edits)) | replacing | ({"rtcp-mux": mux} if mux else {}))
        replies = draw(st.sampled_from([0, 1, 1, 1, 1, 2]))
        if replies:
            bodies[callee] = draw(answers(bodies[caller]))
            messages += [{"command": "answer", "from-tag": caller, "to-tag": callee, "sdp": bodies[callee].text}
                         | replacing | draw(_options("answer", edits))] * replies
            answered = True
        elif mux or "rtcp-mux" in bodies[caller].text:
            break  # 10.5 has all sections multiplex in a second offer if one of them did in the first
        if answered and draw(st.booleans()):
            caller, callee = callee, caller
        bodies[caller] = draw(changed(bodies[caller], not edits))
    return Dialogue(tuple(messages))
