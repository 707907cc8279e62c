# SPDX-License-Identifier: GPL-3.0-or-later
"""Random session descriptions that a phone could have sent."""
from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

ADDRESSES = ("192.0.2.10", "198.51.100.20", "2001:db8::30")
ZERO = {"IP4": "0.0.0.0", "IP6": "::"}
CODECS = {
    "audio": ("0", "8", "9", "18", "96 opus/48000/2", "97 speex/16000", "98 X-new/8000", "101 telephone-event/8000",
              "102 telephone-event/48000", "13", "3", "103 iLBC/8000"),
    "video": ("97 VP8/90000", "98 H264/90000", "99 VP8/90000", "34", "31"),
    "text": ("98 t140/1000", "100 t140c/1000"),
    "application": ("107 H224/4800",),
}
SUPPLEMENTAL = ("101", "102", "13")
FMTP = {"101": "0-15", "102": "0-16", "96": "useinbandfec=1", "18": "annexb=no", "98": "profile=1;x=2",
        "103": "mode=30"}
LINES = ("x-note:keep", "x-flag", "rtcp-rsize", "framerate:15", "ssrc:1 cname:x", "msid:a b", "X-UP:lo wer",
         "rtcp-fb:* nack", "quality:5", "x-note:keep")
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(frozen=True, slots=True)
class Section:
    """One m-section; ``codecs`` as in CODECS, ``lines`` are attributes; ``held``: its own c= with a zero address."""

    kind: str
    protocol: str
    port: int
    codecs: tuple[str, ...]
    lines: tuple[str, ...] = ()
    direction: str | None = None
    own_address: bool = False
    held: bool = False
    bandwidth: str | None = None
    title: str | None = None
    with_maps: bool = True

    @property
    def rtp(self) -> bool:
        return self.protocol.startswith("RTP/")

    def text(self, address: str) -> list[str]:
        """Its lines."""
        family = "IP6" if ":" in address else "IP4"
        formats = " ".join(codec.split()[0] for codec in self.codecs)
        found = [f"m={self.kind} {self.port} {self.protocol} {formats}"]
        found += [f"i={self.title}"] if self.title else []
        if self.held:
            found.append(f"c=IN {family} {ZERO[family]}")
        elif self.own_address:
            found.append(f"c=IN {family} {address}")
        found += [f"b={self.bandwidth}"] if self.bandwidth else []
        for codec in self.codecs if self.rtp else ():
            number, _, mapping = codec.partition(" ")
            if mapping:
                found.append(f"a=rtpmap:{codec}")
            if number in FMTP and self.with_maps:
                found.append(f"a=fmtp:{number} {FMTP[number]}")
        found += [f"a={line}" for line in self.lines]
        return found + ([f"a={self.direction}"] if self.direction else [])


@dataclass(frozen=True, slots=True)
class Body:
    """One description; ``head`` are lines between s= and t=, ``lines`` session attributes."""

    address: str
    version: int
    sections: tuple[Section, ...]
    head: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    name: str = "-"

    @property
    def text(self) -> str:
        family = "IP6" if ":" in self.address else "IP4"
        found = ["v=0", f"o=user 77 {self.version} IN {family} {self.address}", f"s={self.name}", *self.head]
        found += [f"c=IN {family} {self.address}", "t=0 0", *(f"a={line}" for line in self.lines)]
        for section in self.sections:
            found += section.text(self.address)
        return "\r\n".join([*found, ""])


def _ports() -> st.SearchStrategy[int]:
    return st.integers(1000, 4999).map(lambda half: 2 * half)


@st.composite
def sections(draw: st.DrawFn, kind: str | None = None, supplemental: bool = True) -> Section:
    """Any m-section, or one of a kind; without ``supplemental`` neither DTMF events nor comfort noise."""
    kind = kind or draw(st.sampled_from(["audio"] * 5 + ["video"] * 2 + ["text", "application", "image", "other"]))
    if kind == "image":
        return Section("image", "udptl", draw(_ports()), ("t38",), tuple(draw(st.sampled_from(
            [(), ("T38FaxVersion:0", "T38FaxUdpEC:t38UDPRedundancy"), ("T38FaxMaxBuffer:1800", "x-note:keep")]))))
    if kind == "other":
        return Section("application", "UDP/DTLS/SCTP", draw(_ports()), ("webrtc-datachannel",),
                       ("sctp-port:5000",) if draw(st.booleans()) else ())
    codecs = draw(st.lists(st.sampled_from([codec for codec in CODECS[kind] if supplemental or codec.split()[0]
                                            not in SUPPLEMENTAL]),
                           min_size=1, max_size=5, unique_by=lambda codec: codec.split()[0]))
    port = draw(_ports())
    lines = list(draw(st.lists(st.sampled_from(LINES), max_size=2)))
    lines += draw(st.sampled_from([[], [], [], ["ptime:20"], ["ptime:30", "maxptime:60"], ["maxptime:40"]]))
    lines += draw(st.sampled_from([[], [], [], ["rtcp-mux"], [f"rtcp:{port + 1}"], [f"rtcp:{port + 7}"],
                                   [f"rtcp:{port + 9} IN IP4 192.0.2.77"]]))
    if draw(st.integers(0, 5)) == 0:
        lines.append(f"rtcp-fb:{codecs[0].split()[0]} nack pli")
    return Section(
        kind, draw(st.sampled_from(["RTP/AVP"] * 4 + ["RTP/AVPF"])), draw(st.sampled_from([port] * 9 + [0])),
        tuple(codecs), tuple(draw(st.permutations(lines))), draw(st.sampled_from([None, None, None, *DIRECTIONS])),
        draw(st.booleans()), draw(st.integers(0, 9)) == 0,
        draw(st.sampled_from([None] * 6 + ["AS:64", "TIAS:64000", "X:1", "RR:0"])),
        draw(st.sampled_from([None] * 8 + ["a title"])), draw(st.booleans()))


@st.composite
def offers(draw: st.DrawFn, supplemental: bool) -> Body:
    """A first offer."""
    found = draw(st.lists(sections(supplemental=supplemental), min_size=1, max_size=3))
    mids = draw(st.sampled_from([None, None, None, "numbers", "names"]))
    if mids:
        found = [replace(each, lines=(*each.lines, f"mid:{'' if mids == 'numbers' else each.kind[0]}{number}"))
                 for number, each in enumerate(found, 1)]
    return Body(
        draw(st.sampled_from(ADDRESSES)), draw(st.integers(1, 5)), tuple(found),
        draw(st.sampled_from([()] * 6 + [("i=info",), ("b=AS:100",),
                                         ("u=http://example.com/", "e=a@example.com", "p=+1")])),
        tuple(draw(st.lists(st.sampled_from(["tool:acme", "x-session", "sendonly", "inactive"]), max_size=2,
                            unique=True))),
        draw(st.sampled_from(["-", "demo call", "x"])))


@st.composite
def changed(draw: st.DrawFn, body: Body, supplemental: bool) -> Body:
    """What the same phone might send later: held, moved, with other codecs, with one section more."""
    parts = []
    for section in body.sections:
        how = draw(st.sampled_from(["same"] * 4 + ["moved", "held", "direction", "codecs", "rejected", "revived"]))
        if how == "moved":
            section = replace(section, port=draw(_ports()), lines=_without_rtcp(section))
        elif how == "held":
            section = replace(section, held=not section.held)
        elif how == "direction":
            section = replace(section, direction=draw(st.sampled_from([None, *DIRECTIONS])))
        elif how == "codecs" and section.rtp:
            section = replace(section, codecs=tuple(draw(st.permutations(section.codecs)))[:draw(st.integers(1, 5))])
        elif how == "rejected":
            section = replace(section, port=0)
        elif how == "revived" and not section.port:
            section = replace(section, port=draw(_ports()), lines=_without_rtcp(section))
        parts.append(section)
    if len(parts) < 4 and draw(st.integers(0, 5)) == 0:
        parts.append(draw(sections(supplemental=supplemental)))
    return replace(body, version=body.version + draw(st.integers(0, 2)), sections=tuple(parts))


def _without_rtcp(section: Section) -> tuple[str, ...]:
    return tuple(line for line in section.lines if not line.startswith("rtcp:"))


@st.composite
def answers(draw: st.DrawFn, offer: Body) -> Body:
    """An answer to what the other party sent: as many sections of the same kinds, codecs among those offered."""
    parts = []
    for section in offer.sections:
        own = draw(sections({"image": "image"}.get(section.kind, section.kind if section.rtp else "other")))
        codecs = section.codecs
        if section.rtp:
            codecs = tuple(draw(st.permutations(section.codecs)))[:draw(st.integers(1, 5))]
        mids = tuple(line for line in section.lines if line.startswith("mid:"))
        refused = section.port == 0 or draw(st.integers(0, 11)) == 0
        parts.append(replace(own, kind=section.kind, protocol=section.protocol, codecs=codecs,
                             port=0 if refused else own.port or 6000, lines=own.lines + mids))
    return Body(draw(st.sampled_from(ADDRESSES)), draw(st.integers(1, 5)), tuple(parts), (),
                tuple(draw(st.lists(st.sampled_from(["tool:b", "sendonly"]), max_size=1))),
                draw(st.sampled_from(["-", "answer"])))
