# SPDX-License-Identifier: GPL-3.0-or-later
"""SRTP: each suite in, out and into each other; tags, MKI, session parameters, broken and foreign packets."""
from __future__ import annotations

import errno
import random
from functools import partial
from typing import Any

from tests.engines.packets import SSRC, extension, rtp, sender_report
from tests.engines.scenario import FAILS, Out, Scenario, scenario
from tests.kernel.guest import abi
from tests.peers.srtp import (CIPHERS, UNAUTHENTICATED_RTP, UNENCRYPTED_RTCP, UNENCRYPTED_RTP, Keys, seal_rtcp,
                              seal_rtp, suite)

FORMS = (rtp(1), rtp(2, b""), rtp(3, b"x" * 15), rtp(4, b"y" * 33, csrcs=bytes(range(12))),
         rtp(5, extension=extension(b"\x10A\x31xy")), rtp(6, b"", csrcs=bytes(60), extension=extension(b"", 0)),
         rtp(7, b"", extension=extension(b"\1\2\3\4")), rtp(8, b"pad", padding=b"\0\2"), rtp(9, bytes(1250)))


def _talk(s: Scenario) -> None:
    """Packets of all forms, and reports of two sources between them."""
    for n, packet in enumerate(FORMS):
        s.send(packet)
        if n % 3 == 0:
            s.send(sender_report() * (1 + n % 2))
            s.send(sender_report(99, n))


def _into(s: Scenario, keys: Keys) -> None:
    s.add(keys=keys)
    _talk(s)


def _out_of(s: Scenario, keys: Keys) -> None:
    s.add(outputs=(Out(keys=keys),))
    _talk(s)


def _into_all(s: Scenario, keys: Keys) -> None:
    """Decrypted once, encrypted for each of the other suites, and once left plain."""
    others = [suite(cipher, 50 + n) for n, cipher in enumerate(CIPHERS)]
    s.add(keys=keys, outputs=(Out(), *(Out(f"far{n}", f"b{n}", k) for n, k in enumerate(others, 1))))
    _talk(s)


VARIANTS: dict[str, dict[str, Any]] = {
    "": {}, "mki": {"mki": b"\1"}, "long_mki": {"mki": bytes(range(128))},
    "clear_rtcp": {"flags": UNENCRYPTED_RTCP},
}
HMAC_VARIANTS: dict[str, dict[str, Any]] = {
    "tag_32": {"rtp_tag": 4}, "tags_32": {"rtp_tag": 4, "rtcp_tag": 4}, "clear_rtp": {"flags": UNENCRYPTED_RTP},
    "no_tag": {"flags": UNAUTHENTICATED_RTP}, "no_hmac": {"hmac": "NULL", "rtp_tag": 0, "rtcp_tag": 0},
    "bare": {"flags": UNENCRYPTED_RTP | UNAUTHENTICATED_RTP | UNENCRYPTED_RTCP, "mki": b"key1"},
}

for _n, _cipher in enumerate(CIPHERS):
    _variants = VARIANTS | ({} if "GCM" in _cipher else HMAC_VARIANTS)
    for _label, _changes in _variants.items():
        _keys = suite(_cipher, 7 + _n, **_changes)
        _name = f"{_cipher.lower()}{'_' * bool(_label)}{_label}"
        scenario(name=f"into_{_name}", secure=True)(partial(_into, keys=_keys))
        scenario(name=f"out_of_{_name}", secure=True)(partial(_out_of, keys=_keys))
    scenario(name=f"{_cipher.lower()}_into_all", secure=True)(partial(_into_all, keys=suite(_cipher, 30 + _n)))


@scenario(secure=True)
def nothing_but_media_in_srtp(s: Scenario) -> None:
    """What is neither RTP nor RTCP is not for a target with keys, and never leaves through an output with keys."""
    s.add(keys=suite("AES_CM_128"), flags=abi.RTP | abi.STUN)
    for data in (b"junk", b"\x47" * 60, rtp(1)[:11], b"\x80\xc8\0\0", b""):
        s.send(data, wire=data, drop="malformed")
    s.add(local="near1", outputs=(Out(keys=suite("AES_CM_128", 2)), Out("far1", "b1")))
    for data in (b"junk", b"\x47" * 60, rtp(1)[:11]):
        s.send(data, to="near1", out={0: FAILS})
    s.send(rtp(2), to="near1")


def _broken(keys: Keys, dice: random.Random, plain: bytes) -> bytes:
    """A good packet with a bit turned, somewhere behind what would make it another kind and not in the MKI."""
    wire = bytearray(seal_rtp(keys, plain))
    last = len(wire) - 1 - len(keys.mki) * keys.aead
    at = dice.choice([2, 5, 7, 8, 11, 12, last, dice.randrange(12, len(plain))])
    wire[at] ^= 1 << dice.randrange(8)
    return bytes(wire)


def _index(keys: Keys, report: bytes) -> int:
    """What is found where SRTCP has its index: one that was used is refused before the tag is looked at."""
    at = len(report) - len(keys.mki) - (0 if keys.aead else keys.rtcp_tag) - 4
    return int.from_bytes(report[at:at + 4], "big") & 0x7FFFFFFF if at >= 8 else -1


def _forged(s: Scenario, keys: Keys) -> None:
    """T12, T15: wrong keys, turned bits, cut tags, other tag lengths: dropped, counted, nothing else changes."""
    dice, other = random.Random(4), keys.with_(key=bytes(len(keys.key)))
    s.add(keys=keys, outputs=(Out(keys=suite("AES_CM_128", 9)),))
    s.send(rtp(1))
    s.send(sender_report())
    for n in range(30):
        s.send(b"", wire=_broken(keys, dice, rtp(2 + n)), drop="auth")
        s.send(b"", wire=seal_rtp(other, rtp(500 + n, ssrc=n, pt=99)), drop="auth")
        s.send(b"", wire=seal_rtcp(other, sender_report(n), n), drop="auth")
    good, report = seal_rtp(keys, rtp(2)), seal_rtcp(keys, sender_report(), 1)
    for cut in range(1, len(good) - 11):
        s.send(b"", wire=good[:-cut], drop="auth")
    for wire in (sender_report(), *(report[:-cut] for cut in range(1, 1 + len(report) - 4 * (1 + report[3])))):
        s.send(b"", wire=wire, drop="replay" if _index(keys, wire) == 0 else "auth")
    s.send(b"", wire=good + b"\0", drop="auth")
    s.send(b"", wire=rtp(2), drop="auth")
    if not keys.aead:
        s.send(b"", wire=seal_rtp(keys.with_(rtp_tag=14 - keys.rtp_tag), rtp(2)), drop="auth")
    s.send(rtp(2))
    s.send(sender_report())


for _cipher in ("NULL", "AES_CM_128", "AES_F8", "AES_GCM_256"):
    scenario(name=f"forged_{_cipher.lower()}", secure=True)(partial(_forged, keys=suite(_cipher, 3)))
scenario(name="forged_tag_32", secure=True)(partial(_forged, keys=suite("AES_CM_128", 3, rtp_tag=4)))
scenario(name="forged_mki", secure=True)(partial(_forged, keys=suite("AES_CM_256", 3, mki=b"abcd")))


@scenario(secure=True)
def the_encrypted_bit_decides(s: Scenario) -> None:
    """Unencrypted SRTCP that is authenticated is taken (RFC 3711 section 3.4), whatever was agreed."""
    for n, cipher in enumerate(("AES_CM_128", "AES_GCM_128")):
        keys = suite(cipher, 3)
        s.add(local=f"near{n}", keys=keys)
        for index in range(4):
            sent = keys.with_(flags=UNENCRYPTED_RTCP if index % 2 else 0)
            s.send(sender_report(), to=f"near{n}", wire=seal_rtcp(sent, sender_report(), index))
        turned = bytearray(seal_rtcp(keys, sender_report(), 9))
        turned[-30 if n else -14] ^= 0x80
        s.send(b"", to=f"near{n}", wire=bytes(turned), drop="auth")


@scenario(secure=True)
def keys_that_do_not_fit(s: Scenario) -> None:
    """Wrong lengths and what a suite does not have are refused; the target stays as it was."""
    good = suite("AES_CM_128")
    s.add(keys=good)
    wrong = [good.with_(key=bytes(15)), good.with_(salt=bytes(12)), good.with_(key=bytes(32)),
             suite("AES_GCM_128").with_(salt=bytes(14)), suite("AES_CM_256").with_(key=bytes(24))]
    for keys in wrong:
        s.refuse(errno.EOPNOTSUPP, keys=keys, replaces=True)
        s.refuse(errno.EOPNOTSUPP, outputs=(Out(keys=keys),), replaces=True)
    for keys in (good.with_(rtp_tag=21), good.with_(rtcp_tag=0), good.with_(flags=8), suite("AES_GCM_128", rtp_tag=8),
                 suite("AES_GCM_128", flags=UNENCRYPTED_RTP)):
        s.refuse(errno.EINVAL, keys=keys, replaces=True)
    _talk(s)


@scenario(secure=True)
def srtp_to_many(s: Scenario) -> None:
    """One in, 32 out with keys of their own."""
    s.add(keys=suite("AES_CM_128"), outputs=tuple(
        Out(f"far{n}", f"b{n}", suite(("AES_CM_128", "AES_GCM_128")[n % 2], 100 + n)) for n in range(32)))
    for n in range(3):
        s.send(rtp(65535 + n, ssrc=SSRC))
        s.send(sender_report())
