# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to a call, in words: ``rtpengine-ctl events CALLID``, while it lasts and for a while afterwards."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from controlplane.addresses import Endpoint
from controlplane.report.text import clean
from controlplane.session import timeouts, trail
from controlplane.session.call import Call
from controlplane.session.past import Ended, Total
from controlplane.session.trail import KEPT, Trail

REASONS = {
    timeouts.REGULAR: "deleted as asked for", timeouts.FORCED: "ended from here",
    timeouts.UNKNOWN: "there were no ports for it",
    timeouts.TIMEOUT: "no packets came for as long as the option timeout allows",
    timeouts.SILENT_TIMEOUT: "no packets came, nor were any to be expected, for as long as silent-timeout allows",
    timeouts.OFFER_TIMEOUT: "no packets and no answer came for as long as offer-timeout allows",
    timeouts.FINAL_TIMEOUT: "it lasted as long as final-timeout allows"}
"""What timeouts.py calls the end of a call."""


def of_call(call: Call, now: float) -> Iterator[str]:
    """The lines about a call that goes on; ``now`` is Unix time in seconds."""
    yield f"Call {clean(call.call_id)} from {clean(call.created_from)}, {now - call.created:.1f} s old"
    yield from _lines(call.trail, call.created)


def of_ended(ended: Ended) -> Iterator[str]:
    """The lines about one that is over, or never was."""
    name = clean(" = ".join(ended.call_ids))
    if not ended.reason:
        yield f"Call {name} from {clean(ended.created_from)}, which was never set up"
    else:
        yield (f"Call {name} from {clean(ended.created_from)}, ended after {ended.at - ended.created:.1f} s: "
               f"{ended.reason}, {REASONS.get(ended.reason, 'no longer known here')}")
    yield from _lines(ended.trail, ended.created)
    yield from (_total(total, ended.at) for total in ended.totals)


def refusal(happened: Trail) -> Iterator[tuple[float, str]]:
    """The last request that got an error, if there is one: when, and why."""
    for at, kind, what in reversed(happened.entries):
        if kind == trail.REFUSED:
            yield at, _WORDS[kind](*what)
            return


def _total(total: Total, ended: float) -> str:
    tag, name, local, endpoint, stats = total
    received, sent = stats.user_in + stats.kernel_in, stats.user_out + stats.kernel_out
    last = f", the last {max(0.0, ended - received.last_packet):.1f} s before the end" if received.packets else ""
    return (f"  {name} of '{clean(tag)}', {local} with {endpoint or 'nobody'}: received {received.packets} packets "
            f"({stats.kernel_in.packets} in the accelerator){last}; sent {sent.packets} ({stats.kernel_out.packets})")


def _lines(happened: Trail, created: float) -> Iterator[str]:
    """Each entry with the time of day, as the log has it, and seconds since the call was created."""
    for number, (at, kind, what) in enumerate(happened.entries):
        if number == KEPT and happened.forgotten:
            yield f"  ... {happened.forgotten} entries are forgotten ..."
        clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
        yield f"  {clock}.{int(at % 1 * 1000):03d} {at - created:+9.3f}  {_WORDS[kind](*what)}"


def _command(command: str, from_tag: str | None, to_tag: str | None, client: str) -> str:
    tags = "".join(f", {name} '{clean(tag)}'" for name, tag in (("from-tag", from_tag), ("to-tag", to_tag)) if tag)
    return f"{clean(command)} from {clean(client)}{tags}"


def _refused(command: str, message: str, client: str) -> str:
    return f"{clean(command)} from {clean(client)} refused: {clean(message)}"


def _ports(verb: str) -> Callable[..., str]:
    def words(*sockets: Endpoint) -> str:
        return f"{verb} {', '.join(map(str, sockets))}"
    return words


def _learned(local: Endpoint, source: Endpoint, before: Endpoint | None, after: Endpoint | None, sure: bool) -> str:
    """``before`` and ``after`` are where packets to the party go."""
    what = f"packets to {local} come from {source}"
    if after != before:
        what += f": its party gets packets there, and no longer at {before}"
    elif after != source:
        what += f": its party still gets packets at {after}"
    return what + (", for good" if sure else ", so far")


def _stage(tag: str | None, index: int, name: str, text: str) -> str:
    return f"{name} of medium {index} of '{clean(tag)}': {clean(text) or 'none any more'}"


def _path(tag: str | None, index: int, local: Endpoint, remote: Endpoint) -> str:
    return f"medium {index} of '{clean(tag)}' goes between {local} and {remote}"


def _engine(local: Endpoint, why: str) -> str:
    return f"{local} is served in user space, as {why}" if why else f"{local} is served by the accelerator"


_WORDS: dict[str, Callable[..., Any]] = {
    trail.COMMAND: _command, trail.REFUSED: _refused, trail.OPENED: _ports("opened"), trail.CLOSED: _ports("closed"),
    trail.FAILED: lambda local, why: f"the socket {local} has failed: {why}",
    trail.LEARNED: _learned, trail.STATE: _stage, trail.PATH: _path, trail.ENGINE: _engine,
    trail.DELETED: lambda tag: f"party '{clean(tag)}' has ended",
    trail.SILENT: lambda patience, left: f"no packets for {patience - left:.1f} s; ends in {left:.1f} s if none come",
    trail.HEARD: lambda patience, left: "there are packets again, or signalling",
    trail.RESTORED: lambda: "taken over from another process",
    trail.OWNED: lambda ours: "ours from now on" if ours else "another process's from now on",
    trail.UNREACHABLE: lambda remote, why: f"packets to {remote} do not arrive: {why}",
    trail.TERMINATED: lambda by: f"to end at once: {by}",
    trail.ENDED: lambda reason: f"ended: {reason}"}


def events(call: Call | None, ended: Ended | None, now: float) -> Iterable[str] | None:
    """Of the call that goes on, or else of the one that ended; None if there is neither."""
    if call is not None:
        return of_call(call, now)
    return of_ended(ended) if ended is not None else None
