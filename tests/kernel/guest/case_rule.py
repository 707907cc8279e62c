# SPDX-License-Identifier: GPL-3.0-or-later
"""The iptables extension and where the kernel allows its rule."""
import os

from tests.kernel.guest import net
from tests.kernel.guest.net import sh


def _each() -> list[str]:
    return [tool for pair in net.IPTABLES.values() for tool in pair]


def usage() -> None:
    """The option is needed and checked; the help names it."""
    for tool in _each():
        assert "You must specify --id" in sh(f"{tool} -A INPUT -p udp -j RTPENGINE", check=False)
        for wrong in ("64", "-1", "x", "4294967296", "1 --id 2"):
            out = sh(f"{tool} -A INPUT -p udp -j RTPENGINE --id {wrong}; echo status $?", check=False)
            assert "status 2" in out, (tool, wrong, out)
        text = sh(f"{tool} -j RTPENGINE --help")
        assert "RTPENGINE (version " in text and "target options:\n  --id <id>\n" in text, text


def listing() -> None:
    """What -L, -S, save and restore say, and that check finds the rule again."""
    for tool in _each():
        sh(f"{tool} -I INPUT -p udp -j RTPENGINE --id 42")
        assert "RTPENGINE id:42" in sh(f"{tool} -nL INPUT"), tool
        assert "-A INPUT -p udp -j RTPENGINE --id 42" in sh(f"{tool} -S INPUT"), tool
        saved = sh(f"{tool}-save -t filter")
        assert "-A INPUT -p udp -j RTPENGINE --id 42\n" in saved, tool
        sh(f"{tool} -C INPUT -p udp -j RTPENGINE --id 42")
        other = sh(f"{tool} -C INPUT -p udp -j RTPENGINE --id 41; echo status $?", check=False)
        assert "status 1" in other or tool == "ip6tables-legacy", (tool, other)     # compares no target at all (1.8.9)
        sh(f"{tool} -F INPUT")
        sh(f"{tool}-restore <<'X'\n{saved}\nX")
        assert "--id 42" in sh(f"{tool} -S INPUT"), tool
        sh(f"{tool} -D INPUT -p udp -j RTPENGINE --id 42")


def places() -> None:
    """Only filter, only INPUT, and chains reached from there."""
    for tool in _each():
        for place in ("-t mangle -A INPUT", "-t filter -A FORWARD", "-t filter -A OUTPUT", "-t raw -A PREROUTING"):
            out = sh(f"{tool} {place} -p udp -j RTPENGINE --id 1; echo status $?", check=False)
            assert "status 0" not in out, (tool, place, out)
        sh(f"{tool} -N media && {tool} -A media -j RTPENGINE --id 1 && {tool} -A INPUT -p udp -j media")
        sh(f"{tool} -F INPUT && {tool} -F media && {tool} -X media")


def keeps_module() -> None:
    """A rule keeps the module, without it the module goes."""
    for backend in net.IPTABLES:
        with net.Rule(3, backend):
            assert "in use" in sh("rmmod xt_RTPENGINE", check=False)
    sh(f"rmmod xt_RTPENGINE && insmod {os.environ['RTPE_MODULE']}")


def rights() -> None:
    """Root of a user namespace rules its own network, but not the host's tables."""
    for tool in _each():
        out = sh(f"unshare -rn {tool} -A INPUT -p udp -j RTPENGINE --id 1; echo status $?", check=False)
        assert "status 0" not in out, (tool, out)
