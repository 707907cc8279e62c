# SPDX-License-Identifier: GPL-3.0-or-later
"""The last case of each boot."""
import os

from tests.kernel.guest import net


def nothing_left() -> None:
    """After all that, nothing holds the module, and the module holds no device and no namespace."""
    assert os.listdir("/proc/rtpengine") and not net.sh("cat /proc/rtpengine/list")
    with open("/proc/modules", encoding="ascii") as f:
        users = [line.split()[2] for line in f if line.startswith("xt_RTPENGINE ")]
    assert users == ["0"], users
    net.sh("timeout 20 ip link del va && timeout 20 ip link del vb && timeout 20 ip netns del A && ip netns del B")
    net.sh("rmmod xt_RTPENGINE")
    assert not os.path.exists("/proc/rtpengine")
