# SPDX-License-Identifier: GPL-3.0-or-later
"""Records in the log: whole lines at level INFO with a facility of their own."""
from __future__ import annotations

import logging
import syslog
from collections.abc import Callable

from controlplane.devlog import LOCAL
from controlplane.log import harmless

_log = logging.getLogger("rtpengine.records")


def recorder(facility: str, to_stderr: bool, send: Callable[[int, str], None] = LOCAL.send) -> Callable[[str], None]:
    """What writes a record: to syslog, or where the log goes if that is standard error, which has no facilities."""
    if to_stderr:
        _log.setLevel(logging.INFO)
        return lambda line: _log.info("%s", line)
    priority: int = syslog.LOG_INFO | getattr(syslog, f"LOG_{facility.upper()}")
    return lambda line: send(priority, harmless(line))
