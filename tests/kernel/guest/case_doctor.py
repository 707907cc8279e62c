# SPDX-License-Identifier: GPL-3.0-or-later
"""rtpengine-ctl doctor where there is a module: what it says of the module, the table and the rule is true."""
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ctl import client
from ctl.doctor.checks import CHECKS, examine
from ctl.doctor.finding import State
from ctl.doctor.host import Host, Output, run_program
from tests.kernel.guest.case_daemon import _Call, _eventually, _offloaded_ports, _running
from tests.kernel.guest.net import A4, B4, sh
from tests.peers.daemon import Daemon

ABOUT = {"daemon", "module", "module loaded", "module version", "/proc/rtpengine", "table", "rule", "early drops",
         "media let in"}
RULE = "INPUT -p udp -j RTPENGINE --id 0"


def _found(daemon: Daemon | None, module: Path) -> dict[str, list[tuple[State, str]]]:
    """What is found by check, as if ``module`` was the installed file; None for a daemon that cannot be asked."""
    def run(words: Sequence[str]) -> Output | None:
        return run_program(["modinfo", str(module)] if words[0] == "modinfo" else words)

    def ask(command: str) -> str:
        if daemon is None:
            raise client.Unreachable("nobody there")
        return daemon.cli(command)

    with tempfile.NamedTemporaryFile("w") as config:
        config.write("[rtpengine]\ntable = 0\n")
        config.flush()
        found: dict[str, list[tuple[State, str]]] = {}
        host = Host(ask, run=run, config_file=config.name)
        for name, finding in examine(host, [check for check in CHECKS if check.name in ABOUT]):
            found.setdefault(name, []).append((finding.state, finding.found))
        return found


def _module() -> Path:
    return Path(os.environ["RTPE_MODULE"])


def well() -> None:
    """A daemon with its table and a call in it: nothing is amiss, and the numbers are those of the table."""
    daemon = _running()
    call = _Call(daemon, A4, B4)
    call.talk(3)
    _eventually("in the kernel", call.offloaded)
    found = _found(daemon, _module())
    assert {state for rows in found.values() for state, _ in rows} == {State.OK}, found
    assert set(found) == ABOUT
    assert found["module version"][0][1].endswith(", and the installed build is loaded"), found
    assert found["table"][0][1] == f"table 0 is the daemon's, with {len(_offloaded_ports())} ports in the kernel"
    assert [text[:6] for _, text in found["rule"]] == ["IPv4: ", "IPv6: "]
    call.delete()
    call.close()


def another_build() -> None:
    """The loaded module is told from a file that differs in its build id alone."""
    note = Path("/sys/module/xt_RTPENGINE/notes/.note.gnu.build-id").read_bytes()
    data = _module().read_bytes()
    assert data.count(note) == 1
    with tempfile.NamedTemporaryFile(suffix=".ko") as other:
        other.write(data.replace(note, note[:-1] + bytes([note[-1] ^ 1])))
        other.flush()
        found = _found(_running(), Path(other.name))
    assert found["module version"] == [(State.PROBLEM, "another build of the module is loaded than is installed")]


def rules() -> None:
    """A rule before ours and a rule that is gone are noticed, for the family that has them."""
    daemon = _running()
    sh("iptables-nft -I INPUT -p udp -m udp --dport 1024:65535 -j ACCEPT")
    (four, text), (six, _) = _found(daemon, _module())["rule"]
    assert (four, six) == (State.PROBLEM, State.OK) and "lets media pass by" in text, text
    sh("iptables-nft -D INPUT -p udp -m udp --dport 1024:65535 -j ACCEPT")
    sh(f"ip6tables-nft -D {RULE}")
    (four, _), (six, text) = _found(daemon, _module())["rule"]
    assert (four, six) == (State.OK, State.PROBLEM) and "no -j RTPENGINE --id 0 in INPUT" in text, text
    sh(f"ip6tables-nft -I {RULE}")


def whose_table() -> None:
    """Who holds the table is told without the daemon's help."""
    daemon = _running()
    ((state, text),) = _found(None, _module())["table"]
    assert state is State.WARNING and text.startswith(f"table 0 belongs to process {daemon.pid} ("), text
