# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs test cases in the guest: run.py MODULE.KO RESULTS NAME...

NAME is "module:function", or that of a test in tests/attack. Writes one JSON line per case to RESULTS. A case fails by
an exception or by what it leaves in the kernel log.
"""
import importlib
import json
import os
import re
import sys
import time
import traceback

from tests.kernel.guest import crew, leaks, net

TROUBLE = re.compile(
    r"WARNING:|BUG:|Oops|general protection|Call Trace|kernel panic|unregister_netdevice|refcount_t|stall|lockup|"
    r"scheduling while atomic|hung task|blocked for more|memory leak|use-after-free|segfault|UBSAN|ODEBUG|(?-i:INFO:)",
    re.IGNORECASE)


class KernelLog:
    """The kernel's messages since the last look."""

    def __init__(self) -> None:
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        self.fresh()

    def fresh(self) -> list[str]:
        """New messages."""
        found = []
        while True:
            try:
                found.append(os.read(self.fd, 8192).decode(errors="replace").partition(";")[2].rstrip())
            except BlockingIOError:
                return found
            except BrokenPipeError:     # overrun: go on with the oldest kept
                continue


def call_case(name: str) -> tuple[re.Pattern[str] | None, str]:
    """Runs one case; what its module lets the kernel say, and why the case was skipped, if it was."""
    module, _, function = name.partition(":")
    if module.startswith("tests/"):
        return None, importlib.import_module("tests.kernel.guest.attacks").run(name)
    cases = importlib.import_module(f"tests.kernel.guest.{module}")
    getattr(cases, function)()
    return getattr(cases, "EXPECTED", None), ""


def run_case(name: str, log: KernelLog) -> tuple[str, str]:
    """Runs one case; what is wrong and why it was skipped, or ""."""
    try:
        expected, skipped = call_case(name)
    except BaseException:       # noqa: B902 - whatever a case raises is its result
        return traceback.format_exc() + "\n".join(["kernel log:", *log.fresh()]), ""
    said = log.fresh()
    bad = any(TROUBLE.search(line) and not (expected and expected.search(line)) for line in said)
    return "\n".join(said) if bad else "", skipped


def main() -> int:
    """Sets up, runs the cases, unloads."""
    module, results, *names = sys.argv[1:]
    os.environ["RTPE_MODULE"] = module
    log = KernelLog()
    leaks.forget()
    net.setup()
    net.sh("modprobe -a x_tables veth")
    net.sh(f"insmod {module}")
    with open(results, "a", encoding="utf-8") as out:
        for name in names:
            begin = time.monotonic()
            crew.NUMBERS.clear()
            trouble, skipped = run_case(name, log)
            out.write(json.dumps({"name": name, "trouble": trouble, "skipped": skipped,
                                  "seconds": time.monotonic() - begin, "numbers": crew.NUMBERS}) + "\n")
            out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
