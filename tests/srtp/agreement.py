# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the core with libsrtp packet for packet: `python -m tests.srtp.agreement -n 1000000`."""
from __future__ import annotations

import argparse
import errno
import time
from collections import Counter
from collections.abc import Callable
from random import Random

from pylibsrtp import Error, Policy, Session

from tests.srtp import engine, traffic
from tests.srtp.engine import Engine, Keys

PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, engine.AES_CM_128, 16, 14, 10, 10),
    "AES_CM_128_HMAC_SHA1_32": (Policy.SRTP_PROFILE_AES128_CM_SHA1_32, engine.AES_CM_128, 16, 14, 4, 10),
    "AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, engine.AES_GCM_128, 16, 12, 16, 16),
    "AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, engine.AES_GCM_256, 32, 12, 16, 16),
}
REPLAYS = {"replay check failed (bad index)", "replay check failed (index too old)"}
SAME_SECOND = 1


class Disagreement(AssertionError):
    """The core and libsrtp made different things of a packet."""


def make_keys(profile: str, random: Random) -> tuple[Keys, Callable[[int], Session]]:
    """Random keys of a profile, for the core and (by SSRC type) for libsrtp."""
    number, cipher, key_len, salt_len, rtp_tag, rtcp_tag = PROFILES[profile]
    key, salt = random.randbytes(key_len), random.randbytes(salt_len)
    keys = Keys(cipher, key, salt, engine.HMAC_NONE if rtp_tag == 16 else engine.HMAC_SHA1, rtp_tag, rtcp_tag)
    return keys, lambda kind: Session(Policy(key=key + salt, ssrc_type=kind, srtp_profile=number))


def is_rtcp(packet: bytes) -> bool:
    """RFC 5761 section 4."""
    return 194 <= packet[1] <= 223


def reference(session: Session, protect: bool, packets: list[bytes]) -> list[bytes | int]:
    """What libsrtp makes of packets."""
    done: list[bytes | int] = []
    rtp, rtcp = (session.protect, session.protect_rtcp) if protect else (session.unprotect, session.unprotect_rtcp)
    for packet in packets:
        try:
            done.append((rtcp if is_rtcp(packet) else rtp)(packet))
        except Error as error:
            done.append(-errno.EALREADY if str(error) in REPLAYS else -errno.EBADMSG)
    return done


def compare(what: str, packets: list[bytes], ours: list[bytes | int], theirs: list[bytes | int],
            sent: set[bytes] | None = None) -> Counter[str]:
    """Counts the outcomes; Disagreement with the first packet they differ in.

    With `sent`, another packet must be refused by both; which of its faults is seen first is not compared.
    """
    found: Counter[str] = Counter()
    for n, (packet, our, their) in enumerate(zip(packets, ours, theirs, strict=True)):
        forged = sent is not None and packet not in sent
        if our != their and not (forged and isinstance(our, int) and isinstance(their, int)):
            raise Disagreement(f"{what}, packet {n} of {len(packets)} ({packet[:12].hex()}, {len(packet)} bytes): "
                               f"{our!r}, libsrtp {their!r}")
        found["forged" if forged else "ok" if isinstance(our, bytes) else errno.errorcode[-our]] += 1
    return found


def media(random: Random, count: int) -> list[bytes]:
    """RTP of several sources, each over roll-overs, and RTCP in between."""
    streams = [(ssrc, traffic.numbers(random, count)) for ssrc in traffic.SSRCS]
    packets = []
    for _ in range(count):
        ssrc, stream = random.choices(streams, (8, 2, 1))[0]
        packets.append(traffic.rtcp(random, ssrc) if random.random() < 0.1 else
                       traffic.rtp(random, next(stream), ssrc))
    return packets


def send(profile: str, random: Random, count: int) -> Counter[str]:
    """The same packets, also late and repeated ones, protected by both."""
    keys, session = make_keys(profile, random)
    packets = list(traffic.road(random, media(random, count), damage=False))
    ours = Engine(keys)
    for ssrc in traffic.SSRCS:
        ours.seed(ssrc, rtcp_top=1)     # libsrtp counts RTCP from 1
    return compare(f"{profile} protect", packets, ours.protect(packets),
                   reference(session(Policy.SSRC_ANY_OUTBOUND), True, packets))


def receive(profile: str, random: Random, count: int) -> Counter[str]:
    """What libsrtp sent, as it comes out of a bad road."""
    keys, session = make_keys(profile, random)
    sent = [p for p in reference(session(Policy.SSRC_ANY_OUTBOUND), True, media(random, count)) if
            isinstance(p, bytes)]
    first = {}
    for packet in sent:
        first.setdefault((is_rtcp(packet), packet[8:12]), packet)
    arrived = list(first.values()) + list(traffic.road(random, sent))
    return compare(f"{profile} unprotect", arrived, Engine(keys).unprotect(arrived, [SAME_SECOND] * len(arrived)),
                   reference(session(Policy.SSRC_ANY_INBOUND), False, arrived), set(sent))


def run(profile: str, seed: int, count: int) -> Counter[str]:
    """Both directions, about `count` packets in all."""
    random = Random(f"{profile} {seed}")
    return send(profile, random, count // 2) + receive(profile, random, count // 2)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Packet-by-packet agreement with libsrtp.")
    parser.add_argument("-n", "--packets", type=int, default=1000000, help="for each profile")
    parser.add_argument("-s", "--seed", type=int, default=1)
    args = parser.parse_args()
    for profile in PROFILES:
        total: Counter[str] = Counter()
        begun, seed = time.monotonic(), args.seed
        while total.total() < args.packets:
            total += run(profile, seed, 20000)
            seed += 1
        print(f"{profile}: {total.total()} packets agree, {dict(total)}, {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
