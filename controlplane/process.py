# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon as a Unix process: into the background, pid file, resource limits."""
from __future__ import annotations

import logging
import os
import resource
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from controlplane.errors import ConfigError

_log = logging.getLogger("rtpengine.core")
_MOST_FILES = 2**20 - 1
_FEWEST_FILES = 65536
_ARGUMENTS = 45
"""Where proc(5) has ``arg_start`` and ``arg_end``, counted from the state of the process."""


def go_background() -> Callable[[], None]:
    """Fork; the parent waits and exits with 0 once the child calls what this returns, or with the child's status.

    Until then the child keeps its standard streams, so that a failure to start is seen; afterwards it has none,
    and it leads a process group. Must come before any thread is started.
    """
    waiting, telling = os.pipe()
    child = os.fork()
    if child:
        os.close(telling)
        if os.read(waiting, 1):
            os._exit(0)
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xff)
    os.close(waiting)
    os.setpgid(0, 0)

    def ready() -> None:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        if null > 2:
            os.close(null)
        os.write(telling, b"1")
        os.close(telling)
    return ready


def write_pid_file(path: str) -> None:
    """The process number in decimal with a line feed. ConfigError if it cannot be written."""
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    except OSError as error:
        raise ConfigError(f"pidfile {path}: {error.strerror}") from None


def remove_pid_file(path: str) -> None:
    """Take away the file of ``write_pid_file``, unless another process has written its own number meanwhile."""
    try:
        with open(path, encoding="ascii") as file:
            ours = file.read().strip() == str(os.getpid())
        if ours:
            os.unlink(path)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        _log.info("pidfile %s stays: %s", path, error)


def raise_open_files() -> int:
    """As many open files as the system grants (each media port is one); returns the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES
    while wanted > max(soft, _FEWEST_FILES):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
            return wanted
        except (OSError, ValueError):
            wanted //= 2
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft


def open_files() -> int | None:
    """The soft limit of open files, None if there is none."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def set_open_files(limit: int) -> None:
    """Set soft and hard limit. OSError if the process may not."""
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    except ValueError as error:
        raise OSError(1, str(error)) from None


def hide_arguments(words: Iterable[str]) -> None:
    """Let nobody see these words in the command line of this process, where they are already known.

    OSError if the kernel does not let us.
    """
    hidden = [word.encode("utf-8", "surrogateescape") for word in words]
    if not hidden:
        return
    numbers = Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    start, end = (int(number) for number in numbers[_ARGUMENTS:_ARGUMENTS + 2])
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(start)
        line = memory.read(end - start)
        for word in hidden:
            line = line.replace(word, b"*" * len(word))
        memory.seek(start)
        memory.write(line)


def complain(text: str) -> None:
    """One line on standard error, for what happens before there is a log."""
    print(text, file=sys.stderr, flush=True)
