# SPDX-License-Identifier: GPL-3.0-or-later
"""A host made up of files in a folder, answers of programs and replies of a daemon."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ctl import client
from ctl.doctor.finding import Finding
from ctl.doctor.host import Clock, Host, Output

RELEASE = "6.1.0-9-test"
PID = 4711
PARAMS = "port-min = 30000\nport-max = 39999\n"
INTERFACE = """\
Interface 'default' address '{address}' ({family})
 Port range: 30000 - 39999
 Ports used: {used:5d} / 10000 (  0.0%)
"""


def replies(params: str = "table = 0\n", sessions: int = 0, used: int = 0,
            addresses: Iterable[str] = ("192.0.2.1",)) -> dict[str, str]:
    """What a daemon says, by command."""
    return {"list numsessions": f"Current sessions own: {sessions}\nCurrent sessions total: {sessions}\n",
            "list maxopenfiles": f"Maximum open-files configured on rtpengine: 1024; cat /proc/{PID}/limits\n",
            "list interfaces": "".join(INTERFACE.format(address=each, used=used,
                                                        family="IPv6" if ":" in each else "IPv4") + "\n"
                                       for each in addresses),
            "params current": PARAMS + params}


class Fake:
    """The parts of a host; ``host`` puts them together. A text is a program's output, an Output how it ended."""

    def __init__(self, root: Path):
        self.root = root
        self.programs: dict[str, str | Output] = {}
        self.replies: Mapping[str, str] | None = None
        self.clock: Clock | None = Clock(0, 0, 5000)
        self.servers: dict[tuple[str, int], bytes] = {}
        self.commands: list[str] = []
        self.file("/proc/sys/kernel/osrelease", RELEASE + "\n")
        self.file("/sys/devices/system/cpu/online", "0-3\n")
        self.file(f"/proc/{PID}/cmdline", "/usr/lib/rtpengine/bin/python\0/usr/bin/rtpengine\0--foreground\0")
        self.programs[f"modinfo -k {RELEASE} xt_RTPENGINE"] = Output(1, "", "modinfo: ERROR: Module not found.\n")

    def file(self, path: str, content: str | bytes = "") -> Path:
        """Write a file; the folders on the way are made."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def configured(self, text: str) -> None:
        """Write the settings file."""
        self.file("/etc/rtpengine/rtpengine.conf", f"[rtpengine]\n{text}")

    def _run(self, words: Sequence[str]) -> Output | None:
        line = " ".join(words)
        self.commands.append(line)
        found = self.programs.get(line)
        return Output(0, found) if isinstance(found, str) else found

    def _ask(self, command: str) -> str:
        if self.replies is None:
            raise client.Unreachable("Cannot connect to rtpengine at 127.0.0.1 port 9900: Connection refused")
        return self.replies[command]

    def _exchange(self, host: str, port: int, data: bytes) -> bytes:
        if (host, port) not in self.servers:
            raise ConnectionRefusedError(111, "Connection refused")
        return self.servers[host, port] if data else b""

    @property
    def host(self) -> Host:
        """What the checks look at."""
        return Host(self._ask, self.root, self._run, lambda: self.clock, self._exchange)

    def look(self, check: Callable[[Host], Iterable[Finding]]) -> list[tuple[str, str, str]]:
        """What a check finds: state, text, mend."""
        found = [(each.state.value, each.found, each.mend) for each in check(self.host)]
        for state, _, mend in found:
            assert bool(mend) == (state != "ok"), "what is not well can be mended, and only that"
        return found
