# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual page rtpengine(8), made from the option table: ``python -m controlplane.config.manual > rtpengine.8``."""
from __future__ import annotations

import sys
from collections.abc import Iterator

from controlplane.config.help import remarks, syntax
from controlplane.config.option import Support
from controlplane.config.options import GROUPS

_DESCRIPTION = """\
rtpengine relays the RTP and RTCP of calls that a SIP proxy describes to it over the ng protocol. Settings come
from their defaults, then from the section [rtpengine] of /etc/rtpengine/rtpengine.conf, then from the command
line. Every option below is a key of that file too, without the dashes; lists are separated by semicolons there,
and flags are true or false."""
_FILES = (("/etc/rtpengine/rtpengine.conf", "settings, read if it exists"),
          ("/proc/rtpengine/", "forwarding tables of the kernel module xt_RTPENGINE"))
_RENEWAL = ("read the settings again, with templates and the HTTPS certificate; changeable options change, others wait "
            "for a restart, and a mistake changes nothing")
_ENVIRONMENT = (("RTPENGINE_REDIS_AUTH_PW", "password of the server of redis, if that does not contain one"),
                ("RTPENGINE_REDIS_WRITE_AUTH_PW", "the same for redis-write"),
                ("RTPENGINE_REDIS_SUBSCRIBE_AUTH_PW", "the same for redis-subscribe"))
_SIGNALS = (("SIGINT, SIGTERM", "orderly shutdown"), ("SIGHUP", _RENEWAL),
            ("SIGUSR1", "log less"), ("SIGUSR2", "log more"))


def manual() -> str:
    """The page as roff source."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield ".TH RTPENGINE 8"
    yield from (".SH NAME", r"rtpengine \- RTP media proxy with in-kernel forwarding")
    yield from (".SH SYNOPSIS", ".B rtpengine", r"[\fIOPTION\fR...]")
    yield from (".SH DESCRIPTION", *map(_escaped, _DESCRIPTION.splitlines()))
    yield ".SH OPTIONS"
    for title, options in GROUPS.items():
        yield f".SS {_escaped(title)}"
        for option in options:
            note = "" if option.support is Support.WORKS else f" [{option.support.value}]"
            yield from (".TP", rf"\fB{_escaped(syntax(option))}\fR", _escaped(remarks(option) + note))
    for heading, rows in (("FILES", _FILES), ("ENVIRONMENT", _ENVIRONMENT), ("SIGNALS", _SIGNALS)):
        yield f".SH {heading}"
        for name, text in rows:
            yield from (".TP", _escaped(name), _escaped(text))
    yield from (".SH EXIT STATUS", "0 after an orderly shutdown, 1 if it cannot start.")
    yield from (".SH SEE ALSO", r"rtpengine\-ctl(8)")


def _escaped(text: str) -> str:
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return r"\&" + text if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.stdout.write(manual())
