# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fuzzers start from: messages of the tests, and recorded dialogues where there are some."""
from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

from controlplane.dtls.association import Association, Role
from controlplane.dtls.identity import Identity, IdentityOptions
from controlplane.ng import flags, keys
from controlplane.ng.commands import NG_NAMES
from controlplane.sdp.attributes import ATTRIBUTES
from controlplane.servers.services import SUBPROTOCOLS
from controlplane.srtp.suites import SUITES
from tests.conformance import vectors
from tests.conformance.packets import kind
from tests.fuzz.dtls.fuzz_association import LOCAL, SOURCE
from tests.fuzz.ng.fuzz_flags import KEYS
from tests.fuzz.ng.fuzz_message import MOST, SEPARATOR
from tests.fuzz.rtcp.fuzz_reports import SOURCES
from tests.fuzz.sdp.fuzz_parse import CORPUS
from tests.fuzz.servers.fuzz_pages import KINDS
from tests.peers import ngclient, rtcp
from tests.unit.ice.messages import EXTENDED, HOST, RELAY, REQUEST, RESPONSE4, RESPONSE6
from tests.unit.ng.messages import OFFER, PROXY_OFFER, SDP
from tests.unit.servers.web import post, request

LONGEST = 8192
_KEYS = [(f"{tag} {suite.name} inline:" + "AbC/"[tag % 4] * suite.key_text
          + ("", "|2^20", "|1:4", "|2^31|65535:2")[tag % 4] + ("", " UNENCRYPTED_SRTCP", " WSH=128")[tag % 3]).encode()
         for tag, suite in enumerate(SUITES)]
_PLAIN = [b"d7:command4:pinge", b"d7:command4:list5:limiti2ee", b"d7:command6:delete7:call-id4:none8:from-tag2:A1e",
          b"d7:command10:statisticse", b"d7:command5:query7:call-id6:c-9001e", b"d7:comm", OFFER, PROXY_OFFER]
_DOCUMENTS = [b'{"command":"ping"}', b'{"command":"offer","flags":"a,b","TOS":"0x10","direction":["a","b"]}',
              json.dumps({"command": "offer", "call-id": "c", "from-tag": "f", "sdp": SDP.decode()}).encode()]
_FLAGS = [b"trust-address replace-origin ICE=remove rtcp-mux=[demux] "
          b"codec=[strip=[G729] transcode=[opus/48000/2/24000]] sdp-attr=[audio=[add=[foo:bar]]]",
          b"symmetric\nstrict-source", b"a=[b=[c d] e] ]] =x y= to-tag=1"]
CANDIDATES = "\n".join((HOST, RELAY, EXTENDED)).encode()
_COMMANDS = [b"list totals", b"list sessions all", b"set timeout 5", b"call x tag y info", b"help", b"params diff"]


def recorded() -> list[list[dict[str, Any]]]:
    """The ng requests of each recorded call; empty if there are none here."""
    place = vectors.directory()
    if place is None:
        return []
    dialogues = ([step["request"] for step in block.steps if step["op"] == "ng"] for block in vectors.load(place))
    return [dialogue for dialogue in dialogues if dialogue]


def _flag_lines(messages: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    for message in messages:
        for key, value in message.items():
            if isinstance(value, list) and all(isinstance(each, str) for each in value):
                line, form = "\n".join(value).encode(), 64
            elif isinstance(value, str):
                line, form = value.encode(), 0
            else:
                continue
            if key.encode() in KEYS:
                yield bytes([KEYS.index(key.encode()) | form]) + line


def _connections() -> Iterator[bytes]:
    """HTTP requests alone and together, and WebSocket handshakes with frames behind them."""
    plain = [request("GET", "/ping", close=False), request("GET", "/cli/list+totals"), request("OPTIONS", "*"),
             post("/ng", "application/x-rtpengine-ng", b"1 d7:command4:pinge", close=False),
             post("/ng-plain", "application/json", _DOCUMENTS[0], close=False), post("/cli", "text/plain", b"help"),
             request("POST", "/ng", "Content-Type: text/plain", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
             request("PUT", "/ng", "Expect: 100-continue", "Content-Length: 1"), b"GET /ping HTTP/1.0\r\n\r\n"]
    for name in SUBPROTOCOLS:
        plain.append(request(
            "GET", "/", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", f"Sec-WebSocket-Protocol: {name}", close=False)
            + b"\x82\x93" + bytes(4) + b"1 d7:command4:pinge" + b"\x89\x80" + bytes(4) + b"\x88\x80" + bytes(4))
    yield from (bytes([size]) + each for size in (255, 7) for each in plain)
    yield bytes([255]) + b"".join(plain)


def _stun() -> list[bytes]:
    """STUN messages as they are and in pieces, and candidates."""
    messages = [REQUEST, RESPONSE4, RESPONSE6]
    framed = b"\x0c\x80\x2a\x08tiebreak\x00\x24\x04\x00\x00\x01\x00\x00\x25\x00"
    return [bytes([flags]) + each for flags in range(8) for each in (*messages, framed, CANDIDATES)]


def _dtls() -> list[bytes]:
    """A ClientHello, alone and with what may come behind it."""
    client = Association(Identity.make(IdentityOptions(), time.time()))
    client.set_path(SOURCE, LOCAL, time.time())
    client.set_role(Role.ACTIVE, time.time())
    hello = client.take_datagrams()[0].data
    packets = [hello, hello[:13] + b"\x02" + hello[14:], b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28"]
    framed = [len(packet).to_bytes(2, "big") + packet for packet in packets]
    return [*framed, b"".join(framed), framed[0] * 3]


def _reports() -> Iterator[bytes]:
    """Reports about the sources that the target knows, and extended ones."""
    for number, (ssrc, other) in enumerate((SOURCES, SOURCES[::-1])):
        block = rtcp.Block(other, 26, -5, 1050, 80, 0x11223344, 65536)
        report = rtcp.Report(ssrc, (block,), 0x1122334455667788, 160, 50, 8600).pack()
        yield bytes([number + 8]) + report + rtcp.sdes(ssrc, "peer") + rtcp.bye([ssrc])
        yield bytes([number]) + rtcp.Report(ssrc, (block,) * 31).pack()
        start = ssrc.to_bytes(4, "big")
        yield (bytes([number + 2]) + bytes.fromhex("80cf0013") + start + bytes.fromhex("04000002 1122334455667788")
               + bytes.fromhex("05000003") + other.to_bytes(4, "big") + bytes(8) + bytes.fromhex("07000008")
               + other.to_bytes(4, "big") + bytes(28))


def recorded_rtcp() -> Iterator[bytes]:
    """The RTCP of the recorded dialogues."""
    place = vectors.directory()
    for block in vectors.load(place) if place is not None else ():
        packets = (bytes.fromhex(step["payload_hex"]) for step in block.steps if step["op"] in ("send", "recv"))
        yield from (packet for packet in packets if kind(packet) == "rtcp")


def from_tests(target: str) -> list[bytes]:
    """Seeds that are part of the project."""
    flags = [bytes([number << 6]) + line for number, line in enumerate(_FLAGS)]
    bodies = [b"\x04" + path.read_bytes() for path in sorted(CORPUS.iterdir())]
    streams = [bytes([size]) + b"".join(b"%d " % size + each for each in _PLAIN) for size in (1, 7, 255)]
    crypto = [b"\x00\x81" + b"\n".join(_KEYS), *[b"\xff\x00" + each + b";inline:x\n" + each for each in _KEYS],
              b"\xc0\x40" + b"\n".join([*_KEYS[:3], *[suite.name.encode() for suite in SUITES[:2]]])]
    pages = [bytes([kind]) + each for kind in range(KINDS) for each in (*_PLAIN[:2], _DOCUMENTS[0], *_COMMANDS)]
    return {"bencode": _PLAIN, "json": _DOCUMENTS, "flags": flags, "stream": streams, "sdp": bodies,
            "crypto": crypto,
            "message": [SEPARATOR.join(_PLAIN), *_PLAIN, *_DOCUMENTS], "pages": pages,
            "http": list(_connections()), "stun": _stun(), "dtls": _dtls(), "rtcp": list(_reports())}[target]


def from_recordings(target: str) -> list[bytes]:
    """Seeds made of the recorded dialogues, none twice and none too long."""
    dialogues = recorded()
    messages = [message for dialogue in dialogues for message in dialogue]
    bencoded = [ngclient.encode(message) for message in messages]
    documents = [json.dumps(message).encode() for message in messages]
    found: Iterable[bytes] = {
        "bencode": lambda: bencoded, "json": lambda: documents, "flags": lambda: _flag_lines(messages),
        "stream": lambda: (bytes([7]) + b"c " + each for each in bencoded),
        "sdp": lambda: (b"\x04" + message["sdp"].encode() for message in messages if "sdp" in message),
        "message": lambda: (SEPARATOR.join(map(ngclient.encode, dialogue[:MOST])) for dialogue in dialogues),
        "crypto": lambda: (b"\x00\x80" + b"\n".join(found) for message in messages
                           if (found := [line[9:].encode() for line in message.get("sdp", "").splitlines()
                                         if line.startswith("a=crypto:")])),
        "http": lambda: (bytes([255]) + post("/ng-plain", "application/json", each) for each in documents),
        "stun": lambda: (b"\x05" + "\n".join(found).encode() for message in messages if "sdp" in message
                         and (found := re.findall(r"a=candidate:(.*?)\r?\n", message["sdp"]))),
        "dtls": lambda: (),     # no dialogue has DTLS packets in it
        "rtcp": lambda: (bytes([number & 255]) + packet for number, packet in enumerate(recorded_rtcp())),
        "pages": lambda: (bytes([number % 3]) + each for number, each in enumerate(bencoded)),
    }[target]()
    return [each for each in dict.fromkeys(found) if len(each) <= LONGEST]


def dictionary() -> str:
    """The words of the protocol, as they are and with their length in front, for libFuzzer to put in."""
    listed = re.split(r"[\s|]+", flags.IMPLEMENTED + flags.SATISFIED + flags.PLANNED)
    words = {word.encode() for word in (*listed, *NG_NAMES, *ATTRIBUTES) if word} | set(keys.KEYS)
    forms = sorted(words | {b"%d:%b" % (len(word), word) for word in words})
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in form) + '"\n' for form in forms)
