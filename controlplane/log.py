# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging: syslog levels, one logger per subsystem (``rtpengine.core`` ...), lines that name their call.

Whatever comes from peers is made harmless here, once, on its way out: a call id cannot forge a line.
"""
from __future__ import annotations

import logging
import os
import re
import sys
import syslog
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar, Token
from typing import Any, NamedTuple, Protocol, TextIO

from controlplane.devlog import LOCAL

ROOT = "rtpengine"
NOTICE = 25
REPEAT_SECONDS = 15.0

LEVEL_NAMES = ("EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG")
_PYTHON_LEVELS = (70, 60, logging.CRITICAL, logging.ERROR, logging.WARNING, NOTICE, logging.INFO, logging.DEBUG)
_NEVER = 1000
_OPTION_PREFIX = "log-level-"
_SYSLOG_LENGTH = 500
_MAX_NAME = 256
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


class LogSettings(Protocol):
    """The settings that logging reads; ``current`` holds ``log-level-<subsystem>`` for each subsystem."""

    log_level: int
    log_facility: str
    log_format: str
    log_stderr: bool
    no_log_timestamps: bool
    split_logs: bool
    max_log_line_length: int
    log_name: str
    log_mark_prefix: str
    log_mark_suffix: str

    @property
    def current(self) -> Mapping[str, Any]:
        """Option values by name."""


class CallContext(NamedTuple):
    """The call, and perhaps the party, medium and local port, that log lines are about."""

    call_id: str
    tag: str = ""
    medium: int | None = None
    port: int | None = None


_context: ContextVar[CallContext | None] = ContextVar("call", default=None)


def name_call(call_id: str) -> Token[CallContext | None]:
    """Lines logged from now on name this call, until forget_call() gets what this returns."""
    return _context.set(CallContext(call_id))


forget_call = _context.reset


class about_call:
    """Lines logged inside the ``with`` block, and by tasks started there, name this call."""

    __slots__ = "_about", "_before"

    def __init__(self, call_id: str, tag: str = "", medium: int | None = None, port: int | None = None):
        self._about = CallContext(call_id, tag, medium, port)

    def __enter__(self) -> None:
        self._before = _context.set(self._about)

    def __exit__(self, *error: object) -> None:
        _context.reset(self._before)


def harmless(text: str, limit: int | None = None) -> str:
    """Untrusted text as one printable line: control, direction and stray characters escaped, at most ``limit``."""
    if limit is not None and len(text) > limit:
        text = text[:limit] + "..."
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    if 0xdc80 <= code <= 0xdcff:  # a byte that was not UTF-8
        return f"\\x{code - 0xdc00:02x}"
    return _SHORT_ESCAPES.get(char) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def _python_level(number: int) -> int:
    """The level of the logging module for a syslog level; below 0 nothing is logged."""
    return _NEVER if number < 0 else _PYTHON_LEVELS[min(number, 7)]


def level_number(python_level: int) -> int:
    """The syslog level, 0 to 7, of a level of the logging module."""
    return next((number for number, level in enumerate(_PYTHON_LEVELS) if python_level >= level), 7)


class Lines:
    """Turns a log record into the lines to write, without time and level.

    ``length`` is the greatest length of a line's text, 0 for unlimited.
    """

    def __init__(self, parsable: bool = False, split: bool = False, length: int = 0,
                 mark: tuple[str, str] = ("", "")):
        self.parsable = parsable
        self.split = split
        self.length = length
        self.mark = mark

    def lines(self, record: logging.LogRecord) -> list[str]:
        """At least one line; those of a traceback follow those of the message."""
        message = record.getMessage()
        texts = re.split(r"\r?\n", message.rstrip("\r\n")) if self.split else [message]
        if record.exc_info:
            texts += logging.Formatter().formatException(record.exc_info).split("\n")
        prefix = self.prefix(_context.get())
        return [prefix + piece for text in texts for piece in self._pieces(harmless(text))]

    def prefix(self, context: CallContext | None) -> str:
        """``[callid]: ``, or with all that is known ``[callid/tag/index port N]: ``; empty without call."""
        if context is None:
            return ""
        if self.parsable:
            values = (("ID", self._marked(context.call_id)), ("tag", self._marked(context.tag)),
                      ("index", context.medium), ("port", context.port))
            return "[" + " ".join(f'{key}="{value}"' for key, value in values if value not in (None, "")) + "]: "
        text = self._marked(context.call_id)
        text += "/" + self._marked(context.tag) if context.tag else ""
        text += f"/{context.medium}" if context.medium is not None else ""
        return f"[{text}]: " if context.port is None else f"[{text} port {context.port}]: "

    def _marked(self, name: str) -> str:
        if not name:
            return ""
        return self.mark[0] + harmless(name, _MAX_NAME).replace('"', "\\x22") + self.mark[1]

    def _pieces(self, text: str) -> Iterator[str]:
        room = max(self.length - 8, 8)
        if self.length == 0 or len(text) <= self.length:
            yield text
            return
        for start in range(0, len(text), room):
            yield ("... " if start else "") + text[start:start + room] + (" ..." if start + room < len(text) else "")


class StderrHandler(logging.Handler):
    """Writes ``[seconds.microseconds] LEVEL: text``; for the journal each line begins with ``<level number>``."""

    def __init__(self, lines: Lines, timestamps: bool, journal: bool = False, stream: TextIO | None = None):
        super().__init__()
        self.lines = lines
        self.timestamps = timestamps
        self.journal = journal
        self.stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write all lines of a record at once."""
        try:
            number = level_number(record.levelno)
            head = f"<{number}>" if self.journal else ""
            head += f"[{record.created:.6f}] " if self.timestamps else ""
            head += LEVEL_NAMES[number] + ": "
            stream = self.stream or sys.stderr
            stream.write("".join(f"{head}{line}\n" for line in self.lines.lines(record)))
            stream.flush()
        except Exception:  # logging must not bring the caller down; the module's own last resort reports it
            self.handleError(record)


class SyslogHandler(logging.Handler):
    """Sends each line to syslog with its level; ``send`` takes level number and text."""

    def __init__(self, lines: Lines, send: Callable[[int, str], None] = LOCAL.send):
        super().__init__()
        self.lines = lines
        self.send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send the lines of a record one by one."""
        try:
            number = level_number(record.levelno)
            for line in self.lines.lines(record):
                self.send(number, line)
        except Exception:  # as above
            self.handleError(record)


class Log:
    """The running log: levels can be changed per subsystem, handlers are removed by ``close``.

    ``debugged`` holds the call-ids about which everything is logged, whatever the levels.
    """

    def __init__(self, levels: Mapping[str, int], handlers: list[logging.Handler], early: logging.Handler | None):
        self.levels: dict[str, int] = {}
        self.debugged: set[str] = set()
        self._handlers = handlers
        self._early = early
        root = logging.getLogger()
        root.setLevel(logging.WARNING)
        for handler in handlers:
            handler.addFilter(self._wanted)
            root.addHandler(handler)
        for subsystem, number in levels.items():
            self.set_level(number, subsystem)

    def set_level(self, number: int, subsystem: str | None = None) -> None:
        """Log messages up to this syslog level, of one subsystem or of all; negative is none. KeyError if unknown."""
        for name in [subsystem] if subsystem else list(self.levels):
            self.levels[name] = number
            self._apply(name)

    def debug_call(self, call_id: str, on: bool) -> None:
        """Begin or end logging everything about one call."""
        (self.debugged.add if on else self.debugged.discard)(call_id)
        for name in self.levels:
            self._apply(name)

    def _apply(self, name: str) -> None:
        """Set a logger's level; while calls are debugged it lets everything through to the handlers' filter."""
        level = logging.DEBUG if self.debugged else _python_level(self.levels[name])
        logging.getLogger(f"{ROOT}.{name}").setLevel(level)
        if name == "core":
            logging.getLogger(ROOT).setLevel(level)

    def _wanted(self, record: logging.LogRecord) -> bool:
        context = _context.get()
        if not self.debugged or (context is not None and context.call_id in self.debugged):
            return True
        name = record.name.removeprefix(f"{ROOT}.")
        return record.levelno >= _python_level(self.levels.get(name, self.levels.get("core", 6)))

    def shift(self, by: int) -> None:
        """Make every subsystem that is not off say more (positive) or less, between emergencies and everything."""
        for name, number in list(self.levels.items()):
            if number >= 0:
                self.set_level(min(max(number + by, 0), 7), name)

    def detached(self) -> None:
        """From now on nobody reads standard error: warnings go to syslog alone."""
        if self._early:
            logging.getLogger().removeHandler(self._early)
            self._handlers.remove(self._early)
            self._early = None

    def close(self) -> None:
        """Remove the handlers."""
        for handler in self._handlers:
            logging.getLogger().removeHandler(handler)
        self._handlers.clear()
        LOCAL.close()


def setup(settings: LogSettings, stream: TextIO | None = None) -> Log:
    """Start logging as configured: standard error, or syslog with warnings on standard error until ``detached``."""
    for number, name in enumerate(LEVEL_NAMES):
        logging.addLevelName(_PYTHON_LEVELS[number], name)
    length = settings.max_log_line_length
    if length == 0 and not settings.log_stderr:
        length = _SYSLOG_LENGTH
    lines = Lines(settings.log_format == "parsable", settings.split_logs, max(length, 0),
                  (settings.log_mark_prefix, settings.log_mark_suffix))
    stderr = StderrHandler(lines, not settings.no_log_timestamps, stderr_is_journal(os.environ), stream)
    levels = {option[len(_OPTION_PREFIX):]: number or settings.log_level
              for option, number in settings.current.items() if option.startswith(_OPTION_PREFIX)}
    if settings.log_stderr:
        return Log(levels, [stderr], None)
    LOCAL.open(settings.log_name, getattr(syslog, f"LOG_{settings.log_facility.upper()}", syslog.LOG_DAEMON))
    stderr.setLevel(logging.WARNING)
    return Log(levels, [SyslogHandler(lines), stderr], stderr)


def stderr_is_journal(environ: Mapping[str, str], descriptor: int = 2) -> bool:
    """True if standard error leads straight to the journal, which then reads levels from line beginnings."""
    try:
        status = os.fstat(descriptor)
    except OSError:  # closed
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class Seldom:
    """Lets the first of many like messages through and then one per ``seconds``; remembers ``most`` kinds."""

    def __init__(self, seconds: float = REPEAT_SECONDS, clock: Callable[[], float] = time.monotonic,
                 most: int = 1024):
        self.seconds = seconds
        self.clock = clock
        self.most = most
        self._seen: OrderedDict[object, tuple[float, int]] = OrderedDict()

    def log(self, logger: logging.Logger, level: int, kind: object, message: str, *values: object) -> bool:
        """Log unless a message of this ``kind`` was logged just before; tells how many were not. True if logged."""
        now = self.clock()
        since, held_back = self._seen.get(kind, (None, 0))
        if since is not None and now - since < self.seconds:
            self._seen[kind] = (since, held_back + 1)
            return False
        self._seen[kind] = (now, 0)
        self._seen.move_to_end(kind)
        if len(self._seen) > self.most:
            self._seen.popitem(last=False)
        if held_back:
            message += " (and %d more like this)"
            values = (*values, held_back)
        logger.log(level, message, *values)
        return True
