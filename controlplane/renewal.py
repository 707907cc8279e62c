# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGHUP: the settings read again, what can change applied, and the rest named."""
from __future__ import annotations

import logging
from collections.abc import Callable

from controlplane.config.options import ALL
from controlplane.config.options_process import LOG_SUBSYSTEMS
from controlplane.config.settings import Settings
from controlplane.errors import ConfigError
from controlplane.log import NOTICE
from controlplane.operator import Operator
from controlplane.precheck import meaningless
from controlplane.proxy import Proxy
from controlplane.servers.tls import Certificate

_log = logging.getLogger("rtpengine.core")
_LOG_LEVEL = "log-level"


class Renewal:
    """Compares what the settings say now with what they said last; what was set by command meanwhile stays. What
    cannot change is compared with the start: it waits until the settings say what the daemon was started with.

    ``certificates`` gives those of the HTTPS listeners.
    """

    def __init__(self, proxy: Proxy, operator: Operator, certificates: Callable[[], list[Certificate]]):
        self._proxy = proxy
        self._operator = operator
        self._certificates = certificates
        self._first = self._last = proxy.settings.at_start()

    def renew(self) -> None:
        """Read everything again; an error leaves it as it is. Nothing is raised."""
        try:
            newer = self._proxy.settings.again()
            slips = list(meaningless(newer))
        except ConfigError as error:
            _log.error("SIGHUP: settings stay as they are: %s", error)
            return
        done = [option.name for option in ALL if option.runtime and newer.start[option.name] != self._last.start[
            option.name]]
        wait = [option.name for option in ALL if not option.runtime and newer.start[option.name] != self._first.start[
            option.name]]
        for name in done:
            if not name.startswith(_LOG_LEVEL):
                self._operator.change(name.replace("-", "_"), newer.start[name])
        if any(name.startswith(_LOG_LEVEL) for name in done):
            self._set_log_levels(newer)
        self._proxy.renew_templates(newer)
        self._last = newer
        for slip in slips:
            _log.warning("SIGHUP: %s", slip)
        _log.log(NOTICE, "SIGHUP: settings are read again; changed: %s%s", _listed(done),
                 f"; waiting for a restart: {_listed(wait)}" if wait else "")
        self._renew_certificate()

    def _set_log_levels(self, newer: Settings) -> None:
        for name in (_LOG_LEVEL, *(f"{_LOG_LEVEL}-{subsystem}" for subsystem in LOG_SUBSYSTEMS)):
            self._proxy.settings.set(name, newer.start[name])
        for subsystem, level in newer.log_levels(LOG_SUBSYSTEMS).items():
            self._operator.set_log_level(subsystem, level)

    def _renew_certificate(self) -> None:
        certificates = self._certificates()
        try:
            for certificate in certificates:
                certificate.reload()
            if certificates:
                _log.log(NOTICE, "SIGHUP: the HTTPS certificate is read again")
        except ConfigError as error:
            _log.error("SIGHUP: HTTPS goes on with the certificate it has: %s", error)


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing"
