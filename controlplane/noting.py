# SPDX-License-Identifier: GPL-3.0-or-later
"""Noting what happens to calls outside of the sessions: requests, refusals, and what the engines do."""
from __future__ import annotations

from collections.abc import Callable, Iterable

from controlplane.addresses import Endpoint
from controlplane.errors import DataPlaneError
from controlplane.ng.request import Request
from controlplane.session.call import Call
from controlplane.session.calls import Calls
from controlplane.session.trail import ENGINE, FAILED, TERMINATED, note_command, note_refusal


class Notes:
    """On the trails of ``calls``; ``clock`` gives Unix time in seconds."""

    def __init__(self, calls: Calls, clock: Callable[[], float]) -> None:
        self._calls = calls
        self._clock = clock

    def request(self, request: Request) -> None:
        """A request that may concern several calls is about to be carried out."""
        for call_id in {request.call_id, request.to_call_id, *request.calls}:
            call = self._calls.find(call_id) if call_id is not None else None
            if call is not None:
                note_command(call.trail, request, self._clock())

    def refused(self, request: Request, message: str) -> None:
        """A request got an error in reply."""
        call = self._calls.find(request.call_id) if request.call_id is not None else None
        if call is not None:
            note_refusal(call.trail, request, message, self._clock())
        else:
            self._calls.past.refused(request, message, self._clock())

    def moved(self, moves: Iterable[tuple[Endpoint, str]]) -> None:
        """Sockets have come into the accelerator or left it; with the reason why they left."""
        for local, why in moves:
            self._of_socket(local, ENGINE, (local, why))

    def failed(self, local: Endpoint, error: DataPlaneError) -> None:
        """A socket cannot be used any more."""
        self._of_socket(local, FAILED, (local, str(error)))

    def _of_socket(self, local: Endpoint, kind: str, what: tuple[object, ...]) -> None:
        owner = self._calls.owner(local)
        if owner is not None:
            owner[0].trail.note(self._clock(), kind, what)

    def terminated(self, call: Call, why: str) -> None:
        """Somebody wants the call to end."""
        call.trail.note(self._clock(), TERMINATED, (why,))
