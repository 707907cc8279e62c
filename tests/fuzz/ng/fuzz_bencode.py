# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target for everything between a datagram and a typed request; ``python -m tests.fuzz.ng.fuzz_bencode``.

Needs atheris and takes its arguments, such as a corpus directory or ``-max_total_time=60``.
"""
import sys

from controlplane.errors import PeerError
from controlplane.ng import bencode
from controlplane.ng.frame import decode, detect
from controlplane.ng.reader import read_request
from controlplane.ng.values import text


def one_input(data: bytes) -> None:
    """Read ``data`` as the payload of a message; only a PeerError may come out."""
    try:
        encoding = detect(data)
        message = decode(encoding, data)
    except PeerError:
        return
    raw = message.first(b"command")
    read_request(text(raw) if isinstance(raw, bytes) else "offer", message, encoding, "192.0.2.1:1", 0.0)
    if data[:1] == b"d":
        assert bencode.decode(bencode.encode(message)) == message


def main() -> None:
    """Run atheris on the target."""
    import atheris
    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
