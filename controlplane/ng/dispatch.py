# SPDX-License-Identifier: GPL-3.0-or-later
"""From the bytes of a request to the bytes of its reply: duplicates, errors, handlers, accounting."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Union

from controlplane.errors import PeerError
from controlplane.ng.commands import ALIASES, NG_NAMES
from controlplane.ng.cookies import CookieCache
from controlplane.ng.frame import BENCODE, Encoding, decode, detect, split_cookie
from controlplane.ng.later import Later
from controlplane.ng.reader import read_request
from controlplane.ng.reply import LoadLimitReached, Reply, RequestFailed, failed, refused, succeeded
from controlplane.ng.request import Request
from controlplane.ng.values import Dictionary, text

_INTERNAL_ERROR = "Internal error"
_LOGGED = 80
"""Characters of a call-ID that log lines show."""

Handler = Callable[[Request], "Reply | Later[Reply]"]
"""Serves one command: gives the reply's own keys, or raises PeerError with the reason it cannot.

What it gives later is a whole reply, with its result (reply.py), and the engines are up to date by then.
"""

Answer = Union[bytes, Later[bytes]]
"""A reply as it goes out."""


def _ignore(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Hooks:
    """Whom the dispatcher tells what; none of them may raise."""

    observe: Callable[[str, str, float, bool], None] = _ignore
    """Every request: command as sent, IP address of the client, seconds it took, whether it ended in an error."""
    warn: Callable[[str, str], None] = _ignore
    """What a client sent: the kind of thing, empty if each has to be told of, and a line for the log."""
    repeated: Callable[[str], None] = _ignore
    """A client, named by ``address:port``, gets a reply again."""
    bug: Callable[[str, Exception], None] = _ignore
    """A handler failed with anything but a PeerError: what was being done, and the exception with its traceback."""


class Dispatcher:
    """Serves requests of all transports; ``clock`` measures them in seconds from any origin."""

    def __init__(self, handlers: Mapping[str, Handler], cookies: CookieCache, clock: Callable[[], float],
                 hooks: Hooks = Hooks(), templates: Mapping[str, str] | None = None):
        self._handlers = dict(handlers)
        self._cookies = cookies
        self._clock = clock
        self._hooks = hooks
        self._templates = {} if templates is None else templates

    def add(self, command: str, handler: Handler) -> None:
        """Serve one more command."""
        self._handlers[command] = handler

    def message(self, data: bytes, source: str, now: float) -> Answer | None:
        """The reply to ``data`` from ``source`` (``address:port``), None if it has no cookie to answer with.

        ``now`` is Unix time in seconds. A repeated cookie gets its reply again without being executed.
        """
        framed = split_cookie(data)
        if framed is None:
            self._hooks.warn("no cookie", f"message without a cookie from {source}")
            return None
        cookie, payload = framed
        reply = self._cookies.reply(cookie, now)
        if reply is not None:
            self._hooks.repeated(source)
        else:
            answer = self.plain(payload, source, now)
            reply = answer.map(partial(_framed, cookie)) if isinstance(answer, Later) else _framed(cookie, answer)
            self._cookies.keep(cookie, reply)
        return reply

    def plain(self, payload: bytes, source: str, now: float) -> Answer:
        """The reply to a message that came without a cookie on a transport that needs none."""
        started = self._clock()
        encoding, command, reply = self._serve(payload, source, now)
        if isinstance(reply, Later):
            return reply.map(partial(self._finished, encoding, command, source, started))
        return self._finished(encoding, command, source, started, reply)

    def _finished(self, encoding: Encoding, command: str, source: str, started: float, reply: Reply) -> bytes:
        reply, encoded = self._encoded(encoding, command, reply)
        self._hooks.observe(command, _host(source), self._clock() - started, reply["result"] == "error")
        return encoded

    def _encoded(self, encoding: Encoding, command: str, reply: Reply) -> tuple[Reply, bytes]:
        try:
            return reply, encoding.encode(reply)
        except Exception as error:
            self._hooks.bug(f"encoding the reply to {command!r}", error)
            reply = failed(_INTERNAL_ERROR)
            return reply, encoding.encode(reply)

    def _serve(self, payload: bytes, source: str, now: float) -> tuple[Encoding, str, Reply | Later[Reply]]:
        encoding, command = BENCODE, ""
        request: Request | None = None
        try:
            encoding = detect(payload)
            message = decode(encoding, payload)
            command = _command(message)
            handler = self._handler(command)
            request = read_request(command, message, encoding, source, now, self._templates)
            return encoding, command, self._run(handler, request)
        except RequestFailed as failure:
            reply = failed(str(failure), {**failure.extra, **_warning(request)})
        except PeerError as error:
            reply = failed(str(error), _warning(request))
            if error.detail:
                self._hooks.warn(str(error), f"message from {source}: {error}: {error.detail}")
        except Exception as bug:
            self._hooks.bug(f"serving {command!r} from {source}", bug)
            reply = failed(_INTERNAL_ERROR)
        return encoding, command, reply

    def _handler(self, command: str) -> Handler:
        handler = self._handlers.get(command)
        if handler is None:
            raise PeerError("No command handler" if command in NG_NAMES else "Unrecognized command")
        return handler

    def _run(self, handler: Handler, request: Request) -> Reply | Later[Reply]:
        for what, names in (("unsupported", request.unsupported), ("unknown", request.unknown),
                            ("ignored", request.ignored)):
            if names:
                call_id = (request.call_id or "")[:_LOGGED]
                self._hooks.warn("", f"{request.command} from {request.created_from}, call {call_id!r}: "
                                     f"{what} {names!r}")
        try:
            reply = handler(request)
            if isinstance(reply, Later):
                warning = _warning(request)
                return reply.map(lambda whole: warning | whole) if warning else reply
            return succeeded(_warned(reply, request))
        except LoadLimitReached as error:
            return refused(error, "load-limit" in request.supports)


def _command(message: Dictionary) -> str:
    raw = message.first(b"command")
    if not isinstance(raw, bytes):
        raise PeerError('Dictionary contains no key "command"')
    command = text(raw)
    return ALIASES.get(command, command)


@lru_cache(1024)
def _host(source: str) -> str:
    return source.rpartition(":")[0].strip("[]")


def _framed(cookie: bytes, encoded: bytes) -> bytes:
    return b"%s %s" % (cookie, encoded)


def _warned(reply: Reply, request: Request) -> Reply:
    """``reply``, with a warning if something that was asked for has been left undone, unless it has one itself."""
    warning = _warning(request)
    return {**reply, **warning} if warning and "warning" not in reply else reply


def _warning(request: Request | None) -> Reply:
    """What of the request was left undone or counts for nothing, if there is such a thing.

    Keys, flags and words that nobody knows are for the log only: older and newer clients have more of them.
    """
    if request is None or not (request.unsupported or request.ignored):
        return {}
    found = [f"{what}: {', '.join(names)}" for what, names in (
        ("Not supported", request.unsupported), ("Ignored", request.ignored)) if names]
    return {"warning": ascii("; ".join(found))[1:-1]}
