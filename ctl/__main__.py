# SPDX-License-Identifier: GPL-3.0-or-later
"""``rtpengine-ctl``: sends an operator's command to the daemon and prints the reply."""
from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

import typer

from ctl import client, commands, completion, options, replies, slips, target

OK, USAGE, UNREACHABLE, NO_REPLY, FAILED = range(5)
_MAY_BE_SILENT = ("params",)
"""Commands that print nothing if there is nothing to tell: no difference, nothing to put back."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(add_help_option=False, context_settings={
    "ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False,
    "help_option_names": []})
def command(context: typer.Context) -> None:
    """Run one command; the options are read here, since they take one dash as well as two."""
    raise typer.Exit(run(context.args))


def run(arguments: Sequence[str]) -> int:
    """Do what the command line asks for and return the exit status."""
    chosen = options.Options()
    try:
        chosen = options.parse(arguments)
        if chosen.words[:1] == ("rule",) and not chosen.help:
            from ctl.rulecommand import run_rule
            return run_rule(list(chosen.words[1:]))
        if chosen.words[:1] == ("complete",) and not chosen.help:
            return completion.complete(chosen.words[1:])
        if chosen.words[:1] == ("doctor",) and not chosen.help:
            from ctl.doctor.command import run_doctor
            return run_doctor(chosen, list(chosen.words[1:]))
        host, port = target.find(chosen)
        if chosen.words[:1] == ("capture",) and not chosen.help:
            from ctl.capturecommand import run_capture
            return run_capture(list(chosen.words[1:]), host, port)
    except options.UsageError as error:
        _complain(str(error))
        return _usage(target.DEFAULT_HOST, target.DEFAULT_PORT, USAGE)
    words = " ".join(chosen.words).strip()
    if chosen.help or not words:
        return _usage(host, port, OK if chosen.help else USAGE)
    return _command(host, port, f"json {words}" if chosen.json else words)


def _command(host: str, port: int, words: str) -> int:
    first = words.split(" ")[0]
    try:
        reply = _copy(client.ask(host, port, words))
    except client.Unreachable as error:
        _complain(str(error))
        if first not in commands.KEYWORDS and not _told_meant(words):
            _print(commands.HEADER + commands.DAEMON + commands.LOCAL)
        return UNREACHABLE
    except client.NoReply as error:
        _complain(str(error))
        return NO_REPLY
    if replies.is_unknown(reply):
        told = _told_meant(words)
        if reply.startswith(f"Unknown command: {first}\n") and first not in commands.KEYWORDS:
            return USAGE if told else _usage(host, port, USAGE)
    if replies.wants_secret(reply):
        _complain(f"The one in {client.SECRET} is wrong" if os.environ.get(client.SECRET) else
                  f"{client.SECRET} is where it is taken from")
    if not reply and first not in _MAY_BE_SILENT:
        _complain("rtpengine answers nothing to that")
        return FAILED
    return FAILED if replies.is_failure(reply) else OK


def _told_meant(words: str) -> bool:
    """Whether the operator could be told which command was meant."""
    keyword = slips.meant(words.split(" "))
    if keyword:
        _complain(f"Did you mean {keyword}?")
    return keyword is not None


def _usage(host: str, port: int, status: int) -> int:
    """Print the daemon's own list of commands, or the one known here if it cannot be asked."""
    try:
        known = b"".join(client.ask(host, port, "usage")).decode("utf-8", "replace")
    except (client.Unreachable, client.NoReply):
        known = ""
    if not known or replies.is_failure(known):
        known = commands.DAEMON
    _print(commands.HEADER + known + commands.LOCAL)
    return status


def _copy(pieces: Iterable[bytes]) -> str:
    """Print the reply unmodified as it comes; its beginning is enough to recognise an error."""
    start = b""
    for piece in pieces:
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        if len(start) < 4096:
            start += piece
    return start.decode("utf-8", "replace")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    """Entry point of the program."""
    try:
        app(prog_name="rtpengine-ctl")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(OK)


if __name__ == "__main__":
    main()
