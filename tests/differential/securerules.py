# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this daemon differs from Debian's 10.5 on purpose in what it says of keys, each with the reason."""
from __future__ import annotations

import re
from collections.abc import Callable

from tests.differential.lines import Lines, Message, Past, has, without

Rule = Callable[[Lines, Lines, Message, Past], None]


def _connection_name(reference: Lines, ours: Lines, message: Message, past: Past) -> None:
    """10.5 names connections of DTLS only to those who have named theirs, and repeats the name of a session."""
    for lines in (reference, ours):
        for part in (lines.session, *lines.sections):
            without(part, "tls-id:")


def _groups(reference: Lines, ours: Lines, message: Message, past: Past) -> None:
    """10.5 hands on groups of sections, which do not share a port here."""
    for lines in (reference, ours):
        without(lines.session, "group:")


def _aead(reference: Lines, ours: Lines, message: Message, past: Past) -> None:
    """10.5 has AEAD without encryption or authentication, of which RFC 7714 knows nothing."""
    for section in reference.sections:
        section[:] = [re.sub(r" UNENCRYPTED_SRTP(?= |$)| UNAUTHENTICATED_SRTP$", "", line)
                      if " AEAD_" in line and line.startswith("a=crypto:") else line for line in section]


def _parameters(reference: Lines, ours: Lines, message: Message, past: Past) -> None:
    """10.5 accepts a suite without its session parameters if the key is its own, and so offers it again."""
    if "to-tag" in message:
        for lines in (reference, ours):
            for section in lines.sections:
                section[:] = [re.sub(r"( UN[A-Z]+_SRTC?P)+$", "", line) if line.startswith("a=crypto:") else line
                              for line in section]


def _suites(reference: Lines, ours: Lines, message: Message, past: Past) -> None:
    """10.5 offers suites again to a party that has chosen DTLS of both."""
    if "to-tag" in message and message["command"] == "offer":
        for one, other in zip(reference.sections, ours.sections):
            if has(other, "fingerprint:") and not has(other, "crypto:"):
                without(one, "crypto:")


def _unasked(reference: Lines, ours: Lines, message: Message, past: Past) -> None:
    """10.5 answers a party that offers DTLS alone with all suites that it was offered before, if any were."""
    if message["command"] == "answer":
        offer = Lines.of(past.offer["sdp"])
        for index, (one, other) in enumerate(zip(reference.sections, ours.sections)):
            if offer.has(index, "fingerprint:") and not offer.has(index, "crypto:") and has(one, "crypto:"):
                without(one, "crypto:")
                without(other, "setup:", "fingerprint:")


def _forbidden(reference: Lines, ours: Lines, message: Message, past: Past) -> None:
    """10.5 has no key at all for a party whose only suites may not be accepted; later ones take its first all the same.
    """
    if message["command"] == "answer" and any(word.startswith("no-") for word in past.offer.get("SDES", ())):
        for index, (one, other) in enumerate(zip(reference.sections, ours.sections)):
            if not has(one, "crypto:") and not has(one, "fingerprint:") and has(other, "crypto:"):
                past.unkeyed.add(index)
    for lines in (reference, ours):
        for index in past.unkeyed:
            without(lines.sections[index] if index < len(lines.sections) else [], "crypto:")


def _kept_key(reference: Lines, ours: Lines, message: Message, past: Past) -> None:
    """10.5 goes on with the key that it has once answered a suite with, later ones hand on the answerer's new one."""
    if message["command"] == "answer":
        for index, (one, other) in enumerate(zip(reference.sections, ours.sections)):
            for number, line in enumerate(one):
                if not line.startswith("a=crypto:"):
                    continue
                words = line.partition("|")[0].split(" ")[:3]
                if past.keys.setdefault((message["from-tag"], index), words) == words:
                    one[number] = " ".join(words[:2])
                    other[:] = [one[number] if each.startswith(one[number] + " ") else each for each in other]
                past.keys[message["from-tag"], index] = words


def _hash(reference: Lines, ours: Lines, message: Message, past: Past) -> None:
    """10.5 goes on with the hash of an earlier offer, even if the section was rejected, and with DTLS alone; later ones
    answer with the hash of the fingerprint offered.
    """
    offer = Lines.of(past.offer["sdp"] if message["command"] == "answer" else "")
    said = Lines.of(message["sdp"] if message["command"] == "answer" else "")
    past.rehashed |= {index for index in range(len(said.sections)) if not said.has(index, "fingerprint:")}
    for index, (one, other) in enumerate(zip(reference.sections, ours.sections)):
        if index in past.rehashed and not offer.sections and has(one, "fingerprint:") and not has(one, "crypto:"):
            without(other, "crypto:")
        shown = [line.split(" ")[0] for line in other if line.startswith("a=fingerprint:")]
        if shown and (index in past.rehashed or offer.has(index, shown[0].removeprefix("a="))):
            past.rehashed.add(index)
            for section in (one, other):
                section[:] = ["a=fingerprint:" if line.startswith("a=fingerprint:") else line for line in section]
        if other[0].split(" ")[1] == "0":
            past.rehashed.add(index)


def _profile(reference: Lines, ours: Lines, message: Message, past: Past) -> None:
    """10.5 answers plain RTP with keys under another plain profile at times, later ones under that of the offer."""
    if message["command"] == "answer":
        for one, other, said in zip(reference.sections, ours.sections, Lines.of(past.offer["sdp"]).sections):
            words, offered = one[0].split(" "), said[0].split(" ")[2]
            if {words[2], offered} == {"RTP/AVP", "RTP/AVPF"} and other[0].split(" ")[2] == offered:
                one[0] = " ".join([*words[:2], offered, *words[3:]])


SECURE: tuple[Rule, ...] = (_connection_name, _groups, _aead, _parameters, _suites, _unasked, _forbidden, _kept_key,
                            _hash, _profile)


def common(reference: str, ours: str) -> str:
    """The offer of the reference with no way of encryption that we do not offer as well."""
    sides = Lines.of(reference), Lines.of(ours)
    _aead(*sides, {}, Past())
    for one, other in zip(*(side.sections for side in sides)):
        for ways in (("crypto:",), ("fingerprint:", "setup:")):
            if not has(other, ways[0]):
                without(one, *ways)
    return sides[0].text
