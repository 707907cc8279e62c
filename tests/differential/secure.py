# SPDX-License-Identifier: GPL-3.0-or-later
"""Random calls of phones and browsers that encrypt by SDES, by DTLS or by both, with ICE and over any profile."""
from __future__ import annotations

import random
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from controlplane.srtp.crypto import crypto_text, fresh
from tests.differential.bodies import Body, Section
from tests.differential.dialogues import MUX, Dialogue, Message
from tests.differential.keys import OFFERED, OTHERS, TAILS

PROFILES = ("RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF")
HASHES = {"sha-1": 20, "sha-256": 32, "sha-384": 48, "sha-512": 64}
KEYS = {"RTP": ("", "", "", "sdes", "dtls"), "RTP/SAVP": ("sdes", "sdes", "sdes", "dtls", "both"),
        "UDP/TLS": ("dtls", "dtls", "dtls", "both", "sdes")}
FORMATS = {"audio": ("0", "8"), "video": ("34",)}
_DTLS = ("a=fingerprint:", "a=setup:", "a=tls-id:")
SUITES = tuple(suite.name for suite in OFFERED)


@dataclass(frozen=True, slots=True)
class Phone:
    """One end and what it says next; ``keys``: sdes, dtls, both or none; ``seed`` makes its keys and names.

    ``elsewhere``: its candidates are not where the SDP says (RFC 8839 section 4.2.5); ``bundle``: it groups sections;
    ``second`` is the profile of the second one if that is not ``profile``.
    """

    tag: str
    address: str
    profile: str
    keys: str
    kinds: tuple[str, ...]
    port: int
    suites: tuple[int, ...] = (0,)
    first: int = 1
    tail: str = ""
    padded: bool = False
    hash: str = "sha-256"
    setup: str = "actpass"
    tls_id: bool = False
    ice: str = ""
    mux: bool = False
    rtcp: bool = False
    mids: bool = False
    held: str = ""
    in_session: bool = False
    version: int = 1
    seed: int = 0
    ice_seed: int = 0
    certificate: int = 0
    elsewhere: bool = False
    bundle: bool = False
    second: str = ""

    @property
    def text(self) -> str:
        """Its session description."""
        shared = [*self._dtls(), *self._ice()]
        sections = tuple(self._section(number, kind, [] if self.in_session else shared)
                         for number, kind in enumerate(self.kinds))
        head = ["ice-lite"] if self.ice == "lite" else []
        if self.bundle and self.mids and self.mux:
            head.append("group:BUNDLE " + " ".join(map(str, range(len(self.kinds)))))
        return Body(self.address, self.version, sections, (),
                    tuple(head + (shared if self.in_session else []))).text

    def _section(self, number: int, kind: str, shared: list[str]) -> Section:
        port = self.port + 100 * number
        mid = [f"mid:{number}"] if self.mids else []
        if kind == "image":
            return Section("image", "udptl", port, ("t38",), ("T38FaxVersion:0", *mid))
        if kind == "data":
            return Section("application", "UDP/DTLS/SCTP", port, ("webrtc-datachannel",), ("sctp-port:5000", *mid))
        refused, kind = kind.startswith("no "), kind.removeprefix("no ")
        lines = [*mid, *self._crypto(number), *shared, *self._candidates(port), *(["rtcp-mux"] if self.mux else []),
                 *([f"rtcp:{port + 1}"] if self.rtcp else [])]
        profile = self.second if self.second and number else self.profile
        return Section(kind, profile, 0 if refused else port, FORMATS[kind], tuple(lines), self.held or None)

    def _crypto(self, number: int) -> list[str]:
        if self.keys not in ("sdes", "both"):
            return []
        source = random.Random(f"{self.tag} {self.seed} {number}")
        found = []
        for tag, index in enumerate(self.suites, self.first):
            suite = OFFERED[index]
            found.append(crypto_text(fresh(tag, suite, source), pad=self.padded)
                         + ("" if suite.is_aead and "UN" in self.tail else self.tail))
        return found

    def _dtls(self) -> list[str]:
        if self.keys not in ("dtls", "both"):
            return []
        octets = random.Random(self.certificate).randbytes(HASHES[self.hash])
        found = [f"fingerprint:{self.hash} " + ":".join(f"{octet:02X}" for octet in octets)]
        found += [f"setup:{self.setup}"] if self.setup else []
        return found + ([f"tls-id:{random.Random(self.seed).getrandbits(128):032x}"] if self.tls_id else [])

    def _ice(self) -> list[str]:
        if not self.ice:
            return []
        found = [f"ice-ufrag:uf{self.ice_seed:04}", f"ice-pwd:pwd{self.ice_seed:04}aaaaaaaaaaaaaaaaaaaa"]
        return found + {"trickle": ["ice-options:trickle"], "ice2": ["ice-options:ice2 trickle"]}.get(self.ice, [])

    def _candidates(self, port: int) -> list[str]:
        if not self.ice:
            return []
        ports = [(1, port)] + ([] if self.mux else [(2, port + 1)])
        address = "203.0.113.44" if self.elsewhere else self.address
        found = [f"candidate:1 {component} UDP {2130706432 - component} {address} {at} typ host"
                 for component, at in ports]
        if self.ice == "full":
            found += [f"candidate:2 {component} UDP {1694498816 - component} 203.0.113.9 {at} typ srflx raddr "
                      f"{self.address} rport {at}" for component, at in ports]
        return found + (["end-of-candidates"] if self.ice == "ice2" else [])


@st.composite
def phones(draw: st.DrawFn, tag: str, profile: str, kinds: tuple[str, ...], setups: tuple[str, ...]) -> Phone:
    """Any end with sections of these kinds."""
    keys = KEYS["UDP/TLS" if profile.startswith("UDP") else "RTP/SAVP" if "SAVP" in profile else "RTP"]
    return Phone(
        tag, draw(st.sampled_from({"A": ("192.0.2.10", "192.0.2.11", "2001:db8::10"),
                                   "B": ("198.51.100.20", "198.51.100.20", "2001:db8::20")}[tag])),
        profile, draw(st.sampled_from(keys)), kinds, {"A": 4000, "B": 5000}[tag],
        tuple(draw(st.lists(st.integers(0, len(OFFERED) - 1), min_size=1, max_size=4, unique=True))),
        draw(st.sampled_from([1, 1, 1, 5, 120])), draw(st.sampled_from(TAILS)), draw(st.booleans()),
        draw(st.sampled_from(["sha-256", "sha-256", "sha-256", *HASHES])), draw(st.sampled_from(setups)),
        draw(st.integers(0, 2)) == 0, draw(st.sampled_from(["", "", "", "full", "host", "lite", "trickle", "ice2"])),
        draw(st.booleans()), draw(st.integers(0, 4)) == 0, draw(st.booleans()),
        draw(st.sampled_from(["", "", "", "", "sendonly", "recvonly", "inactive"])), draw(st.integers(0, 3)) == 0,
        draw(st.integers(1, 9)), *draw(st.tuples(*[st.integers(0, 99)] * 3)), draw(st.integers(0, 9)) == 0,
        draw(st.integers(0, 3)) == 0)


@st.composite
def changed(draw: st.DrawFn, phone: Phone) -> Phone:
    """What the same end might say later: the same, moved, held, with other keys, with ICE restarted."""
    for how in draw(st.lists(st.sampled_from(
            ["port", "hold", "keys", "suites", "restart", "certificate", "connection", "setup", "refused", "mux"]),
            max_size=2, unique=True)):
        if how == "port":
            phone = replace(phone, port=phone.port + 20)
        elif how == "hold":
            phone = replace(phone, held=draw(st.sampled_from(["", "sendonly", "inactive", "sendrecv"])))
        elif how in ("keys", "connection"):
            phone = replace(phone, seed=phone.seed + 100)
        elif how == "suites":
            phone = replace(phone, suites=tuple(draw(st.permutations(phone.suites)))[:draw(st.integers(1, 4))])
        elif how == "restart":
            phone = replace(phone, ice_seed=phone.ice_seed + 100)
        elif how == "certificate":
            phone = replace(phone, certificate=phone.certificate + 100)
        elif how == "setup":
            phone = replace(phone, setup=draw(st.sampled_from(["actpass", "active", "passive"])))
        elif how == "mux":
            phone = replace(phone, mux=not phone.mux)
        elif how == "refused":
            kinds = list(phone.kinds)
            kinds[-1] = kinds[-1].removeprefix("no ") if kinds[-1].startswith("no ") else \
                f"no {kinds[-1]}" if kinds[-1] in FORMATS else kinds[-1]
            phone = replace(phone, kinds=tuple(kinds))
    return replace(phone, version=phone.version + 1)


@st.composite
def _sdes(draw: st.DrawFn, command: str) -> list[str]:
    some = draw(st.lists(st.sampled_from(SUITES), min_size=1, max_size=3, unique=True))
    words = [[], [], [], [], ["pad"], ["lifetime"], ["pad", "lifetime"], ["off"]]
    if command == "offer":
        words += [[f"no-{name}" for name in some[:2]], [f"no-{name}" for name in OTHERS], ["unencrypted_srtp"],
                  ["unencrypted_srtcp", "unauthenticated_srtp"], ["encrypted_srtcp"]]
    else:
        words += [["static"]]
    return draw(st.sampled_from(words))


@st.composite
def _options(draw: st.DrawFn, command: str) -> Message:
    found: Message = {}
    sdes = draw(_sdes(command))
    if sdes:
        found["SDES"] = sdes
    found |= draw(st.sampled_from([{}] * 4 + [{"DTLS": "off"}]))
    found |= draw(st.sampled_from([{}] * 5 + [{"DTLS-fingerprint": "sha-1"}, {"DTLS-fingerprint": "SHA-512"}]))
    if command == "offer":
        found |= draw(st.sampled_from([{}] * 2 + [{"ICE": word} for word in (
            "remove", "force", "default")] * 3 + [{"ICE": "optional"}]))
    found |= draw(st.sampled_from([{}] * 9 + [{"address family": "IP6"}, {"media address": "203.0.113.77"}]))
    if command == "offer":
        found |= draw(st.sampled_from([{}] * 6 + [{"OSRTP": ["offer"]}]))
        found |= draw(st.sampled_from([{}] * 9 + [{"ICE-lite": word} for word in ("forward", "backward", "both")]))
    else:
        found |= draw(st.sampled_from([{}] * 4 + [{"OSRTP": ["accept"]}]))
    more = ["trickle-ICE", "reset"] if command == "offer" else []
    flags = draw(st.lists(st.sampled_from([*more, "generate-mid", "symmetric",
                                           "ICE-reject", "no-rtcp-attribute", "full-rtcp-attribute",
                                           "SIP-source-address", "trust-address"]), max_size=1))
    if flags:
        found["flags"] = flags
    if "SIP-source-address" in flags:
        found["received from"] = ["IP4", "192.0.2.99"]
    return found


@st.composite
def secured(draw: st.DrawFn) -> Dialogue:
    """A call between A and B of one to three offers, most of them answered."""
    kinds = draw(st.sampled_from([("audio",)] * 6 + [("audio", "video")] * 2 + [
        ("audio", "image"), ("audio", "data"), ("audio", "no video")]))
    profiles = {tag: draw(st.sampled_from(PROFILES)) for tag in "AB"}
    ends = {"A": draw(phones("A", profiles["A"], kinds, ("actpass", "actpass", "actpass", "active", "passive"))),
            "B": draw(phones("B", profiles["B"], kinds, ("active", "active", "passive")))}
    messages: list[Message] = []
    caller, callee, answered = "A", "B", False
    mux = draw(st.sampled_from(MUX))
    role: Message = draw(st.sampled_from([{}] * 6 + [{"DTLS": "passive"}, {"DTLS": "active"}]))
    bridged = draw(st.booleans()) or profiles["A"] != profiles["B"]
    for _ in range(draw(st.integers(1, 3))):
        message: Message = {"command": "offer", "from-tag": caller, "sdp": ends[caller].text, **draw(_options("offer"))}
        if message.get("ICE") == "optional" and ends[caller].ice:
            del message["ICE"]  # 10.5 has another way of leaving ICE to both ends
        if bridged and draw(st.integers(0, 5)):
            message["transport protocol"] = profiles[callee]
        message |= role  # 10.5 looks for it in the answer, later ones in the offer
        message |= ({"to-tag": callee} if answered else {}) | ({"rtcp-mux": mux} if mux else {})
        messages.append(message)
        ends[callee] = replace(ends[callee], kinds=ends[caller].kinds, setup=draw(st.sampled_from(
            ["active", "active", "passive"])) if ends[callee].setup == "actpass" else ends[callee].setup)
        if draw(st.integers(0, 5)):
            messages.append({"command": "answer", "from-tag": caller, "to-tag": callee, "sdp": ends[callee].text,
                             **draw(_options("answer")), **role})
            answered = True
        if answered and draw(st.booleans()):
            caller, callee = callee, caller
        ends[caller] = draw(changed(ends[caller]))
    return Dialogue(tuple(messages))


def fitting_ways(answer: str, offered: str) -> str:
    """``answer`` with the profiles ``offered`` and keys of a kind that was, by DTLS if need be, and ICE if that was."""
    parts, sections = answer.split("\r\nm="), offered.split("\r\nm=")
    inherited = parts[0].split("\r\n")
    for index, (part, section) in enumerate(zip(parts, sections)):
        shown = f"{sections[0]}\r\n{section}"
        unwanted = (_DTLS if "\r\na=fingerprint:" not in offered else ()) + (
            ("a=ice-", "a=candidate:", "a=end-of-candidates") if "\r\na=ice-ufrag:" not in offered else ())
        if "\r\na=crypto:" in (part if index else answer):
            unwanted += _DTLS
        lines = [line for line in part.split("\r\n") if not line.startswith(unwanted or ("\n",))]
        if index and section.split(" ")[1] != "0":
            words = lines[0].split(" ")
            lines[0] = " ".join([*words[:2], section.split(" ")[2], *words[3:]])
            has_keys = any(line.startswith(("a=crypto:", "a=fingerprint:")) for line in (*inherited, *lines))
            if "SAVP" in lines[0] and words[1] != "0" and not has_keys:
                end = len(lines) - (not lines[-1])
                lines[end:end] = _accepted(shown)
        parts[index] = "\r\n".join(lines)
        inherited = parts[0].split("\r\n")
    return "\r\nm=".join(parts)


def _accepted(offered: str) -> list[str]:
    """The first way in which a section may be encrypted."""
    if "\r\na=fingerprint:" in offered:
        return ["a=fingerprint:sha-256 " + ":".join(["AB"] * 32), "a=setup:active"]
    found = [line for line in offered.split("\r\n") if line.startswith("a=crypto:")]
    return found[:1]
