# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that a process leaves to the next one on this host, through a file: a document a line."""
from __future__ import annotations

import logging
import os
from pathlib import Path

from controlplane.errors import PeerError
from controlplane.persist.encoding import from_bytes, to_bytes
from controlplane.proxy import Proxy

_log = logging.getLogger("rtpengine.core")


def leave_calls(proxy: Proxy, path: Path) -> int:
    """Write all calls of our own; returns how many. OSError. The file has keys in it and is nobody else's to read."""
    lines = []
    for call in proxy.calls.calls.values():
        if call.foreign:
            continue
        try:
            lines.append(to_bytes(proxy.document(call)) + b"\n")
        except Exception:   # one that cannot be written must not end the others
            _log.exception("Call %s is not handed on", call.call_id)
    partial = path.with_name(path.name + ".part")
    partial.unlink(missing_ok=True)
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines(lines)
        partial.replace(path)
    except OSError:     # the disk is full: half of the keys helps nobody
        partial.unlink(missing_ok=True)
        raise
    return len(lines)


def take_calls(proxy: Proxy, path: Path) -> int:
    """Go on with the calls that were left there; returns how many. The file is removed: it holds only once."""
    try:
        data = path.read_bytes()
        path.unlink()
    except FileNotFoundError:
        return 0
    except OSError as error:
        _log.error("Calls of the process before are lost: %s", error)
        return 0
    restored = 0
    for line in data.splitlines():
        call_id: object = "?"
        try:
            document = from_bytes(line)
            call_id = document.get("call_id")
            proxy.restore(document)
            restored += 1
        except PeerError as error:
            _log.error("A call of the process before is lost, %.80r: %s", call_id, error)
        except Exception:   # one that cannot be read must not end the others
            _log.exception("A call of the process before is lost, %.80r", call_id)
    return restored
