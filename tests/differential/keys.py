# SPDX-License-Identifier: GPL-3.0-or-later
"""Random calls with SRTP: profiles, suites and keys of both ends, and the options about them that both daemons know."""
from __future__ import annotations

import random

from hypothesis import strategies as st

from controlplane.srtp.crypto import crypto_text, fresh
from controlplane.srtp.suites import SUITES
from tests.differential.bodies import Body, Section
from tests.differential.dialogues import Dialogue, Message

PROFILES = ("RTP/SAVP", "RTP/SAVP", "RTP/SAVPF", "RTP/AVP", "RTP/AVPF")
OFFERED = [suite for suite in SUITES if not suite.name.startswith(("F8", "NULL"))]
OTHERS = [suite.name for suite in SUITES if suite not in OFFERED]
"""Those that may be forbidden: 10.5 accepts no suite at all if it may not accept the only one offered."""
TAILS = ("", "", "", "", "|2^20", "|2^31|1:4", "|7:2", " UNENCRYPTED_SRTCP", " WSH=64")
JUNK = ("crypto:1 UNKNOWN inline:AAAA", "crypto:x AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        "crypto:2 AES_CM_128_HMAC_SHA1_80 inline:dG9vIHNob3J0")


@st.composite
def _lines(draw: st.DrawFn) -> tuple[str, ...]:
    """Crypto lines as a phone has them: some suites with rising tags."""
    suites = draw(st.lists(st.sampled_from(OFFERED), min_size=1, max_size=4, unique=True))
    first = draw(st.sampled_from([1, 1, 1, 5, 120]))
    source = random.Random(draw(st.integers(0, 1 << 30)))
    found = []
    for tag, suite in enumerate(suites, first):
        tail = draw(st.sampled_from(TAILS))
        text = crypto_text(fresh(tag, suite, source), pad=draw(st.booleans()))
        found.append(text + ("" if suite.is_aead and "UN" in tail else tail))
    return tuple(found + draw(st.sampled_from([[], [], [], [junk] if (junk := draw(st.sampled_from(JUNK))) else []])))


@st.composite
def _body(draw: st.DrawFn, address: str, port: int, profile: str) -> Body:
    lines = draw(_lines()) if "SAVP" in profile else ()
    return Body(address, draw(st.integers(1, 9)), (Section("audio", profile, port, ("0", "8"), lines),))


@st.composite
def _options(draw: st.DrawFn, command: str) -> Message:
    words = draw(st.sampled_from([[], [], [], ["pad"], ["lifetime"], ["pad", "lifetime"]]))
    if command == "offer":  # in answers 10.5 reads something else into the rest
        words = words + draw(st.sampled_from([[], [], ["unencrypted_srtcp"], ["encrypted_srtcp"]]))
        words += [f"no-{name}" for name in draw(st.lists(st.sampled_from(OTHERS), max_size=2, unique=True))]
    return {"DTLS": "off", "ICE": "remove", **({"SDES": words} if words else {})}


@st.composite
def keyed(draw: st.DrawFn) -> Dialogue:
    """A call between A and B with one section, of one to three offers, most of them answered."""
    ends = {"A": ("192.0.2.10", 4000), "B": ("198.51.100.20", 5000)}
    profiles = {tag: draw(st.sampled_from(PROFILES)) for tag in ends}
    messages: list[Message] = []
    caller, callee, answered = "A", "B", False
    bodies = {tag: draw(_body(*ends[tag], profiles[tag])) for tag in ends}
    for _ in range(draw(st.integers(1, 3))):
        message: Message = {"command": "offer", "from-tag": caller, "sdp": bodies[caller].text,
                            "transport protocol": profiles[callee], **draw(_options("offer"))}
        messages.append(message | ({"to-tag": callee} if answered else {}))
        if draw(st.integers(0, 4)):
            messages.append({"command": "answer", "from-tag": caller, "to-tag": callee, "sdp": bodies[callee].text,
                             **draw(_options("answer"))})
            answered = True
        if answered and draw(st.booleans()):
            caller, callee = callee, caller
        if draw(st.booleans()):
            bodies[caller] = draw(_body(*ends[caller], profiles[caller]))
    return Dialogue(tuple(messages))


def fitting_keys(answer: str, offered: str) -> str:
    """Of the crypto lines in each section of ``answer`` the first whose suite was ``offered``, under the tag it had."""
    sections = iter(offered.split("\r\nm=")[1:])
    lines, taken, tags = [], False, dict[str, str]()
    for line in answer.split("\r\n"):
        if line.startswith("m="):
            taken, tags = False, {each.split(" ")[1]: each.split(" ")[0] for each in reversed(
                next(sections, "").split("\r\n")) if each.startswith("a=crypto:")}
        if line.startswith("a=crypto:"):
            words = line.split(" ")
            if taken or len(words) < 3 or words[1] not in tags or len(words[2]) < 20:
                continue
            line, taken = " ".join([tags[words[1]], *words[1:]]), True
        lines.append(line)
    return "\r\n".join(lines)
