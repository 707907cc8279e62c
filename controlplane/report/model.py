# SPDX-License-Identifier: GPL-3.0-or-later
"""What the reports read of the sessions and the ports: shapes only, implemented elsewhere."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from controlplane.addresses import Address, Endpoint
from controlplane.events import StreamStats


class State(NamedTuple):
    """How far it is clear where a stream's party is, and how; whose packets are let in; who serves it, and why not
    the accelerator (empty if it does)."""

    path: str
    reason: str
    admitted: str
    engine: str
    why: str

    def __str__(self) -> str:
        served = f"{self.engine}, as {self.why}" if self.why else self.engine
        return f"{self.path}, as {self.reason}; let in: {self.admitted}; served by {served}"

    def document(self) -> dict[str, str]:
        """The same for ng and JSON."""
        return self._asdict()


NO_STATES: Mapping[Endpoint, State] = {}


class Stream(Protocol):
    """One socket of a medium."""

    @property
    def local(self) -> Endpoint | None: ...
    @property
    def endpoint(self) -> Endpoint | None: ...
    @property
    def is_rtp(self) -> bool: ...
    @property
    def is_rtcp(self) -> bool: ...
    @property
    def stats(self) -> StreamStats: ...
    @property
    def created(self) -> float: ...


class Media(Protocol):
    """One m-line of a party; ``index`` counts from 1.

    ``codecs`` are ENCODING/clock[/channels] by payload type, ``peers`` the media of other parties it is linked to.
    ``ice_state`` and ``dtls_state`` tell how far those are, with the reason of a failure; empty without.
    ``srtp_state`` names the suite, empty for a plain medium.
    """

    @property
    def index(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def protocol(self) -> str: ...
    @property
    def codecs(self) -> Mapping[int, str]: ...
    @property
    def peers(self) -> Sequence[Media]: ...
    @property
    def streams(self) -> Sequence[Stream]: ...
    @property
    def ice_state(self) -> str: ...
    @property
    def srtp_state(self) -> str: ...
    @property
    def dtls_state(self) -> str: ...


class Party(Protocol):
    """One side of a call. ``ended`` is when it was said that it is over, ``peers`` are whom it talks to."""

    @property
    def tag(self) -> str | None: ...
    @property
    def type(self) -> str: ...
    @property
    def aliases(self) -> Sequence[str]: ...
    @property
    def label(self) -> str | None: ...
    @property
    def branch(self) -> str | None: ...
    @property
    def created(self) -> float: ...
    @property
    def ended(self) -> float | None: ...
    def duration(self, now: float) -> float: ...
    @property
    def peers(self) -> Sequence[Party]: ...
    @property
    def deletion_at(self) -> float | None: ...
    @property
    def medias(self) -> Sequence[Media]: ...


class Call(Protocol):
    """One call; times are Unix time in seconds."""

    @property
    def call_id(self) -> str: ...
    @property
    def created(self) -> float: ...
    @property
    def last_signal(self) -> float: ...
    @property
    def created_from(self) -> str: ...
    @property
    def tos(self) -> int: ...
    @property
    def hosted_db(self) -> int: ...
    @property
    def stored_at(self) -> float: ...
    @property
    def parties(self) -> Sequence[Party]: ...


class PortUsage(Protocol):
    """A local address of a logical interface with its port range (both ends included) and the ports in use."""

    @property
    def name(self) -> str: ...
    @property
    def address(self) -> Address: ...
    @property
    def port_min(self) -> int: ...
    @property
    def port_max(self) -> int: ...
    @property
    def used(self) -> int: ...


class Sources(Protocol):
    """Where a report takes its facts from, apart from the counters."""

    def calls(self) -> Mapping[str, Call]:
        """Every call by its call-ID."""

    def interfaces(self) -> Sequence[PortUsage]:
        """The local addresses in the order of the configuration."""


def is_foreign(call: Call) -> bool:
    """True for a call that another node owns; such calls carry a true attribute ``foreign``."""
    return bool(getattr(call, "foreign", False))
