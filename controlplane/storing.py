# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling a store which calls are not what they were."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from controlplane.addresses import Endpoint
from controlplane.ng.dispatch import Handler
from controlplane.ng.later import Later
from controlplane.ng.reply import Reply
from controlplane.ng.request import Request
from controlplane.session.call import Call
from controlplane.session.calls import Calls


class Store(Protocol):
    """Who keeps calls for other processes."""

    def changed(self, call: Call, *, signalled: bool = False) -> None:
        """A call is not what it was; ``signalled``: by a request."""

    def ended(self, call: Call) -> None:
        """A call is about to lose its sockets."""


class Storing:
    """Between the calls and their ``store``, if there is one; ``unstored`` is the call that the present request wants
    to be left as it is stored."""

    def __init__(self, calls: Calls) -> None:
        self.store: Store | None = None
        self.unstored: Call | None = None
        self._calls = calls

    def storing(self, handler: Handler) -> Handler:
        """``handler``, whose calls are stored afterwards."""
        def handle(request: Request) -> Reply | Later[Reply]:
            try:
                return handler(request)
            finally:
                self._signalled(request)
        return handle

    def _signalled(self, request: Request) -> None:
        for call_id in (request.call_id, request.to_call_id, *request.calls):
            call = self._calls.find(call_id) if call_id is not None else None
            if call is not None and "no-redis-update" in request.flags:
                self.unstored = call
            elif call is not None and self.store is not None:
                self.store.changed(call, signalled=True)

    def owners_changed(self, sockets: Iterable[Endpoint]) -> None:
        """The calls of these sockets have changed."""
        if self.store is None:
            return
        found = [owner for local in sockets if (owner := self._calls.owner(local)) is not None]
        for call in {id(call): call for call, _ in found}.values():
            if call is not self.unstored:
                self.store.changed(call)

    def ended(self, call: Call) -> None:
        """A call is about to lose its sockets."""
        if self.store is not None:
            self.store.ended(call)
