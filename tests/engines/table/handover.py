# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams that change engines or owners: sequence, roll-over and indices go along."""
from __future__ import annotations

from functools import partial

from tests.engines.packets import rtp, sender_report
from tests.engines.scenario import FAILS, Out, Scenario, scenario
from tests.kernel.guest import abi
from tests.peers.srtp import Keys, Sender, seal_rtcp, seal_rtp, suite

CM, GCM = suite("AES_CM_128", 1), suite("AES_GCM_256", 2)


@scenario(tables=2)
def there_and_back(s: Scenario) -> None:
    """No false gap, no false duplicate, over the wrap; the new engine counts from zero."""
    s.add()
    table = 0
    for n in range(65480, 65600):
        s.send(rtp(n), table=table)
        s.send(rtp(n + 7, ssrc=2), table=table)
        if n % 10 == 9:
            s.send(rtp(n - 3), table=table)
            s.move(table, 1 - table)
            table = 1 - table


def _secure(s: Scenario, into: Keys, out: Keys) -> None:
    """A move in the middle of everything: what was sent before it is a replay after it, indices go on."""
    s.add(keys=into, outputs=(Out(keys=out), Out("far1", "b1"), Out("far2", "b2", out.with_(mki=b"1"))))
    sender, table = Sender(into), 0
    for n in range(65500, 65600):
        plain = rtp(n)
        wire = sender.protect(plain)
        s.send(plain, wire=wire, table=table)
        s.send(sender_report(), wire=sender.protect(sender_report()), table=table)
        if n % 10 == 4:
            s.move(table, 1 - table)
            table = 1 - table
            s.send(b"", wire=wire, drop="replay", table=table)
            s.send(b"", wire=seal_rtcp(into, sender_report(), n - 65500), drop="replay", table=table)


scenario(name="secure_there_and_back", tables=2, secure=True)(partial(_secure, into=CM, out=GCM))
scenario(name="secure_there_and_back_f8", tables=2, secure=True)(
    partial(_secure, into=suite("AES_F8", 1), out=suite("AES_CM_192", 2)))


@scenario(tables=2, secure=True)
def numbers_sent_are_never_sent_again(s: Scenario) -> None:
    """T14: also where the stream itself is plain on the way in."""
    s.add(outputs=(Out(keys=CM),))
    for n in range(65530, 65545):
        s.send(rtp(n))
    s.move(0, 1)
    s.send(rtp(65544), table=1, out={0: FAILS})
    s.send(rtp(65545), table=1)


@scenario(tables=2, secure=True)
def copied_and_merged(s: Scenario) -> None:
    """The other engine already has the target and has seen packets of its own: what either saw counts."""
    s.add(keys=CM, outputs=(Out(keys=GCM), Out("far1", "b1")), table=1)
    packets = {n: (rtp(n), seal_rtp(CM, rtp(n), n >> 16)) for n in range(65530, 65561)}
    for n in range(65530, 65560, 3):
        s.send(packets[n][0], wire=packets[n][1], table=1)
    s.add(keys=CM, outputs=(Out(keys=GCM, dst="b2"),))
    for n in (m for m in range(65530, 65560) if (m - 65530) % 3):
        s.send(packets[n][0], wire=packets[n][1])
    s.check(table=0, remove=True)
    s.merge(0, 1)
    for n in range(65530, 65560):
        s.send(b"", wire=packets[n][1], drop="replay", table=1)
    s.send(packets[65560][0], wire=packets[65560][1], table=1)


def _dies(s: Scenario, keys: Keys | None) -> None:
    """The next owner finds the targets as they were, may replace them and go on."""
    out = keys and suite("AES_CM_256", 6)
    s.add(keys=keys, outputs=(Out(keys=out),))
    s.add(local="near1")
    for life in range(3):
        for n in range(65520 + 10 * life, 65530 + 10 * life):
            plain = rtp(n)
            s.send(plain, wire=seal_rtp(keys, plain, n >> 16) if keys else plain)
            s.send(rtp(n), to="near1")
        s.succeed()
        s.check()
        if life == 1:
            s.add(keys=keys, outputs=(Out(keys=out), Out("far1", "b1")), replaces=True)
    if keys:
        s.send(b"", wire=seal_rtp(keys, rtp(65549), 0), drop="replay")
        s.send(b"", wire=seal_rtp(keys, rtp(65549), 1), drop="replay")
    s.check("near1", remove=True)
    s.succeed()


scenario(name="owner_dies")(partial(_dies, keys=None))
scenario(name="owner_dies_secure", secure=True)(partial(_dies, keys=GCM))


@scenario(secure=True)
def the_next_owner_hands_over(s: Scenario) -> None:
    """A daemon that died: its successor takes target and state out of the table and puts them in again."""
    s.add(keys=CM, outputs=(Out(keys=GCM),), flags=abi.RTP)
    for n in range(65530, 65540):
        plain = rtp(n)
        s.send(plain, wire=seal_rtp(CM, plain, n >> 16))
        s.send(sender_report(), wire=seal_rtcp(CM, sender_report(), n - 65530))
    s.succeed()
    s.move(0, 0)
    s.send(b"", wire=seal_rtp(CM, rtp(65539), 1), drop="replay")
    s.send(b"", wire=seal_rtcp(CM, sender_report(), 9), drop="replay")
    for n in range(65540, 65545):
        plain = rtp(n)
        s.send(plain, wire=seal_rtp(CM, plain, n >> 16))
        s.send(sender_report(), wire=seal_rtcp(CM, sender_report(), n - 65530))
