# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target of crypto lines and of the negotiation that they go through."""
import random

from controlplane.srtp.crypto import crypto_text, parse_crypto
from controlplane.srtp.sdes import Sdes, SdesWishes

WORDS = ("nonew", "static", "unencrypted-srtp", "unencrypted-srtcp", "unauthenticated-srtp", "encrypted-srtp")


def wishes(bits: int, names: tuple[str, ...]) -> SdesWishes:
    """Words by ``bits``, and some of ``names`` for one of the lists."""
    words = frozenset(word for bit, word in enumerate(WORDS) if bits & 1 << bit)
    listed = (frozenset(names), frozenset(), (), ()) if bits & 64 else (frozenset(), frozenset(names), (), ())
    return SdesWishes(words, *listed) if bits & 128 else SdesWishes(words, order=names, preferred=names)


def one_input(data: bytes) -> None:
    """An offer and an answer made of the lines of ``data``, some bytes in front choose wishes; nothing may be raised.

    What we print can be read again, tags that we choose are free, and both directions of a leg have one suite.
    """
    bits, text = data[:2].ljust(2, b"\0"), data[2:].decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    names = tuple(line.strip().upper() for line in lines if " " not in line)
    a, b, source = Sdes(), Sdes(), random.Random(1)
    for at, choice in enumerate(bits):
        wish = wishes(choice, names)
        a.read_offer(lines[at:], wish)
        b.make_offer(a, wish, source)
        received = [crypto.tag for crypto in a.received]
        own = [crypto.tag for crypto in b.sent if crypto.tag not in received]
        assert len(set(own)) == len(own)
        b.read_answer([line for line in lines if len(line) % 2])
        a.make_answer(b, wish, source)
        for leg in (a, b):
            assert (leg.incoming is None) == (leg.outgoing is None)
            assert leg.incoming is None or leg.outgoing is None or (
                leg.incoming.suite is leg.outgoing.suite and leg.incoming.flags == leg.outgoing.flags)
        for crypto in (*a.sent, *b.offered, *a.received):
            for pad in (False, True):
                printed = crypto_text(crypto, pad=pad, lifetime=pad)
                assert parse_crypto(printed.removeprefix("crypto:")) == crypto
            assert len(repr(crypto)) < 80
