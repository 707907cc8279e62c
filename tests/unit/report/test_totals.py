# SPDX-License-Identifier: GPL-3.0-or-later
from controlplane.addresses import Endpoint
from controlplane.events import Counters, StreamStats
from controlplane.report import totals
from controlplane.report.counters import Statistics
from controlplane.report.census import Sessions
from controlplane.report.snapshot import Interface, Snapshot

from .fakes import NOW, FakePorts


def snapshot() -> Snapshot:
    statistics = Statistics(NOW - 88211)
    statistics.ng_request("ping", "127.0.0.1", 0.001, False)
    for _ in range(512):
        statistics.ng_request("offer", "127.0.0.1", 0.001, False)
    ports = FakePorts()
    return Snapshot(NOW, statistics, Sessions(own=17, foreign=3, ipv4=15, ipv6=1, mixed=1, transcoded=4),
                    [Interface(ports, statistics.interface(ports.address))])


def test_numsessions() -> None:
    assert totals.sessions(snapshot()) == (
        "Current sessions own: 17\n"
        "Current sessions foreign: 3\n"
        "Current sessions total: 20\n"
        "Current transcoded media: 4\n"
        "Current sessions ipv4 only media: 15\n"
        "Current sessions ipv6 only media: 1\n"
        "Current sessions ip mixed  media: 1\n")


def test_counters() -> None:
    state = snapshot()
    state.statistics.account({Endpoint.parse("192.0.2.10:30000"):
                              StreamStats(kernel_in=Counters(5102, 877544, 0, NOW))})
    state.statistics.tick(state.statistics.started + 1)
    assert totals.rates(state) == """
Current per-second counters:

 Packets per second (userspace)                  :0
 Bytes per second (userspace)                    :0
 Errors per second (userspace)                   :0
 Packets per second (kernel)                     :5102
 Bytes per second (kernel)                       :877544
 Errors per second (kernel)                      :0
 Packets per second (total)                      :5102
 Bytes per second (total)                        :877544
 Errors per second (total)                       :0
"""


def test_totals_lines() -> None:
    lines = totals.totals(snapshot()).split("\n")
    assert lines[:4] == ["", "Statistics over currently running sessions:", "",
                         " Owned sessions                                  :17"]
    for line in (" Uptime of rtpengine                             :88211 seconds",
                 " Average call duration                           :0.000000 seconds",
                 " Total calls duration squared                    :0.000000 seconds squared",
                 " Total timed-out sessions via SILENT_TIMEOUT     :0",
                 " Total number of jitter (measured) samples       :0",
                 " Sum of all end-to-end round-trip time square values sampled:0.000000",
                 "VoIP metrics for interface pub/192.0.2.10:"):
        assert line in lines
    header = next(line for line in lines if "Proxy" in line)
    row = next(line for line in lines if line.strip().startswith("127.0.0.1"))
    assert header.startswith("                Proxy |       Ping |      Offer |     Answer |     Delete ")
    assert row.startswith("            127.0.0.1 |          1 |        512 |          0 |")
    assert header.count("|") == 33 and header.endswith("Mesh ")


def test_totals_order_and_blanks() -> None:
    lines = totals.totals(snapshot()).split("\n")

    def at(text: str) -> int:
        return next(number for number, line in enumerate(lines) if line.strip().startswith(text))

    assert lines[at("Mixed kernel/userspace") + 1:][:3] == [
        "", "Total statistics (does not include current running sessions):", ""]
    assert lines[at("Total calls duration standard deviation") + 1:][:4] == ["", "", "MOS statistics:", ""]
    assert lines[at("MOS standard deviation") + 1:][:4] == ["", "", "VoIP metrics:", ""]
    assert lines[at("Out-of-order RTP packets") + 1:][:4] == ["", "", "Control statistics:", ""]
    assert lines[at("127.0.0.1") + 1:][:3] == ["", "", "VoIP metrics for interface pub/192.0.2.10:"]
    assert at("Measured whatever is reported:") - at("VoIP metrics for interface") == 32, "six times five lines"
    assert len(lines) - 1 - at("Measured whatever is reported:") == 12, "two quantities of five lines end the report"


def test_interfaces() -> None:
    state = snapshot()
    counters = state.interfaces[0].counters
    counters.ingress, counters.egress = Counters(40211, 6916292), Counters(40190, 6912680)
    counters.quality.lost = 12
    for name, value in (("mos", 43), ("packetloss", 0), ("jitter", 3), ("jitter_measured", 2), ("rtt_e2e", 41202),
                        ("rtt_dsct", 20411)):
        counters.quality.samples[name].add(value)
    assert totals.interfaces(state) == """\
Interface 'pub' address '192.0.2.10' (IPv4)
 Port range: 30000 - 39999
 Ports used:    68 / 10000 (  0.7%)
 Packets/bytes/errors:
  Ingress:        40211 /    6916292 /          0
  Egress:         40190 /    6912680 /          0
 Packets lost/duplicates:         12 /          0
 MOS:    avg 4.3, packet loss avg   0%
 Jitter: avg   3 (measured   2)
 RTT:    e2e 41202, dsct 20411

"""


def test_interfaces_without_samples() -> None:
    text = totals.interfaces(snapshot())
    assert text.endswith(" MOS:    avg nan, packet loss avg nan%\n Jitter: avg nan (measured nan)\n"
                         " RTT:    e2e nan, dsct nan\n\n")
