# SPDX-License-Identifier: GPL-3.0-or-later
"""Random datagrams of every shape, from peer A over all links; what arrives whole can be told from what was damaged.

A payload of at least 5 bytes ends with a checksum over the rest, so a receiver needs not know what was sent.
"""
import os
import random
import socket
import struct
import tempfile
import zlib
from collections.abc import Callable

from tests.kernel.guest import net
from tests.kernel.guest.abi import Where
from tests.kernel.guest.links import (GRO, LINKS, LIST, PLAIN, TAP, Link, Links, frame_socket, raw_socket)

UDP_SEGMENT = 103
PORTS = range(30000, 30008)     # of the targets, on the guest's address of each link
ODD_PORTS = range(30008, 30016)     # of targets that change or encrypt; also for datagrams that may arrive damaged
ALL_PORTS = range(30000, 30016)
SOURCE_PORT = 10000
_STARTS = (b"\x80\x00", b"\x80\x08", b"\x90\x00", b"\xb0\xe0", b"\x9f\x60", b"\x80\xc8", b"\x81\xce", b"\0\1",
           b"\x16\xfe", b"\xff")


def sealed(body: bytes) -> bytes:
    """The payload with its checksum."""
    return body + struct.pack(">I", zlib.crc32(body))


def intact(payload: bytes) -> bool:
    """Nothing was damaged."""
    return len(payload) < 5 or struct.unpack(">I", payload[-4:])[0] == zlib.crc32(payload[:-4])


def payload(dice: random.Random, size: int | None = None) -> bytes:
    """RTP, RTCP, STUN, DTLS or neither, right or not; at least 5 bytes, or exactly `size`."""
    if size is None:
        size = dice.choice((5, 16, 20, 172, 172, 172, 1200, 1472, dice.randint(5, 1472)))
    if size < 5:
        return dice.randbytes(size)
    if dice.random() < 0.5:
        body = net.rtp(dice.getrandbits(16), dice.choice((0, 8, 96)), dice.choice((1, 2, dice.getrandbits(32))),
                       dice.randbytes(max(0, size - 16)))
    else:
        body = dice.choice(_STARTS) + struct.pack(">H", dice.choice((0, 1, 6, 0xFFFF, dice.getrandbits(16)))) + \
            dice.choice((b"", b"\x21\x12\xa4\x42", b"\xbe\xde\0\1")) + dice.randbytes(size)
    return sealed(body[:size - 4].ljust(size - 4, b"\0"))


def fold(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) & 1)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo(family: int, src: str, dst: str, length: int, protocol: int = 17) -> bytes:
    """The pseudo header that a UDP checksum covers (RFC 768, RFC 8200)."""
    af = socket.AF_INET if family == 4 else socket.AF_INET6
    ends = socket.inet_pton(af, src) + socket.inet_pton(af, dst)
    return ends + (struct.pack(">BBH", 0, protocol, length) if family == 4 else struct.pack(">II", length, protocol))


def udp(family: int, link: Link, port: int, data: bytes, *, check: int | None = None, length: int | None = None,
        source: int = SOURCE_PORT) -> bytes:
    """A UDP header with its payload; `check` and `length` to lie."""
    size = 8 + len(data) if length is None else length
    head = struct.pack(">HHHH", source, port, size & 0xFFFF, 0)
    if check is None:
        check = fold(pseudo(family, link.there(family), link.here(family), 8 + len(data)) + head + data) or 0xFFFF
    return head[:6] + struct.pack(">H", check) + data


def ip4(src: str, dst: str, body: bytes, *, options: bytes = b"", ident: int = 1, fragment: int = 0,
        length: int | None = None, protocol: int = 17, ttl: int = 64) -> bytes:
    """An IPv4 datagram."""
    options = options.ljust(-len(options) % 4 + len(options), b"\0")[:40]
    total = 20 + len(options) + len(body) if length is None else length
    head = struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, total & 0xFFFF, ident, fragment, ttl, protocol, 0,
                       socket.inet_aton(src), socket.inet_aton(dst)) + options
    return head[:10] + struct.pack(">H", fold(head)) + head[12:] + body


def ip6(src: str, dst: str, body: bytes, *, following: int = 17, length: int | None = None) -> bytes:
    """An IPv6 datagram; `body` begins with extension headers if there are any."""
    return struct.pack(">IHBB", 6 << 28, (len(body) if length is None else length) & 0xFFFF, following, 64) + \
        socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + body


def datagram(family: int, link: Link, body: bytes) -> bytes:
    """A plain datagram from A to the guest."""
    make = ip4 if family == 4 else ip6
    return make(link.there(family), link.here(family), body)


class Shapes:
    """Sends, from sockets of its own; each public method is a shape: it sends something and returns how many."""

    def __init__(self, links: Links, dice: random.Random) -> None:
        self.dice, self.links = dice, links
        self.socks = {(link, f): net.udp((link.there(f), SOURCE_PORT + 1), "A") for link in LINKS if link.far
                      for f in (4, 6)}
        for sock in self.socks.values():
            sock.settimeout(1)
        self.raw = {f: raw_socket(f) for f in (4, 6)}
        self.frames = frame_socket("A", PLAIN.far)
        self.offload = frame_socket("A", PLAIN.far, offload=True)
        self.macs = {link: link.macs() for link in LINKS}
        self.file = tempfile.TemporaryFile(dir="/dev/shm")
        self.page = 0

    def _pick(self, links: tuple[Link, ...] = LINKS[:-1], ports: range = ALL_PORTS) -> tuple[Link, int, Where]:
        link, family = self.dice.choice(links), self.dice.choice((4, 6))
        return link, family, (link.here(family), self.dice.choice(ports))

    def _send(self, link: Link, family: int, to: Where, data: bytes) -> int:
        try:
            self.socks[link, family].sendto(data, to)
        except OSError:         # an ICMP error of an earlier one, or too long for the link
            return 0
        return 1

    def _send_raw(self, family: int, link: Link, packet: bytes) -> int:
        try:
            self.raw[family].sendto(packet, (link.here(family), 0))
        except OSError:
            return 0
        return 1

    def _send_frame(self, link: Link, packet: bytes | bytearray, kind: int = 0x0800) -> int:
        try:
            self.frames.send(self.macs[link] + struct.pack(">H", kind) + packet)
        except OSError:
            return 0
        return 1

    def linear(self) -> int:
        """Ordinary datagrams, as a burst."""
        link, family, to = self._pick()
        return sum(self._send(link, family, to, payload(self.dice)) for _ in range(self.dice.randint(1, 8)))

    def lengths(self) -> int:
        """A run of consecutive lengths."""
        link, family, to = self._pick()
        start = self.dice.randrange(1460)
        return sum(self._send(link, family, to, payload(self.dice, n)) for n in range(start, start + 12))

    def fragmented(self) -> int:
        """Datagrams that IP cuts up."""
        link, family, to = self._pick()
        return self._send(link, family, to, payload(self.dice, self.dice.randint(1473, 20000)))

    def odd_fragments(self) -> int:
        """Fragments that overlap, lack one, come twice, in any order, or are tiny."""
        link, _, (_, port) = self._pick((PLAIN,))
        body = udp(4, link, port, payload(self.dice, self.dice.randint(16, 600)))
        cuts = sorted({0, len(body), *(8 * self.dice.randrange(len(body) // 8 + 1) for _ in range(4))})
        pieces = list(zip(cuts, cuts[1:], strict=False))
        self.dice.shuffle(pieces)
        if self.dice.random() < 0.3:
            pieces.pop()
        if self.dice.random() < 0.3:
            pieces.append((0, min(len(body), 24)))
        ident = self.dice.getrandbits(16)
        return sum(self._send_raw(4, link, ip4(link.there(4), link.here(4), body[a:b], ident=ident,
                                               fragment=a // 8 + (0x2000 if b < len(body) else 0)))
                   for a, b in pieces)

    def paged(self) -> int:
        """Payload in pages of a file."""
        link, _, to = self._pick()
        to = (link.here(4), to[1])
        data = payload(self.dice)
        self.page = (self.page + 1) % 2000      # the pages themselves travel, so what is under way must stay
        os.pwrite(self.file.fileno(), data, 4096 * self.page)
        net.enter("A")
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.connect(to)
                return 1 if os.sendfile(s.fileno(), self.file.fileno(), 4096 * self.page, len(data)) else 0
        except OSError:
            return 0
        finally:
            net.enter("")

    def _segments(self, links: tuple[Link, ...]) -> int:
        link, family, to = self._pick(links)
        sock, size = self.socks[link, family], self.dice.choice((13, 172, 172, 1000, 1400))
        parts = [payload(self.dice, size) for _ in range(self.dice.randint(2, 40))]
        if self.dice.random() < 0.3:
            parts.append(payload(self.dice, self.dice.randint(5, size)))
        data = b"".join(parts)[:60000 // size * size]
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
        try:
            return (len(data) + size - 1) // size * self._send(link, family, to, data)
        finally:
            sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)

    def gso(self) -> int:
        """One buffer for many datagrams, from the sender."""
        return self._segments((PLAIN,))

    def gro(self) -> int:
        """Many datagrams merged on the way in."""
        return self._segments((GRO,))

    def gro_list(self) -> int:
        """Many datagrams chained on the way in."""
        return self._segments((LIST,))

    def cloned(self) -> int:
        """Somebody else holds the data, too."""
        link, family, to = self._pick()
        with frame_socket("", link.near):
            return sum(self._send(link, family, to, payload(self.dice)) for _ in range(40))

    def options(self) -> int:
        """IPv4 with options: no operation, record route, time stamps, router alert, source routes, rubbish."""
        link, _, (_, port) = self._pick((PLAIN,))
        option = self.dice.choice((b"\1\1\1", b"\x94\4\0\0", b"\7\x0b\4" + bytes(8), b"\x44\x0c\5\0" + bytes(8),
                                   b"\x83\7\4\x0a\1\0\1", self.dice.randbytes(self.dice.randint(1, 40))))
        return self._send_raw(4, link, ip4(link.there(4), link.here(4), udp(4, link, port, payload(self.dice)),
                                           options=option))

    def extension_headers(self) -> int:
        """IPv6 with chains of extension headers, whole and broken."""
        link, _, (_, port) = self._pick((PLAIN,))
        body, following = udp(6, link, port, payload(self.dice)), 17
        for _ in range(self.dice.randint(1, 4)):
            kind = self.dice.choice((0, 60, 43, 44, 51, self.dice.getrandbits(8)))
            rest = {44: struct.pack(">HI", self.dice.choice((0, 0, 1, 8)), 7)}.get(
                kind, self.dice.choice((b"\1\4\0\0\0\0", b"\0\0\0\0\0\0", self.dice.randbytes(6))))
            body = bytes([following, 0]) + rest + body
            following = kind
        return self._send_raw(6, link, ip6(link.there(6), link.here(6), body, following=following))

    def checksums(self) -> int:
        """Absent, wrong and right ones, computed or not."""
        link, family, (_, port) = self._pick((PLAIN,))
        check = self.dice.choice((None, 0, 0xFFFF, self.dice.getrandbits(16)))
        return self._send_raw(family, link, datagram(family, link, udp(family, link, port, payload(self.dice),
                                                                       check=check)))

    def lies(self) -> int:
        """Lengths in IP and UDP that do not agree, also with the frame."""
        link, family, (_, port) = self._pick((PLAIN,), ODD_PORTS)
        data = payload(self.dice)
        wrong = self.dice.choice((0, 1, 7, 8, 9, len(data), len(data) + 7, len(data) + 9, 0xFFFF))
        body = udp(family, link, port, data, length=self.dice.choice((None, wrong)), check=0)
        length = self.dice.choice((None, wrong + 20))
        make = ip4 if family == 4 else ip6
        packet = make(link.there(family), link.here(family), body, length=length)
        packet += self.dice.randbytes(self.dice.choice((0, 0, 1, 18, 40)))
        return self._send_frame(link, packet[:1500], 0x0800 if family == 4 else 0x86DD)

    def frames_at_random(self) -> int:
        """Frames with some bytes changed anywhere, cut off, or with a VLAN tag that nobody expects."""
        link, family, (_, port) = self._pick((PLAIN,), ODD_PORTS)
        packet = bytearray(datagram(family, link, udp(family, link, port, payload(self.dice, 60))))
        for _ in range(self.dice.choice((0, 1, 2, 5))):
            packet[self.dice.randrange(min(len(packet), 64))] = self.dice.getrandbits(8)
        del packet[self.dice.choice((len(packet), self.dice.randint(1, len(packet)))):]
        kind = 0x0800 if family == 4 else 0x86DD
        if self.dice.random() < 0.3:
            return self._send_frame(link, struct.pack(">HH", self.dice.choice((0, 7, 99)), kind) + packet, 0x8100)
        return self._send_frame(link, packet, kind)

    def places(self) -> int:
        """From and to addresses and ports where nothing should come from or go to."""
        link, family, (_, port) = self._pick((PLAIN,))
        src = self.dice.choice((link.here(family), link.there(family), {4: "127.0.0.1", 6: "::1"}[family],
                                {4: "0.0.0.0", 6: "::"}[family], {4: "224.0.0.1", 6: "ff02::1"}[family]))
        dst = self.dice.choice((link.here(family), {4: "10.1.0.255", 6: "ff02::1"}[family],
                                {4: "255.255.255.255", 6: "fe80::1"}[family], {4: "127.0.0.1", 6: "::1"}[family]))
        body = udp(family, link, self.dice.choice((port, 0, 1, 65535)), payload(self.dice),
                   source=self.dice.choice((SOURCE_PORT, 0, port)), check=0)
        return self._send_frame(link, (ip4 if family == 4 else ip6)(src, dst, body), 0x0800 if family == 4 else 0x86DD)

    def offloads(self) -> int:
        """Frames with a virtio_net_hdr: checksums left out at right and wrong offsets, segmentation of any kind."""
        link, family, (_, port) = self._pick((PLAIN,), ODD_PORTS)
        packet = self.macs[link] + struct.pack(">H", 0x0800 if family == 4 else 0x86DD) + datagram(
            family, link, udp(family, link, port, payload(self.dice)))
        start = 14 + (20 if family == 4 else 40)
        head = struct.pack("<BBHHHH", self.dice.choice((0, 1, 2)), self.dice.choice((0, 0, 0, 1, 3, 4, 5)),
                           self.dice.choice((start + 8, 0, len(packet))), self.dice.choice((0, 8, 100, 172, 0xFFFF)),
                           self.dice.choice((start, start, 0, len(packet) - 1, 0xFFFF)),
                           self.dice.choice((6, 6, 16, 0, 0xFFFF)))
        try:
            self.offload.send(head + packet)
        except OSError:
            return 0
        return 1

    def pieces(self) -> int:
        """A frame in up to 17 pieces of memory, cut anywhere: also inside the headers."""
        family, port = self.dice.choice((4, 6)), self.dice.choice(ALL_PORTS)
        frame = self.macs[TAP] + struct.pack(">H", 0x0800 if family == 4 else 0x86DD) + datagram(
            family, TAP, udp(family, TAP, port, payload(self.dice)))
        first = self.dice.choice((14, 15, 34, 42, 54, self.dice.randint(14, len(frame))))
        cuts = [0, *sorted({min(first, len(frame)), *(self.dice.randint(min(first, len(frame)), len(frame))
                                                      for _ in range(self.dice.randint(0, 14)))}), len(frame)]
        parts = [frame[a:b] for a, b in zip(cuts, cuts[1:], strict=False) if a < b]
        try:
            os.writev(self.links.tap, [bytes(10) + parts[0], *parts[1:]])
        except OSError:
            return 0
        return 1


def shape_names() -> list[str]:
    """The shapes, by name."""
    return [name for name, value in vars(Shapes).items() if isinstance(value, Callable)     # type: ignore[arg-type]
            and not name.startswith("_")]
