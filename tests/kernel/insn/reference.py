# SPDX-License-Identifier: GPL-3.0-or-later
"""In the guest: the same counts for Debian's module, set up by calls through Debian's daemon.

reference.py MODULE.KO FLOW OUT PACKETS DAEMON [VARIABLE=VALUE...]
"""
import base64
import sys
import time
from pathlib import Path
from typing import Any

from tests.kernel.guest import net
from tests.kernel.insn import packets
from tests.kernel.insn.meter import Meter, baselines, resolve_neighbours
from tests.peers import sdp, srtp
from tests.peers.daemon import Command, Daemon
from tests.peers.ngclient import NgClient

PLAIN, SUITE, SDES = "RTP/AVP", "AES_CM_128", "AES_CM_128_HMAC_SHA1_80"
LEARNING = 4.5      # seconds of media until the daemon takes an address for confirmed
RATE = 40.0


class Call:
    """A call between A and B, plain or encrypted on A's side, and where each has to send."""

    def __init__(self, client: NgClient, a: str, b: str, encrypted: bool = False) -> None:
        self.a, self.b, self.encrypted = a, b, encrypted
        keys: dict[str, Any] = {"call-id": f"{a}-{b}-{encrypted}", "from-tag": "a", "ICE": "remove",
                                "replace": ["origin", "session-connection"], "flags": ["trust-address"]}
        protocol, lines = PLAIN, []
        if encrypted:
            k = packets.keys(SUITE)
            protocol = "RTP/SAVP"
            lines = [f"crypto:1 {SDES} inline:{base64.b64encode(k.key + k.salt).decode()}"]
        offer = sdp.body(a, 10000, payload_type=0, protocol=protocol, attributes=lines)
        answer = sdp.body(b, 20000, payload_type=0)
        self.for_b = self._there(client.call("offer", sdp=offer, **keys | {"transport-protocol": PLAIN} | _sides(a, b)))
        self.for_a = self._there(client.call("answer", sdp=answer, **keys | {"to-tag": "b"}))

    @staticmethod
    def _there(reply: dict[str, Any]) -> tuple[str, int]:
        section = sdp.sections(reply["sdp"] if isinstance(reply["sdp"], str) else reply["sdp"].decode())[0]
        return section.address, section.port

    def learn(self) -> None:
        """Media both ways until the kernel has the call."""
        seal = srtp.Sender(packets.keys(SUITE)).protect if self.encrypted else bytes
        with net.peer((self.a, 10000)) as left, net.peer((self.b, 20000)) as right:
            for n in range(int(LEARNING * RATE)):
                left.sendto(seal(net.rtp(n, ts=0)), self.for_a)
                right.sendto(net.rtp(n, ts=0), self.for_b)
                time.sleep(1 / RATE)


def _sides(a: str, b: str) -> dict[str, Any]:
    return {"direction": [f"{side}{6 if ':' in ip else 4}" for side, ip in (("a", a), ("b", b))]}


def _measure(meter: Meter, client: NgClient) -> None:
    for family, a, b in (("ip", net.A4, net.B4), ("ip6", net.A6, net.B6)):
        call = Call(client, a, b)
        call.learn()
        if family == "ip":
            meter.run("ip: RTP, 1 target", a, b, to=call.for_a)
            meter.run("ip: RTP, 1 target, bursts of 16", a, b, to=call.for_a, burst=16)
        else:
            meter.run("ip6: RTP", a, b, to=call.for_a)
        client.call("delete", **{"call-id": f"{a}-{b}-False", "from-tag": "a"})
    call = Call(client, net.A4, net.B4, encrypted=True)
    call.learn()
    meter.run(f"ip: SRTP to RTP, {SUITE}", net.A4, net.B4, to=call.for_a, file=SUITE)
    meter.run(f"ip: RTP to SRTP, {SUITE}", net.B4, net.A4, to=call.for_b)


def main() -> int:
    """Everything, in one boot."""
    module, flow, out, count, program = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
    environment = dict(word.split("=", 1) for word in sys.argv[6:])
    net.setup()
    resolve_neighbours()
    meter = Meter(flow, out, count)
    baselines(meter)
    net.sh(f"modprobe -a x_tables aesni_intel sha1_ssse3; insmod {module}")
    interfaces = [f"{side}{version}/{net.PROXY[ip]}" for side, version, ip in (
        ("a", 4, net.A4), ("b", 4, net.B4), ("a", 6, net.A6), ("b", 6, net.B6))]
    daemon = Daemon(Command("reference", (program, "--config-file=none"), environment), interfaces=interfaces, table=0,
                    patience=60)
    try:
        with net.Rule(0, "nft"), NgClient("127.0.0.1", daemon.ng_port, timeout=10) as client:
            _measure(meter, client)
    except Exception:
        print(daemon.log_tail(60))
        raise
    finally:
        (out / "kallsyms").write_text(Path("/proc/kallsyms").read_text(encoding="ascii"), encoding="ascii")
        daemon.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
