# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls between two namespaces, forwarded by the module."""
from tests.kernel.guest import net
from tests.kernel.guest.abi import Control, Target, output
from tests.kernel.guest.tables import table


def call(backend: str, left: str, right: str) -> None:
    """A call in both directions; every payload must arrive, in order, once."""
    a, b = (left, 10000), (right, 20000)
    near, far = (net.PROXY[left], 30000), (net.PROXY[right], 30002)
    with table() as number, net.Rule(number, backend), Control(number) as control, \
            net.peer(a) as sa, net.peer(b) as sb:
        control.add(Target(near, [output(far, b)], expect=a))
        control.add(Target(far, [output(near, a)], expect=b))
        for n in range(50):
            sa.sendto(net.rtp(n), near)
            sb.sendto(net.rtp(n, ssrc=5, pt=8), far)
        assert net.receive(sb, 50) == [net.rtp(n) for n in range(50)]
        assert net.receive(sa, 50) == [net.rtp(n, ssrc=5, pt=8) for n in range(50)]
        state = control.state(near)
        assert (state.counters.packets, state.counters.bytes) == (50, 50 * 172), state
        assert (state.outputs[0][3].packets, state.outputs[0][3].errors) == (50, 0), state


def v4_legacy() -> None:
    """IPv4 through iptables-legacy."""
    call("legacy", net.A4, net.B4)
