# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by the cases of interception: calls, streams, their files and what lies in them."""
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import Control, record
from tests.kernel.guest.tables import table

A, B = (net.A4, 10000), (net.B4, 20000)
NEAR, FAR = ("10.1.0.1", 30000), ("10.2.0.1", 30002)
CALLS = "/proc/rtpengine/0/calls"
FILE = f"{CALLS}/call/stream"


def name_bytes(text: bytes) -> bytes:
    return text.ljust(256, b"\0")


def index_of(control: Control, kind: int, body: bytes) -> int:
    """The index in the reply; OSError if there is none."""
    reply = control.run(record(kind, body))[0]
    if reply.status:
        raise OSError(-reply.status, os.strerror(-reply.status))
    index, zero = struct.unpack("<II", reply.body)
    assert index and not zero
    return int(index)


def add_call(control: Control, name: bytes = b"call") -> int:
    """ADD_CALL."""
    return index_of(control, abi.ADD_CALL, name_bytes(name))


def add_stream(control: Control, call: int, name: bytes = b"stream", limit: int = 0) -> int:
    """ADD_STREAM."""
    return index_of(control, abi.ADD_STREAM, struct.pack("<II", call, limit) + name_bytes(name))


def remove(control: Control, kind: int, index: int) -> int:
    """DEL_CALL or DEL_STREAM: its status, and in how many seconds."""
    began = time.monotonic()
    status = control.one(kind, struct.pack("<II", index, 0))
    assert time.monotonic() - began < 30, "a reader holds up the removal"
    return status


def put(control: Control, stream: int, *packets: bytes) -> None:
    """PACKET for each; they have a multiple of 8 bytes."""
    for packet in packets:
        assert control.one(abi.PACKET, struct.pack("<II", stream, 0) + packet) == 0


def packet(number: int) -> bytes:
    """Eight bytes that are no IP packet."""
    return struct.pack(">Q", number)


@contextmanager
def stream(limit: int = 0) -> Iterator[tuple[Control, int, int]]:
    """Table 0 with a call and a stream in it: control, indices of both."""
    with table(), Control() as control:
        call = add_call(control)
        yield control, call, add_stream(control, call, limit=limit)


@contextmanager
def opened(flags: int = os.O_NONBLOCK, path: str = FILE) -> Iterator[int]:
    """The stream's file."""
    fd = os.open(path, os.O_RDONLY | flags)
    try:
        yield fd
    finally:
        os.close(fd)


def lost() -> int:
    """What the table's status says."""
    with open("/proc/rtpengine/0/status", encoding="ascii") as f:
        return int(f.read().partition("Lost copies:")[2])


def blocked(pid: int) -> bool:
    """The process sleeps in read() or poll()."""
    for _ in range(200):
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            if f.read().rpartition(")")[2].split()[0] == "S":
                return True
        time.sleep(0.01)
    return False


def checksum(data: bytes) -> int:
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def payload_of(copy: bytes, src: abi.Where, dst: abi.Where) -> bytes:
    """What an IP packet from src to dst carries; lengths and checksums must be right."""
    if copy[0] >> 4 == 4:
        assert checksum(copy[:20]) == 0xFFFF and struct.unpack(">H", copy[2:4])[0] == len(copy)
        family, addresses, header = socket.AF_INET, copy[12:20], copy[20:]
    else:
        assert struct.unpack(">H", copy[4:6])[0] == len(copy) - 40
        family, addresses, header = socket.AF_INET6, copy[8:40], copy[40:]
    sport, dport, length, said = struct.unpack(">4H", header[:8])
    assert length == len(header) and said
    assert checksum(addresses + struct.pack(">HH", 17, length) + header) == 0xFFFF
    half = len(addresses) // 2
    assert (socket.inet_ntop(family, addresses[:half]), sport) == src
    assert (socket.inet_ntop(family, addresses[half:]), dport) == dst
    return header[8:]
