# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``rtpengine``."""
from __future__ import annotations

import logging
import signal
import sys

from controlplane import VERSION, log, process
from controlplane.config import help as options_help
from controlplane.config.check import check
from controlplane.config.faults import Faults
from controlplane.config.load import gather
from controlplane.config.settings import Settings
from controlplane.errors import ConfigError

_RULE_ACTIONS = ("nftables-start", "nftables-stop", "nftables-status")


def main() -> None:
    """Run with the arguments of the process; exits 0 after an orderly stop, 1 after an error told on stderr."""
    try:
        faults = Faults()
        settings = gather(sys.argv[1:], faults)
        try:
            process.hide_arguments(settings.secrets)
        except OSError as error:
            process.complain(f"Warning: everybody can see the secrets in the command line: {error.strerror}")
        if settings.action == "check-config" or (faults.reasons and settings.action is None):
            _check(settings, faults)
            return
        faults.settle()
        if settings.action in _RULE_ACTIONS:
            sys.exit(_rule_action(settings))
        if settings.action is not None:
            print(options_help.answer(settings.action, VERSION), end="")
            return
    except ConfigError as error:
        for reason in error.reasons:
            process.complain(f"Fatal error: {reason}")
        sys.exit(1)
    sys.exit(_serve(settings))


def _check(settings: Settings, faults: Faults) -> None:
    """Look for everything else that is wrong with the settings. ConfigError if something is."""
    from controlplane.precheck import inspect
    inspect(settings, faults)
    if not faults.options & {"interface", "interfaces-config"}:
        with faults.kept():
            check(settings)
    for warning in settings.warnings:
        process.complain(f"Warning: {warning}")
    faults.settle()
    print("The settings are in order.")


def _rule_action(settings: Settings) -> int:
    """Install, remove or check the firewall rule; 1 if the check says it is missing."""
    from controlplane.dataplane.firewall import Firewall, rule_of
    firewall = Firewall(rule_of(settings.accelerator, settings.table, settings.nfqueue_number),
                        settings.iptables_backend)
    if settings.action == "nftables-start":
        firewall.install()
    elif settings.action == "nftables-stop":
        firewall.remove()
    elif missing := firewall.missing_families():
        print(f"Netfilter rules check NOT successful: no rule for {', '.join(f'IPv{f}' for f in missing)}")
        return 1
    else:
        print("Netfilter rules check SUCCESSFUL")
        return 0
    print("Success")
    return 0


def _serve(settings: Settings) -> int:
    ready = process.go_background() if not settings.foreground else None
    running = log.setup(settings)
    core = logging.getLogger("rtpengine.core")
    try:
        # Imported late: it starts with the C extension, which --help and a bad option do not need.
        from controlplane.app import run
        from controlplane.precheck import examine
        examine(settings)
        run(settings, running, ready)
    except ConfigError as error:
        for reason in error.reasons:
            core.critical("Fatal error: %s", reason)
        return 1
    except KeyboardInterrupt:  # before the daemon listens, that is, before it handles the signal itself
        return 128 + signal.SIGINT
    finally:
        running.close()
    return 0


if __name__ == "__main__":
    main()
