# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall's real programs, in network namespaces of their own."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
pytestmark = [pytest.mark.netns, pytest.mark.skipif(os.geteuid() != 0, reason="changing rules needs root")]
PROLOGUE = """
import subprocess, sys
from pathlib import Path
from ctl import client
from ctl.doctor import firewall, nftables
from ctl.doctor.chains import Media, drops, fate, steps
from ctl.doctor.host import Host

MEDIA = Media([(30000, 39999)], ("192.0.2.1", "198.51.100.1", "2001:db8::1"))

def sh(line):
    subprocess.run(line, shell=True, check=True)

def nobody(command):
    raise client.Unreachable("nobody")

def host():
    return Host(nobody, config_file=sys.argv[1])

def look(check):
    return [(each.state.value, each.found, each.mend) for each in check(host())]

def chains():
    done = subprocess.run(["nft", "-j", "list", "ruleset"], capture_output=True, text=True, check=True)
    return nftables.parse(done.stdout, MEDIA)
"""


def in_namespace(tmp_path: Path, code: str) -> None:
    """Run code in a fresh network namespace, with settings that want a queue; it must end without an error."""
    config = tmp_path / "conf"
    config.write_text("[rtpengine]\naccelerator = nfqueue\nnfqueue-number = 7\n")
    done = subprocess.run(["unshare", "--net", sys.executable, "-c", PROLOGUE + code, str(config)], cwd=ROOT,
                          timeout=60, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("backend", ["legacy", "nft"])
def test_real_tables(tmp_path: Path, backend: str) -> None:
    in_namespace(tmp_path, f"""
iptables = "iptables-{backend}"
assert [state for state, _, _ in look(firewall.rule)] == ["problem"]
sh(iptables + " -A INPUT -p udp -j NFQUEUE --queue-num 7 --queue-bypass")
assert look(firewall.rule) == [("ok", "IPv4: -j NFQUEUE --queue-num 7 is in INPUT ({backend}), "
                                "and nothing that matters comes before it", "")], look(firewall.rule)
sh(iptables + " -I INPUT -m conntrack --ctstate INVALID -j DROP")
sh(iptables + " -I INPUT -i lo -j ACCEPT")
sh(iptables + " -I INPUT -p udp -m multiport --dports 53,5060:5062 -j ACCEPT")
(state, found, mend), = look(firewall.rule)
assert (state, "--ctstate INVALID -j DROP' comes before" in found) == ("warning", True), found
sh(iptables + " -P INPUT DROP")
assert [state for state, _, _ in look(firewall.passage)] == ["ok"]
sh(iptables + " -D INPUT -p udp -j NFQUEUE --queue-num 7 --queue-bypass")
(state, found, mend), = look(firewall.passage)
assert state == "problem" and "policy drop" in found, found
sh(mend)
assert [state for state, _, _ in look(firewall.passage)] == ["ok"]
sh(iptables + " -t raw -A PREROUTING -p udp -j DROP")
(state, found, mend), = look(firewall.before)
assert state == "problem", found
sh(mend)
assert [state for state, _, _ in look(firewall.before)] == ["ok"]
""")


def test_a_real_ruleset_of_nftables(tmp_path: Path) -> None:
    in_namespace(tmp_path, """
sh('''nft -f - <<END
table inet fw {
    chain early { type filter hook prerouting priority -300; ct state invalid drop; tcp dport 22 drop; }
    chain input {
        type filter hook input priority 0; policy drop;
        ct state vmap { established : accept, related : accept, invalid : drop }
        iifname "lo" accept
        tcp dport { 22, 80-90 } accept
        ip saddr 203.0.113.9 drop
        udp dport { 53, 5060 } accept
        meta l4proto udp jump media
    }
    chain media { udp dport != 5000-6000 return; accept; }
    chain forward { type filter hook forward priority 0; policy drop; }
}
END''')
sh("iptables-nft -P INPUT DROP")
early, normal = chains()
assert (str(early), early.early, str(normal), normal.early) == ("inet fw early", True, "inet fw input", False)
assert [(step.fit.name, step.verdict) for step in steps(early.chains, "early")] == [("SOME", "drop")]
assert [state for state, _, _ in look(firewall.before)] == ["warning"]
found = [row for row in look(firewall.passage) if "inet fw" in row[1]]
assert [row[0] for row in found] == ["problem"] and "policy drop" in found[0][1], found
sh(found[0][2])
assert not [row for row in look(firewall.passage) if "inet fw" in row[1]]
sh(look(firewall.before)[0][2])
assert [state for state, _, _ in look(firewall.before)] == ["ok"], look(firewall.before)
""")


RULES = (
    ("drop", "ALL"), ("udp dport 30000-39999 drop", "ALL"), ("udp dport 1-5 drop", None),
    ("udp dport 35000 drop", "SOME"),
    ("th dport 30000-39999 drop", "ALL"), ("udp dport != 30000-39999 drop", None), ("ip protocol udp drop", "ALL"),
    ("meta l4proto { tcp, udp } drop", "ALL"), ("meta l4proto tcp drop", None), ("icmp type echo-request drop", None),
    ("iif lo drop", None), ("iifname != lo drop", "ALL"), ("ip saddr 192.0.2.0/24 drop", None),
    ("ip daddr 192.0.2.1 drop", "SOME"), ("ip daddr { 192.0.2.0/24, 198.51.100.0/24 } drop", "ALL"),
    ("ip daddr 172.17.0.2 drop", None), ("ip saddr != 10.0.0.0/8 drop", "SOME"), ("ct state new drop", "SOME"),
    ("ct state established,new drop", "ALL"), ("ct state != established drop", "SOME"),
    ("limit rate 5/second drop", "SOME"), ("counter log drop", "ALL"), ("udp dport 30000-39999 reject", "ALL"),
    ("udp dport vmap { 30000-31000 : drop, 5060 : accept }", "SOME"), ("meta mark 7 drop", "SOME"),
    ("ct state vmap { established : accept, invalid : drop }", "SOME"), ("tcp flags syn drop", None),
    ("fib saddr . iif oif missing drop", None))


def test_real_rules_of_nftables(tmp_path: Path) -> None:
    in_namespace(tmp_path, f"""
rules = {RULES!r}
sh("nft add table ip fw")
for number, (rule, _) in enumerate(rules):
    sh("nft 'add chain ip fw in%d {{ type filter hook input priority %d; }}; add rule ip fw in%d %s'"
       % (number, number, number, rule))
for base, (rule, fit) in zip(chains(), rules, strict=True):
    found = [step.fit.name for step in drops(steps(base.chains, base.name))]
    assert found == ([fit] if fit else []), (rule, found)
""")


def test_zones_of_nftables(tmp_path: Path) -> None:
    """In the manner of firewalld: a chain for each zone that a device is in, and what none takes is rejected."""
    in_namespace(tmp_path, """
sh('''nft -f - <<END
table inet zones {
    chain early { type filter hook prerouting priority -290; meta nfproto ipv6 fib saddr . iif oif missing drop; }
    chain input {
        type filter hook input priority 10; policy accept;
        ct state vmap { established : accept, related : accept }
        iifname lo accept
        jump which
        ct state invalid drop
        reject with icmpx admin-prohibited
    }
    chain which { iifname eth0 goto public; goto public; }
    chain public { jump public_allow; meta l4proto { icmp, ipv6-icmp } accept; }
    chain public_allow { tcp dport 22 ct state new,untracked accept; }
}
END''')
assert [state for state, _, _ in look(firewall.before)] == ["ok"], look(firewall.before)
(state, found, mend), = look(firewall.passage)
assert state == "problem" and "inet zones input" in found, found
sh("nft add rule inet zones public_allow udp dport 30000-39999 ct state new,untracked accept")
assert [state for state, _, _ in look(firewall.passage)] == ["ok"]
""")
