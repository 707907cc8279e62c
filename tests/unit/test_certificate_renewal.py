# SPDX-License-Identifier: GPL-3.0-or-later
"""The DTLS certificate of the daemon is made anew beside the loop that serves requests."""
import asyncio
import threading
import time

import pytest

from controlplane import app
from controlplane.dtls.identity import LIFETIME, Identities, Identity, IdentityOptions


def test_the_loop_goes_on_while_a_certificate_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    identities = Identities(IdentityOptions())
    made: list[threading.Thread] = []
    done = threading.Event()

    class Slow:
        """What renewal asks of these identities, and it takes until ``done``."""

        is_due, renew = identities.is_due, identities.renew

        def make(self, now: float) -> Identity:
            made.append(threading.current_thread())
            assert done.wait(60)
            if len(made) == 1:
                raise RuntimeError("the first attempt fails")
            return identities.make(now)

    async def run() -> None:
        renewing = asyncio.create_task(app._renew_certificate(Slow()))  # type: ignore[arg-type]
        while not made:
            await asyncio.sleep(0.001)
        assert identities.current(time.time()) is old, "new calls do not wait"
        done.set()
        while identities.current(time.time()) is old:
            await asyncio.sleep(0.001)
        renewing.cancel()

    monkeypatch.setattr(app, "_RENEWAL", 0.001)
    old = Identity.make(identities.options, time.time() - 0.6 * LIFETIME)
    identities.renew(old)
    asyncio.run(asyncio.wait_for(run(), 60))
    assert len(made) == 2 and threading.main_thread() not in made
    assert identities.current(time.time()).is_fresh(time.time())


def test_no_request_waits_for_a_new_certificate_before_the_old_one_is_over() -> None:
    now, identities = time.time(), Identities(IdentityOptions())
    assert identities.is_due(now)
    first = identities.current(now)
    assert not identities.is_due(now + 14 * 86400)
    late = now + 29 * 86400
    assert identities.is_due(late) and identities.current(late) is first
    assert identities.current(now + 30 * 86400) is not first
    second = identities.make(late)
    identities.renew(second)
    assert identities.current(late) is second and not identities.is_due(late)
