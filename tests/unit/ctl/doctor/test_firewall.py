# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that somebody might have, judged for media: those that are there, in their order."""
from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ctl.doctor import firewall, iptables, nftables
from ctl.doctor.chains import Fit, Media, drops, fate, steps
from ctl.doctor.finding import NeedsRoot
from ctl.doctor.host import Output

from .fakes import Fake, replies

MEDIA = Media([(30000, 39999)], ("192.0.2.1", "198.51.100.1", "2001:db8::1"))
RULE = "-A INPUT -p udp -j RTPENGINE --id 0"
FIRST = "rtpengine-ctl rule remove --id 0 && rtpengine-ctl rule install --id 0 --backend nft"


def saved(*rows: str, policy: str = "ACCEPT", table: str = "filter", chains: tuple[str, ...] = ()) -> str:
    hook = "PREROUTING" if table == "raw" else "INPUT"
    own = "".join(f":{name} - [0:0]\n" for name in chains)
    return f"*{table}\n:{hook} {policy} [0:0]\n{own}" + "".join(f"{row}\n" for row in rows) + "COMMIT\n# done\n"


def fit(row: str) -> tuple[Fit, str]:
    (line,) = iptables.parse(saved(row, chains=("own",)), MEDIA, ("RTPENGINE", "--id", "0"))["filter"]["INPUT"].lines
    return line.fit, line.verdict


@pytest.mark.parametrize("matches, expected", [
    ("", Fit.ALL), ("-p udp", Fit.ALL), ("-p udp -m udp --dport 30000:39999", Fit.ALL), ("-p 17", Fit.ALL),
    ("-p tcp -m tcp --dport 22", Fit.NONE), ("-p icmp", Fit.NONE), ("! -p tcp", Fit.ALL), ("! -p udp", Fit.NONE),
    ("-p udp -m udp --dport 5060", Fit.NONE), ("-p udp -m udp ! --dport 5060", Fit.ALL),
    ("-p udp -m udp --dport 35000", Fit.SOME), ("-p udp -m udp --dport 30000:", Fit.ALL),
    ("-p udp -m udp --dport :30000", Fit.SOME), ("-p udp -m udp ! --dport 30000:39999", Fit.NONE),
    ("-p udp -m multiport --dports 53,5060:5070", Fit.NONE), ("-p udp -m multiport --dports 53,1024:65535", Fit.ALL),
    ("-i lo", Fit.NONE), ("! -i lo", Fit.ALL), ("-i eth0", Fit.SOME), ("-d 192.0.2.1/32", Fit.SOME),
    ("-d 0.0.0.0/0", Fit.ALL), ("-d 172.17.0.2/32", Fit.NONE), ("-d 2001:db8::/32", Fit.ALL),
    ("! -d 10.0.0.0/8", Fit.ALL), ("! -s 10.0.0.0/8", Fit.SOME), ("-m rpfilter --loose --invert", Fit.NONE),
    ("-m addrtype --dst-type LOCAL", Fit.ALL),
    ("-m addrtype --dst-type MULTICAST", Fit.NONE), ("! -s 127.0.0.0/8 -d 127.0.0.0/8", Fit.NONE),
    ("-m comment --comment \"all -p tcp of them\"", Fit.ALL), ("-p udp -m hashlimit --hashlimit-upto 5/sec", Fit.SOME),
    ("-s 203.0.113.9/32", Fit.NONE), ("-m set --match-set banned src", Fit.NONE),
    ("-m set --match-set a dst", Fit.SOME),
    ("-m conntrack --ctstate INVALID", Fit.SOME), ("-m state --state NEW", Fit.SOME),
    ("-m conntrack --ctstate NEW,ESTABLISHED", Fit.ALL)])
def test_what_a_drop_fits(matches: str, expected: Fit) -> None:
    row = f"-A INPUT {matches} -j DROP".replace("  ", " ")
    assert fit(row) == (expected, "drop")


@pytest.mark.parametrize("row, expected", [
    ("-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", (Fit.ALL, "established")),
    ("-A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", (Fit.ALL, "accept")),
    ("-A INPUT -m conntrack --ctstate INVALID -j ACCEPT", (Fit.NONE, "accept")),
    ("-A INPUT -s 203.0.113.9/32 -j ACCEPT", (Fit.SOME, "accept")),
    ("-A INPUT -p udp -j REJECT --reject-with icmp-port-unreachable", (Fit.ALL, "drop")),
    ("-A INPUT -j own", (Fit.ALL, "jump")), ("-A INPUT -g own", (Fit.ALL, "goto")), ("-A INPUT -j LOG", (Fit.ALL, "")),
    ("-A INPUT -m comment --comment \"a quote that does not end -j DROP", (Fit.ALL, "drop")),
    ("-A INPUT -p udp -j RTPENGINE --id 0", (Fit.ALL, "module")), ("-A INPUT -j RTPENGINE --id 1", (Fit.ALL, "")),
    ("-A INPUT", (Fit.ALL, ""))])
def test_verdicts(row: str, expected: tuple[Fit, str]) -> None:
    assert fit(row) == expected


def walked(*rows: str, chains: tuple[str, ...] = ("a", "b")) -> list[tuple[str, str, Fit]]:
    found = iptables.parse(saved(*rows, chains=chains), MEDIA)["filter"]
    return [(step.chain, step.verdict, step.fit) for step in steps(found, "INPUT")]


def test_chains_are_followed_in_order() -> None:
    assert walked("-A INPUT -p tcp -j DROP", "-A INPUT -i eth0 -j a", "-A INPUT -j DROP", "-A a -j b", "-A a -j ACCEPT",
                  "-A b -p tcp -j RETURN", "-A b -j DROP", "-A b -j RETURN", "-A b -j ACCEPT") == [
        ("b", "drop", Fit.SOME), ("a", "accept", Fit.SOME), ("INPUT", "drop", Fit.ALL)]


def test_what_is_behind_a_return_is_not_for_all() -> None:
    assert walked("-A INPUT -j a", "-A INPUT -j DROP", "-A a -i eth0 -j RETURN", "-A a -j DROP") == [
        ("a", "drop", Fit.SOME), ("INPUT", "drop", Fit.ALL)]


def test_goto_does_not_come_back() -> None:
    assert walked("-A INPUT -g a", "-A INPUT -j DROP", "-A a -j ACCEPT") == [("a", "accept", Fit.ALL)]


def test_chains_that_call_each_other_come_to_an_end() -> None:
    assert walked("-A INPUT -j a", "-A a -j b", "-A b -j a", "-A b -j DROP")


GUARDED = ("-A INPUT -j first", "-A INPUT -j own", "-A first -i lo -j ACCEPT",
           "-A first -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
           "-A first -m conntrack --ctstate INVALID -j DROP", "-A first -p icmp -j ACCEPT", "-A first -j not-local",
           "-A not-local -m addrtype --dst-type LOCAL -j RETURN",
           "-A not-local -m addrtype --dst-type MULTICAST -j RETURN",
           "-A not-local -m limit --limit 3/min --limit-burst 10 -j LOG", "-A not-local -j DROP",
           "-A own -p tcp -m tcp --dport 22 -j ACCEPT")
"""In the manner of ufw: chains for all, one of one's own, and what is not let in falls to the policy."""


@pytest.mark.parametrize("rows, before, let_in", [
    ((RULE, *GUARDED), ["ok"], "problem"), ((*GUARDED, RULE), ["problem", "warning"], "problem"),
    ((RULE, *GUARDED, "-A own -p udp -m multiport --dports 30000:39999 -j ACCEPT"), ["ok"], "ok")])
def test_a_guarded_host(set_up: Fake, rows: tuple[str, ...], before: list[str], let_in: str) -> None:
    set_up.programs["iptables-nft-save"] = saved(*rows, policy="DROP", chains=("first", "own", "not-local"))
    assert [state for state, _, _ in set_up.look(firewall.rule)] == before
    assert [state for state, _, _ in set_up.look(firewall.passage)] == [let_in]
    assert [state for state, _, _ in set_up.look(firewall.before)] == ["ok"]


@pytest.fixture
def set_up(fake: Fake) -> Fake:
    """A daemon with table 0 on one IPv4 address."""
    fake.replies = replies()
    return fake


def test_no_rule_is_needed(fake: Fake) -> None:
    assert fake.look(firewall.rule)[0][0] == "ok"
    fake.configured("table = 0\ningress-device = eth0\n")
    assert fake.look(firewall.rule)[0][0] == "ok"
    assert not fake.commands


def test_the_extension_of_iptables(set_up: Fake) -> None:
    assert set_up.look(firewall.extension)[0][::2] == ("problem", "make -C kmod iptables-install")
    set_up.file("/usr/lib/rtpengine-ctl/bin/python")
    assert set_up.look(firewall.extension)[0][::2] == ("problem", "apt-get install rtpengine-xtables")
    path = "/usr/lib/x86_64-linux-gnu/xtables/libxt_RTPENGINE.so"
    set_up.file(path)
    assert set_up.look(firewall.extension) == [("ok", path, "")]
    set_up.replies = replies("table = 0\ningress-device = eth0\n")
    assert set_up.look(firewall.extension) == []


def test_no_programs(set_up: Fake) -> None:
    assert set_up.look(firewall.rule) == [("problem", "IPv4: iptables is not installed",
                                           "apt-get install iptables && rtpengine-ctl rule install --id 0")]


@pytest.mark.parametrize("rows, states, words", [
    ([RULE], ["ok"], ["nothing that matters comes before it"]),
    (["-A INPUT -i lo -j ACCEPT", "-A INPUT -p tcp -j DROP", "-A INPUT -s 1.2.3.4/32 -j DROP", RULE], ["ok"],
     ["INPUT"]),
    ([], ["problem"], ["no -j RTPENGINE --id 0 in INPUT"]),
    (["-A INPUT -p udp -j RTPENGINE --id 5"], ["problem"], ["there is -A INPUT -p udp -j RTPENGINE --id 5"]),
    (["-A INPUT -p tcp -j RTPENGINE --id 0"], ["problem"], ["there is -A INPUT -p tcp"]),
    (["-A INPUT -m conntrack --ctstate INVALID -j DROP", RULE], ["warning"], ["drops media"]),
    (["-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", RULE], ["problem"], ["lets media pass by"]),
    (["-A INPUT -p udp -j ACCEPT", "-A INPUT -j REJECT", RULE], ["problem", "problem"], ["lets media", "drops media"]),
    (["-A INPUT -j a", "-A INPUT -j DROP", "-A a -p udp -j RTPENGINE --id 0"], ["ok"], ["is in a (nft)"])])
def test_what_comes_before_the_rule(set_up: Fake, rows: list[str], states: list[str], words: list[str]) -> None:
    set_up.programs["iptables-nft-save"] = saved(*rows, chains=("a",))
    found = set_up.look(firewall.rule)
    assert [state for state, _, _ in found] == states
    for (state, text, mend), word in zip(found, words):
        assert text.startswith("IPv4: ") and word in text
        if state != "ok":
            assert mend == ("rtpengine-ctl rule install --id 0" if "no -j" in text else FIRST)


def test_each_family_with_media_and_each_kind_of_tables(set_up: Fake) -> None:
    set_up.replies = replies(addresses=("192.0.2.1", "2001:db8::1"))
    set_up.file("/proc/net/ip6_tables_names", "filter\n")
    set_up.programs |= {"iptables-nft-save": saved(RULE), "iptables-legacy-save": saved(),
                        "ip6tables-nft-save": saved(), "ip6tables-legacy-save": saved(RULE)}
    assert [found[:30] for _, found, _ in set_up.look(firewall.rule)] == [
        "IPv4: -j RTPENGINE --id 0 is i", "IPv6: -j RTPENGINE --id 0 is i"]
    assert "iptables-legacy-save" not in set_up.commands, "that would load modules"


def test_a_host_without_ipv6(fake: Fake) -> None:
    loopback = "00000000000000000000000000000001 01 80 10 80       lo\n"
    fake.file("/proc/net/if_inet6", loopback)
    assert firewall.families(fake.host) == [4]
    fake.file("/proc/net/if_inet6", loopback + "20010db8000000000000000000000001 02 40 00 80     eth0\n")
    assert firewall.families(fake.host) == [4, 6]


def test_the_rule_of_the_queue(fake: Fake) -> None:
    fake.configured("accelerator = nfqueue\nnfqueue-number = 7\n")
    fake.programs["iptables-nft-save"] = saved("-A INPUT -p udp -j NFQUEUE --queue-num 7 --queue-bypass", policy="DROP")
    assert fake.look(firewall.rule)[0][0] == "ok"
    assert fake.look(firewall.passage)[0][0] == "ok", "what comes back from the queue has passed"
    fake.configured("accelerator = nfqueue\n")
    assert fake.look(firewall.rule)[0][0] == fake.look(firewall.passage)[0][0] == "problem"


def test_only_root_sees_rules(set_up: Fake) -> None:
    set_up.programs["iptables-nft-save"] = Output(4, "", "iptables-nft-save: Permission denied (you must be root)\n")
    with pytest.raises(NeedsRoot, match="iptables-nft-save"):
        set_up.look(firewall.rule)


def test_drops_before_input(set_up: Fake) -> None:
    set_up.programs["iptables-nft-save"] = saved(
        "-A PREROUTING -m mark --mark 0x7 -j DROP", "-A PREROUTING -p udp -j DROP", table="raw") + saved(RULE)
    first, second = set_up.look(firewall.before)
    mend = "iptables-nft -t raw -I PREROUTING -p udp --dport 30000:39999 -j ACCEPT"
    assert first == ("warning", "IPv4: '-A PREROUTING -m mark --mark 0x7 -j DROP' in the table raw drops media "
                     "before INPUT", mend)
    assert second[::2] == ("problem", mend)
    set_up.programs["iptables-nft-save"] = saved("-A PREROUTING -p udp --dport 30000:39999 -j ACCEPT",
                                                 "-A PREROUTING -p udp -j DROP", table="raw")
    assert set_up.look(firewall.before) == [("ok", "nothing drops media before INPUT", "")]


@pytest.mark.parametrize("rows, policy, mended", [
    ([RULE], "ACCEPT", None), ([RULE, "-A INPUT -p udp --dport 30000:40000 -j ACCEPT"], "DROP", None),
    ([RULE, "-A INPUT -m state --state ESTABLISHED -j ACCEPT"], "DROP", "INPUT 2"),
    (["-A INPUT -i lo -j ACCEPT", RULE, "-A INPUT -j REJECT"], "ACCEPT", "INPUT 3"), ([], "DROP", "INPUT"),
    (["-A INPUT -i eth0 -j ACCEPT"], "DROP", None)])
def test_media_are_let_in(set_up: Fake, rows: list[str], policy: str, mended: str | None) -> None:
    set_up.programs["iptables-nft-save"] = saved(*rows, policy=policy)
    (finding,) = set_up.look(firewall.passage)
    assert finding[::2] == (("problem", f"iptables-nft -I {mended} -p udp --dport 30000:39999 -j ACCEPT")
                            if mended else ("ok", ""))


@pytest.mark.parametrize("text", ["", "[]", "{}", "nft: what?", '{"nftables": 7}',
                                  '{"nftables": [{"chain": {"hook": "input"}}]}'])
def test_what_is_no_ruleset(text: str) -> None:
    assert nftables.parse(text, MEDIA) == []


WORDS = ("-A", "INPUT", "-p", "udp", "!", "--dport", "--dports", "1:2", ":", "\u00b2", "-j", "-g", "DROP", "own",
         "'", "\"", "-s", "-i", "--ctstate", "--match-set", "*filter", "COMMIT", ":INPUT", ": x", ":own", "-", "\n",
         "\n-A INPUT")


@example(["\n", ": x", "\n-A", "\n-A INPUT --dport \u00b2 -j DROP\nCOMMIT"])
@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_no_text_breaks_the_reader_of_iptables(words: list[str]) -> None:
    for chains in iptables.parse(" ".join(words), MEDIA).values():
        assert all(step.verdict for name in chains for step in steps(chains, name))


KEYS = st.sampled_from(("match", "op", "left", "right", "payload", "protocol", "udp", "field", "dport", "set", "range",
                        "drop", "jump", "target", "vmap", "data", "ct", "key", "state", "meta", "l4proto"))
VALUES = st.recursive(st.none() | st.integers() | KEYS,
                      lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
                      max_leaves=8)
CHAIN = {"family": "ip", "table": "fw", "name": "in", "hook": "input", "type": "filter", "prio": 0, "policy": "drop"}


@given(st.lists(VALUES, max_size=4))
def test_no_rule_breaks_the_reader_of_nftables(expressions: list[object]) -> None:
    rule = {"family": "ip", "table": "fw", "chain": "in", "handle": 1, "expr": expressions}
    for base in nftables.parse(json.dumps({"nftables": [{"chain": CHAIN}, {"rule": rule}]}), MEDIA):
        drops(steps(base.chains, "in"))
        fate(base.chains, "in")
