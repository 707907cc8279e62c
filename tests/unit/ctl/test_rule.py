# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall rule in network namespaces of its own, with targets that every kernel has."""
from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ctl import rule as rules
from ctl.rule import Outcome, Rule, RuleError

ROOT = Path(__file__).parents[3]
PROLOGUE = """
import subprocess, sys
from ctl.rule import Outcome, Rule, RuleError, check, install, remove

def rules(backend, family=4, chain="INPUT"):
    program = {4: "iptables", 6: "ip6tables"}[family] + "-" + backend
    out = subprocess.run([program, "-S", chain], capture_output=True, text=True, check=True).stdout
    return [line for line in out.splitlines() if line.startswith("-A")]

QUEUE = Rule((("queue-num", "7"),), target="NFQUEUE")
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changing rules needs root")
pytestmark = pytest.mark.netns


def in_namespace(code: str, **environment: str) -> None:
    """Run code in a fresh network namespace; it must end without an error."""
    result = subprocess.run(["unshare", "--net", sys.executable, "-c", PROLOGUE + code], cwd=ROOT, timeout=60,
                            capture_output=True, text=True, env=os.environ | environment, check=False)
    assert result.returncode == 0, result.stderr


@pytest.fixture
def without_extension(tmp_path: Path) -> dict[str, str]:
    """An environment in which every xtables extension exists but ours."""
    for directory in ("/usr/lib/x86_64-linux-gnu/xtables", "/usr/lib/aarch64-linux-gnu/xtables"):
        for library in Path(directory).glob("lib*.so"):
            if "RTPENGINE" not in library.name:
                (tmp_path / library.name).symlink_to(library)
    return {"XTABLES_LIBDIR": str(tmp_path)}


@needs_root
@pytest.mark.parametrize("backend", ["legacy", "nft"])
def test_install_check_remove(backend: str) -> None:
    in_namespace(f"""
backend = {backend!r}
assert [o.present for o in check(QUEUE, backend=backend)] == [False, False]
assert install(QUEUE, backend=backend) == [Outcome(4, backend, True), Outcome(6, backend, True)]
assert install(QUEUE, backend=backend) == [Outcome(4, backend, False), Outcome(6, backend, False)]
for family in (4, 6):
    assert rules(backend, family) == ["-A INPUT -p udp -j NFQUEUE --queue-num 7"], rules(backend, family)
assert check(QUEUE, backend=backend) == [Outcome(4, backend), Outcome(6, backend)]
other = Rule((("queue-num", "8"),), target="NFQUEUE")
assert not any(o.present for o in check(other, backend=backend))
assert not any(o.changed for o in remove(other, backend=backend))
assert remove(QUEUE, backend=backend) == [Outcome(4, None, True), Outcome(6, None, True)]
assert remove(QUEUE, backend=backend) == [Outcome(4, None, False), Outcome(6, None, False)]
assert rules(backend) == rules(backend, 6) == []
""")


@needs_root
@pytest.mark.parametrize("backend", ["legacy", "nft"])
def test_the_rule_comes_first_and_every_copy_is_removed(backend: str) -> None:
    in_namespace(f"""
backend = {backend!r}
def iptables(*words):
    subprocess.run(["iptables-" + backend, *words], check=True)
iptables("-A", "INPUT", "-p", "tcp", "-j", "ACCEPT")
iptables("-A", "INPUT", "-p", "udp", "-s", "192.0.2.1", "-j", "NFQUEUE", "--queue-num", "7")
before = rules(backend)
install(QUEUE, (4,), backend)
assert rules(backend) == ["-A INPUT -p udp -j NFQUEUE --queue-num 7"] + before
iptables("-A", "INPUT", "-p", "udp", "-j", "NFQUEUE", "--queue-num", "7")
remove(QUEUE, (4,), backend)
assert rules(backend) == before, rules(backend)
""")


@needs_root
@pytest.mark.parametrize("backend", ["legacy", "nft"])
def test_a_parameter_without_a_value(backend: str) -> None:
    in_namespace(f"""
backend = {backend!r}
bypass = Rule((("queue-num", "7"), ("queue-bypass", "")), target="NFQUEUE")
assert install(bypass, backend=backend) == [Outcome(4, backend, True), Outcome(6, backend, True)]
assert rules(backend) == ["-A INPUT -p udp -j NFQUEUE --queue-num 7 --queue-bypass"], rules(backend)
assert not any(o.changed for o in install(bypass, backend=backend))
assert not any(o.present for o in check(QUEUE, backend=backend))
assert [o.changed for o in remove(bypass, backend=backend)] == [True, True]
assert rules(backend) == []
""")


@needs_root
def test_one_family_and_another_chain() -> None:
    in_namespace("""
subprocess.run(["ip6tables-legacy", "-N", "media"], check=True)
rule = Rule((("queue-num", "7"),), "media", "NFQUEUE")
assert install(rule, (6,), "legacy") == [Outcome(6, "legacy", True)]
assert rules("legacy", 6, "media") == ["-A media -p udp -j NFQUEUE --queue-num 7"]
assert rules("legacy") == []
""")


@needs_root
@pytest.mark.parametrize("backend", ["auto", "legacy", "nft"])
def test_chain_that_does_not_exist(backend: str) -> None:
    in_namespace(f"""
try:
    install(Rule((("queue-num", "7"),), "nowhere", "NFQUEUE"), (4,), {backend!r})
except RuleError as error:
    assert "has no chain nowhere" in str(error), error
else:
    sys.exit("no error")
""")


@needs_root
def test_a_chain_in_one_kind_of_tables_is_found() -> None:
    in_namespace("""
subprocess.run(["iptables-nft", "-N", "media"], check=True)
assert install(Rule((("queue-num", "7"),), "media", "NFQUEUE"), (4,)) == [Outcome(4, "nft", True)]
assert rules("nft", 4, "media") == ["-A media -p udp -j NFQUEUE --queue-num 7"]
""")


@needs_root
def test_automatic_choice() -> None:
    in_namespace("""
import ctl.rulelegacy, os
legacy_here = all(map(os.path.exists, ctl.rulelegacy._NAMES.values()))
expected = "legacy" if legacy_here else "nft"
assert [o.backend for o in install(QUEUE)] == [expected, expected]
assert [o.backend for o in check(QUEUE)] == [expected, expected]
assert not any(o.present for o in remove(QUEUE))
ctl.rulelegacy._NAMES = {4: "/nonexistent", 6: "/nonexistent"}
assert [o.backend for o in install(QUEUE)] == ["nft", "nft"]
ctl.rulelegacy._NAMES = {4: "/proc/self", 6: "/proc/self"}
assert [o.backend for o in check(QUEUE)] == ["nft", "nft"], "a rule in either kind of tables counts"
assert [o.changed for o in install(QUEUE)] == [False, False]
assert [o.changed for o in remove(QUEUE)] == [True, True]
""")


@needs_root
def test_legacy_tables_that_cannot_be_opened_make_room_for_nft() -> None:
    in_namespace("""
import ctl.rulelegacy
ctl.rulelegacy.TABLE = "nosuch"
assert [o.backend for o in install(QUEUE)] == ["nft", "nft"]
assert [o.present for o in remove(QUEUE)] == [False, False]
try:
    install(QUEUE, backend="legacy")
except RuleError as error:
    assert "no legacy tables" in str(error), error
else:
    sys.exit("no error")
""")


@needs_root
@pytest.mark.parametrize("backend", ["auto", "legacy", "nft"])
def test_missing_extension(backend: str, without_extension: dict[str, str]) -> None:
    in_namespace(f"""
assert not any(o.present for o in check(Rule(), backend={backend!r}))
assert not any(o.changed for o in remove(Rule(), backend={backend!r}))
try:
    install(Rule(), backend={backend!r})
except RuleError as error:
    assert "libxt_RTPENGINE.so is not installed" in str(error), error
else:
    sys.exit("no error")
assert rules("legacy") == rules("nft") == []
""", **without_extension)


@needs_root
@pytest.mark.parametrize("backend", ["legacy", "nft"])
def test_missing_module(backend: str) -> None:
    if "LED" in Path("/proc/net/ip_tables_targets").read_text().split():
        pytest.skip("this kernel has the target LED")
    in_namespace(f"""
try:
    install(Rule((("led-trigger-id", "x"),), target="LED"), (4,), {backend!r})
except RuleError as error:
    assert "modprobe xt_LED" in str(error), error
else:
    sys.exit("no error")
assert rules({backend!r}) == []
""")


@needs_root
def test_a_failure_in_the_second_family_takes_back_the_first() -> None:
    in_namespace("""
import ctl.rulelegacy
insert = ctl.rulelegacy.Legacy.insert
def failing(self, rule, family):
    if family == 6:
        raise RuleError("no")
    insert(self, rule, family)
ctl.rulelegacy.Legacy.insert = failing
try:
    install(QUEUE, backend="legacy")
except RuleError:
    assert rules("legacy") == []
else:
    sys.exit("no error")
""")


@needs_root
def test_a_busy_table_is_tried_again() -> None:
    in_namespace("""
import ctl.rulelegacy, iptc
ctl.rulelegacy._PAUSE = 0.01
commit, failures = iptc.Table.commit, [1, 1]
def busy(self):
    if failures:
        failures.pop()
        raise iptc.IPTCError("can't commit: Resource temporarily unavailable")
    commit(self)
iptc.Table.commit = busy
install(QUEUE, (4,), "legacy")
assert rules("legacy") == ["-A INPUT -p udp -j NFQUEUE --queue-num 7"]
""")


@needs_root
def test_a_rule_that_vanishes_is_noticed() -> None:
    in_namespace("""
import ctl.rulelegacy
ctl.rulelegacy.Legacy.insert = lambda self, rule, family: None
try:
    install(QUEUE, (4,), "legacy")
except RuleError as error:
    assert "not there after its installation" in str(error)
else:
    sys.exit("no error")
""")


def test_waiting_for_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTABLES_LOCKFILE", str(tmp_path / "lock"))
    monkeypatch.setattr(rules, "LOCK_TIMEOUT", 0.1)
    with open(tmp_path / "lock", "w", encoding="ascii") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(RuleError, match="another program has held"):
            rules.check(Rule(), ())
    assert rules.check(Rule(), ()) == []


def test_a_lock_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTABLES_LOCKFILE", str(tmp_path / "no" / "lock"))
    with pytest.raises(RuleError, match="cannot open .*lock"):
        rules.check(Rule(), ())


def test_text_and_outcome() -> None:
    assert str(Rule.for_table(42)) == "INPUT -p udp -j RTPENGINE --id 42"
    assert Outcome(4, "nft").present and not Outcome(4, None).present


def test_unknown_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTABLES_LOCKFILE", str(tmp_path / "lock"))
    with pytest.raises(RuleError, match="unknown backend 'x'"):
        rules.check(Rule(), (4,), "x")


def test_importing_loads_no_tables_library() -> None:
    code = "import sys, ctl.rule, ctl.rulecommand; sys.exit('iptc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
