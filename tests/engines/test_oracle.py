# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios themselves, held against libsrtp: it must take what they let through and refuse what they drop."""
from __future__ import annotations

from pylibsrtp import Error, Policy, Session

import tests.engines.table  # noqa: F401 - fills TABLE
from tests.engines.packets import is_rtcp
from tests.engines.scenario import TABLE, Add, Send, Spec, Step
from tests.peers.srtp import Keys

PROFILES = {("AES_CM_128", 10): Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
            ("AES_CM_128", 4): Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
            ("AES_GCM_128", 16): Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
            ("AES_GCM_256", 16): Policy.SRTP_PROFILE_AEAD_AES_256_GCM}
LATER_SOURCES = {"more_sources_than_places"}
"""Where indices of sources that gave way are forgotten but for the highest; libsrtp keeps all."""


def receiver(keys: Keys) -> Session | None:
    """libsrtp with these keys, if it has the suite."""
    profile = PROFILES.get((keys.cipher, keys.rtp_tag))
    if profile is None or keys.mki or keys.flags or keys.rtcp_tag == 4:
        return None
    return Session(policy=Policy(key=keys.key + keys.salt, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))


def opened(session: Session, data: bytes) -> bytes | None:
    """What libsrtp makes of a packet; None if it refuses it."""
    try:
        return bytes(session.unprotect_rtcp(data) if is_rtcp(data) else session.unprotect(data))
    except Error:
        return None


def comparable(steps: list[Step]) -> Spec | None:
    """The target, if it is the only one, its keys are set once and are libsrtp's, and they alone decide."""
    specs = [step.spec for step in steps if isinstance(step, Add) and not step.error]
    one = specs[0] if len(specs) == 1 else None
    return one if one and one.keys and not one.expect and receiver(one.keys) else None


def check(spec: Spec, sends: list[Send]) -> int:
    """How many packets went in that libsrtp judged as the scenario does."""
    assert spec.keys
    theirs, count = receiver(spec.keys), 0
    assert theirs
    plain_out = [n for n, out in enumerate(spec.outputs) if not out.keys and not out.more]
    for step in sends:
        if step.up or len(step.data) < 12:
            continue
        got = opened(theirs, step.data)
        assert (got is not None) == bool(step.arrivals), step
        if plain_out and step.arrivals:
            assert got == step.arrivals[plain_out[0]].data, step
        count += 1
    return count


def test_libsrtp_takes_what_is_forwarded_and_nothing_else() -> None:
    compared = {}
    for name, entry in TABLE.items():
        steps = entry.steps() if entry.secure and name not in LATER_SOURCES else []
        if spec := comparable(steps):
            compared[name] = check(spec, [step for step in steps if isinstance(step, Send)])
    assert len(compared) > 20 and sum(compared.values()) > 1000, compared
    assert {"replayed", "replayed_reports", "roll_over_cm", "roll_over_gcm", "switch_and_back"} <= set(compared)
