# SPDX-License-Identifier: GPL-3.0-or-later
"""Just enough SDP to place a call: write a body, and find where its media are to be sent."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

NAMES = {0: "PCMU/8000", 8: "PCMA/8000", 9: "G722/8000"}


@dataclass(slots=True)
class Section:
    """One m-section: kind of medium, address and port for RTP and RTCP, protocol, formats, attributes."""

    kind: str
    address: str
    port: int
    rtcp_port: int
    protocol: str
    formats: list[str]
    attributes: list[str] = field(default_factory=list)

    @property
    def direction(self) -> str:
        """sendrecv, sendonly, recvonly or inactive."""
        for name in ("sendonly", "recvonly", "inactive"):
            if name in self.attributes:
                return name
        return "sendrecv"


def body(address: str, port: int, *, payload_type: int = 8, attributes: Sequence[str] = (), version: int = 1,
         kind: str = "audio", protocol: str = "RTP/AVP", eol: str = "\r\n") -> str:
    """An SDP body with one m-section."""
    family = "IP6" if ":" in address else "IP4"
    lines = ["v=0", f"o=peer 4711 {version} IN {family} {address}", "s=-", f"c=IN {family} {address}", "t=0 0",
             f"m={kind} {port} {protocol} {payload_type}"]
    if payload_type in NAMES:
        lines.append(f"a=rtpmap:{payload_type} {NAMES[payload_type]}")
    lines += [f"a={attribute}" for attribute in attributes]
    return eol.join(lines) + eol


def sections(text: str) -> list[Section]:
    """The m-sections of a body with the c= line that holds for each; RTCP by a=rtcp or port + 1."""
    found: list[Section] = []
    address = ""
    for line in text.splitlines():
        if line.startswith("c="):
            if found:
                found[-1].address = line.split()[2]
            else:
                address = line.split()[2]
        elif line.startswith("m="):
            kind, port, protocol, *formats = line[2:].split()
            found.append(Section(kind, address, int(port), int(port) + 1, protocol, formats))
        elif line.startswith("a=") and found:
            found[-1].attributes.append(line[2:])
            if line.startswith("a=rtcp:"):
                found[-1].rtcp_port = int(line[7:].split()[0])
    return found
