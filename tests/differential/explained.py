# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this daemon differs from Debian's 10.5 on purpose: it follows the later protocol, each with the reason."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.differential.lines import Lines, Past, mux_alone, without_mux
from tests.differential.securerules import SECURE

Reply = dict[str, Any]
_ORDER = "vosiuepcbta"


Rule = Callable[[Lines, Lines], None]


def _order(reference: Lines, ours: Lines) -> None:
    """10.5 edits the body it got; later ones print it anew, with the lines in an order of their own."""
    for lines in (reference, ours):
        for part in (lines.session, *lines.sections):
            part[1:] = sorted(part[1:], key=lambda line: (_ORDER.find(line[0]), _rank(line)))


def _rank(line: str) -> str:
    """What sorts a line: of candidates not what each daemon chooses, of keys nothing, for their order is a wish."""
    if line.startswith("a=crypto:"):
        return "a=crypto:"
    if line.startswith("a=candidate:"):
        words = line.split(" ")
        return " ".join(["a=candidate:", *words[1:5]])
    return line


def _connection(reference: Lines, ours: Lines) -> None:
    """10.5 leaves c= where it was, in the session with the address of the first section; later ones have it in each."""
    reference.session[:] = [line for line in reference.session if not line.startswith("c=")]
    for one, other in zip(reference.sections, ours.sections):
        if not any(line.startswith("c=") for line in one):
            other[:] = [line for line in other if not line.startswith("c=")]


def _bandwidth(reference: Lines, ours: Lines) -> None:
    """10.5 hands on bandwidth types that it does not know."""
    for section in reference.sections:
        section[:] = [line for line in section if not line.startswith("b=X:")]


def _opaque(reference: Lines, ours: Lines) -> None:
    """10.5 adds direction, mid and ICE to sections that are not RTP, later ones repeat the attributes as they are."""
    for lines in (reference, ours):
        for section in lines.sections:
            if "RTP/" not in section[0]:
                section[:] = [line for line in section if line not in _DIRECTIONS and not line.startswith(
                    ("a=mid:", "a=ice-", "a=candidate:", "a=end-of-candidates"))]


def _rejected(reference: Lines, ours: Lines) -> None:
    """10.5 repeats the attributes of rejected sections and, in answers, the formats of the answerer."""
    for lines in (reference, ours):
        for section in lines.sections:
            if section[0].split(" ")[1] == "0":
                section[:] = [section[0].split(" ")[0]]


def _session_direction(reference: Lines, ours: Lines) -> None:
    """10.5 leaves the direction in the session, and has it in the sections as well."""
    reference.session[:] = [line for line in reference.session if line not in _DIRECTIONS]


def _empty(reference: Lines, ours: Lines) -> None:
    """If no codec is left 10.5 prints a section without formats, later ones restore all."""
    for one, other in zip(reference.sections, ours.sections):
        if one[0].endswith(" "):
            one[:] = other[:] = one[:1]


def _trickling(reference: Lines, ours: Lines, wanted: bool) -> None:
    """10.5 tells that it trickles to whomever a party that does so calls, or where there is no ICE, and ends the list
    of candidates in every answer.
    """
    for lines in (reference, ours):
        for section in lines.sections:
            if wanted and any(line.startswith("a=ice-ufrag:") for line in section):
                continue
            section[:] = [line for line in section
                          if line != "a=end-of-candidates" and not line.startswith("a=ice-options:")]


_DIRECTIONS = frozenset(("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"))


def _origin(reference: Lines, ours: Lines) -> None:
    """With replace=origin 10.5 shows the address of this message's interface, later ones stay with the first shown."""
    for lines in (reference, ours):
        lines.session[:] = [" ".join(line.split(" ")[:3]) if line.startswith("o=") else line for line in lines.session]


def _fewer(reference: Lines, ours: Lines, message: dict[str, Any]) -> None:
    """Sections that a body no longer has are gone in 10.5, later ones repeat them."""
    del ours.sections[max(len(reference.sections), message["sdp"].count("\nm=")):]


RULES: tuple[Rule, ...] = (_connection, _bandwidth, _opaque, _rejected, _session_direction, _empty, _order)


def _original_direction(reference: Lines, ours: Lines) -> None:
    """With original-sendrecv 10.5 leaves the direction where it was, later ones have it in the sections."""
    for lines in (reference, ours):
        for section in lines.sections:
            section[:] = [line for line in section if line not in _DIRECTIONS]


def _reused(reference: Lines, ours: Lines) -> None:
    """Codecs that are reused have order and parameters of the offer in 10.5, those of the answer in later ones."""
    for lines in (reference, ours):
        for section in lines.sections:
            words = section[0].split(" ")
            section[0] = " ".join(words[:3] + sorted(words[3:]))
            section[:] = [line for line in section if not line.startswith(("a=fmtp:", "a=rtcp-fb:"))]


def _multiplexed_before(reference: Lines, ours: Lines) -> None:
    """If one section goes on to multiplex, 10.5 has the following ones do so too."""
    found = False
    for one, other in zip(reference.sections, ours.sections):
        if found:
            without_mux(one)
            without_mux(other)
        found = found or "a=rtcp-mux" in one


def _declined(reference: Lines, ours: Lines) -> None:
    """10.5 takes a party that was offered to multiplex for one that does, even if it has declined since."""
    for one, other in zip(reference.sections, ours.sections):
        if mux_alone(one) and not mux_alone(other):
            without_mux(one)
            without_mux(other)


def _added(reference: Lines, ours: Lines, message: dict[str, Any]) -> None:
    """10.5 adds telephone-event for a clock rate that has none, and converts it; here nothing is converted yet."""
    for one, other, sent in zip(reference.sections, ours.sections, Lines.of(message["sdp"]).sections):
        events = [line for line in one if line.startswith("a=rtpmap:") and " telephone-event/" in line]
        if set(events) - set(sent):
            for section in (one, other):
                section[:] = [" ".join(section[0].split(" ")[:3]), *[
                    line for line in section[1:] if not line.startswith(("a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"))]]


def _version(reference: Lines, ours: Lines) -> None:
    """Ports that stay since 11.4 are no change of the body, so an own version differs."""
    for lines in (reference, ours):
        lines.session[:] = ["o=" if line.startswith("o=") else line for line in lines.session]


def _packet_time(reference: Lines, ours: Lines) -> None:
    """An answer without ptime: 10.5 shows that of an earlier answer, later ones what the offerer has said itself."""
    for lines in (reference, ours):
        for section in lines.sections:
            section[:] = [line for line in section if not line.startswith("a=ptime:")]


def keeps_ports(message: dict[str, Any]) -> bool:
    """True if the ports of the next reply may be other ones: since 11.4 they stay on hold and with port-latching."""
    return bool({"port-latching"} & set(message.get("flags", ())) or re.search(
        r"^a=(?:sendonly|inactive)|^c=IN IP. (?:::|0\.0\.0\.0)\r", message["sdp"], re.M))


def moves(message: dict[str, Any], ours: Reply, past: Past) -> bool:
    """True if the party that is told this gets other ports here, and keeps those it had with 10.5."""
    told = Lines.of(ours.get("sdp", ""))
    party = message["from-tag"] if message["command"] == "answer" else message.get("to-tag", "")
    return any([_widens(told, party, message, past), _resumes(told, party, message, past)])


def _widens(told: Lines, party: str, message: dict[str, Any], past: Past) -> bool:
    """RTCP gets a port of its own after it had none: 10.5 kept the one from before, later ones have closed it."""
    alone = {(party, index) for index, section in enumerate(told.sections) if mux_alone(section)}
    wide = {(party, index) for index, section in enumerate(told.sections) if section[0].split(" ")[1] != "0"} - alone
    found = bool(wide & past.narrowed)
    past.narrowed = (past.narrowed | alone) - wide
    if message["command"] == "answer":
        past.narrowed |= {(message["to-tag"], index) for index, section in enumerate(Lines.of(message["sdp"]).sections)
                          if "a=rtcp-mux" in section}
    return found


_OFFERED = ("ice-ufrag:", "crypto:")


def _resumes(told: Lines, party: str, message: dict[str, Any], past: Past) -> bool:
    """ICE or keys are offered again to whom has answered without: 10.5 goes on as before, later ones begin anew."""
    sections = range(len(told.sections))
    offered = {(party, index, name) for index in sections for name in _OFFERED if told.has(index, name)}
    found = message["command"] == "offer" and bool(offered & past.unanswered)
    past.unanswered = {each for each in past.unanswered if each[0] != party}
    if message["command"] == "answer":
        said = Lines.of(message["sdp"])
        past.unanswered |= {(message["to-tag"], index, name) for index in sections for name in _OFFERED
                            if not said.has(index, name)}
    return found


def without_names(reply: Reply) -> Reply:
    """10.5 remembers the names of sessions that later ones have not shown, as all of their sections were rejected."""
    return {key: re.sub(r"^[os]=.*", "", value, flags=re.M) if key == "sdp" else value for key, value in reply.items()}


def explain(message: dict[str, Any], reference: Reply, ours: Reply, past: Past = Past()) -> tuple[Reply, Reply]:
    """Both replies without what may differ, after what is ``past``."""
    printed = re.search(r"^m=\S+ [1-9]", reference.get("sdp", ""), re.M)
    if ours.get("error-reason") == "Error rewriting SDP" and not printed:
        past.rehashed |= set(range(message["sdp"].count("\nm=")))
        return {}, {}  # 10.5 prints bodies in which all sections are rejected
    if past.edited and reference.get("error-reason") == "Error rewriting SDP" and "sdp" in ours:
        return {}, {}  # 10.5 fails if an answer is left without codecs, later ones restore them
    if "sdp" not in reference or "sdp" not in ours:
        return reference, ours
    sides = Lines.of(reference["sdp"]), Lines.of(ours["sdp"])
    if "sdp-version" in message.get("replace", ()):
        _version(*sides)
    elif "origin" in message.get("replace", ()):
        _origin(*sides)
    _fewer(*sides, message)
    for section in [lines.sections[index] for lines in sides for index in past.astray if index < len(lines.sections)]:
        without_mux(section)
    flags = message.get("flags", ())
    if "original-sendrecv" in flags:
        _original_direction(*sides)
    if "reuse-codecs" in flags:
        _reused(*sides)
    if message["command"] == "offer":
        _multiplexed_before(*sides)
        _declined(*sides)
    _trickling(*sides, "trickle-ICE" in flags)
    for secure in SECURE:
        secure(*sides, message, past)
    if "codec" in message:
        _added(*sides, message)
    if message["sdp"].count("\na=ptime:") < message["sdp"].count("\nm="):
        _packet_time(*sides)
    for rule in RULES:
        rule(*sides)
    return {**reference, "sdp": sides[0].text}, {**ours, "sdp": sides[1].text}
