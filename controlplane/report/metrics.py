# SPDX-License-Identifier: GPL-3.0-or-later
"""The one table of metrics: every report expands it.

A metric is named by its JSON object and key, by its text in ``list totals`` and by its Prometheus name
(without the prefix ``rtpengine_``).
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from controlplane.events import Counters
from controlplane.report.counters import Quality, Traffic
from controlplane.report.load import Load
from controlplane.report.snapshot import Interface, Snapshot

T = TypeVar("T")


class Kind(Enum):
    """What a value does over time."""

    GAUGE = "gauge"
    COUNTER = "counter"


class Fixed(str):
    """A number written out with the decimals it is reported with; ng carries it as a string."""


@dataclass(frozen=True, slots=True)
class Metric(Generic[T]):
    """One value: where it comes from and what it is called.

    ``decimals`` None means an integer. ``unit`` follows the value in the totals. ``as_text`` makes even an
    integer a string in ng replies. Without ``text`` the totals leave it out, without ``prometheus`` the
    exporter does.
    """

    key: str
    text: str | None
    source: Callable[[T], float]
    prometheus: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    kind: Kind = Kind.GAUGE
    decimals: int | None = None
    unit: str = ""
    as_text: bool = False

    def value(self, subject: T) -> int | Fixed:
        """The value as it is written in JSON."""
        number = self.source(subject)
        if self.decimals is not None:
            return Fixed(f"{number:.{self.decimals}f}")
        return Fixed(int(number)) if self.as_text else int(number)


def _counters(suffix: str, label: str, of: Callable[[Traffic], Counters]) -> list[Metric[Snapshot]]:
    space = f" ({label})" if label else ""
    names = ("packets_total", "packet_errors_total", "bytes_total") if label else (None, None, None)
    labels = (("type", label),) if label else ()
    return [
        Metric(f"relayedpackets{suffix}", f"Total relayed packets{space}",
               lambda s: of(s.statistics.traffic).packets, names[0], labels, Kind.COUNTER),
        Metric(f"relayedpacketerrors{suffix}", f"Total relayed packet errors{space}",
               lambda s: of(s.statistics.traffic).errors, names[1], labels, Kind.COUNTER),
        Metric(f"relayedbytes{suffix}", f"Total relayed bytes{space}",
               lambda s: of(s.statistics.traffic).bytes, names[2], labels, Kind.COUNTER),
    ]


def _rates(suffix: str, label: str, of: Callable[[Traffic], Counters]) -> list[Metric[Snapshot]]:
    return [
        Metric(f"packetrate{suffix}", f"Packets per second ({label})", lambda s: of(s.statistics.rates).packets),
        Metric(f"byterate{suffix}", f"Bytes per second ({label})", lambda s: of(s.statistics.rates).bytes),
        Metric(f"errorrate{suffix}", f"Errors per second ({label})", lambda s: of(s.statistics.rates).errors),
    ]


def _ended(key: str, text: str, reason: str, label: str) -> Metric[Snapshot]:
    return Metric(key, text, lambda s: s.statistics.ended[reason], "closed_sessions_total", (("reason", label),),
                  Kind.COUNTER)


def _user(traffic: Traffic) -> Counters:
    return traffic.user


def _kernel(traffic: Traffic) -> Counters:
    return traffic.kernel


def _both(traffic: Traffic) -> Counters:
    return traffic.total


RATES: tuple[Metric[Snapshot], ...] = tuple(
    _rates("_user", "userspace", _user) + _rates("_kernel", "kernel", _kernel) + _rates("", "total", _both))

CURRENT: tuple[Metric[Snapshot], ...] = (
    Metric("sessionsown", "Owned sessions", lambda s: s.sessions.own, "sessions", (("type", "own"),)),
    Metric("sessionsforeign", "Foreign sessions", lambda s: s.sessions.foreign, "sessions", (("type", "foreign"),)),
    Metric("sessionstotal", "Total sessions", lambda s: s.sessions.total),
    Metric("transcodedmedia", "Transcoded media", lambda s: s.sessions.transcoded, "transcoded_media"),
    Metric("mediacache", "Media cache size", lambda s: 0, "media_cache"),
    Metric("playercache", "Player cache size", lambda s: 0, "player_cache"),
    *RATES,
    Metric("media_userspace", "Userspace-only media streams", lambda s: s.sessions.user_streams,
           "mediastreams", (("type", "userspace"),)),
    Metric("media_kernel", "Kernel-only media streams", lambda s: s.sessions.kernel_streams,
           "mediastreams", (("type", "kernel"),)),
    Metric("media_mixed", "Mixed kernel/userspace media streams", lambda s: s.sessions.mixed_streams,
           "mediastreams", (("type", "mixed"),)),
)

FAMILIES: tuple[Metric[Snapshot], ...] = (
    Metric("sessionsipv4", "Sessions by address family", lambda s: s.sessions.ipv4, "session_families",
           (("family", "ipv4"),)),
    Metric("sessionsipv6", None, lambda s: s.sessions.ipv6, "session_families", (("family", "ipv6"),)),
    Metric("sessionsmixed", None, lambda s: s.sessions.mixed, "session_families", (("family", "mixed"),)),
)
"""Only Prometheus has these; ``list numsessions`` shows them too."""

TOTAL: tuple[Metric[Snapshot], ...] = (
    Metric("uptime", "Uptime of rtpengine", lambda s: s.uptime, "uptime_seconds", unit=" seconds", as_text=True),
    Metric("managedsessions", "Total managed sessions", lambda s: s.statistics.managed, "sessions_total",
           kind=Kind.COUNTER),
    Metric("rejectedsessions", "Total rejected sessions", lambda s: s.statistics.rejected, "closed_sessions_total",
           (("reason", "rejected"),), Kind.COUNTER),
    _ended("timeoutsessions", "Total timed-out sessions via TIMEOUT", "TIMEOUT", "timeout"),
    _ended("silenttimeoutsessions", "Total timed-out sessions via SILENT_TIMEOUT", "SILENT_TIMEOUT",
           "silent_timeout"),
    _ended("finaltimeoutsessions", "Total timed-out sessions via FINAL_TIMEOUT", "FINAL_TIMEOUT", "final_timeout"),
    _ended("offertimeoutsessions", "Total timed-out sessions via OFFER_TIMEOUT", "OFFER_TIMEOUT", "offer_timeout"),
    _ended("regularterminatedsessions", "Total regular terminated sessions", "REGULAR", "terminated"),
    _ended("forcedterminatedsessions", "Total forced terminated sessions", "FORCED", "force_terminated"),
    *_counters("_user", "userspace", _user),
    *_counters("_kernel", "kernel", _kernel),
    *_counters("", "", _both),
    Metric("zerowaystreams", "Total number of streams with no relayed packets", lambda s: s.statistics.zero_way,
           "zero_packet_streams_total", kind=Kind.COUNTER),
    Metric("onewaystreams", "Total number of 1-way streams", lambda s: s.statistics.one_way,
           "one_way_sessions_total", kind=Kind.COUNTER),
    Metric("demotedstreams", "Total streams taken back from the kernel", lambda s: s.statistics.demoted,
           "demoted_streams_total", kind=Kind.COUNTER),
    Metric("lostloglines", None, lambda s: s.statistics.lost_lines, "log_lines_lost_total", kind=Kind.COUNTER),
    Metric("avgcallduration", "Average call duration", lambda s: s.statistics.duration.average,
           "call_duration_avg", decimals=6, unit=" seconds"),
    Metric("totalcallsduration", "Total calls duration", lambda s: s.statistics.duration.total,
           "call_duration_total", kind=Kind.COUNTER, decimals=6, unit=" seconds"),
    Metric("totalcallsduration2", "Total calls duration squared", lambda s: s.statistics.duration.squares,
           "call_duration2_total", kind=Kind.COUNTER, decimals=6, unit=" seconds squared"),
    Metric("totalcallsduration_stddev", "Total calls duration standard deviation",
           lambda s: s.statistics.duration.deviation, decimals=6, unit=" seconds"),
)


def _sampled(name: str, label: str, prefix: str = "") -> tuple[Metric[Quality], ...]:
    """Five metrics of one sampled quantity; scores are stored times 10."""
    scale = 10 if name.startswith("mos") else 1
    return (
        Metric(f"{name}_total", f"Sum of all {label} values sampled", lambda q: q.samples[name].total / scale,
               f"{prefix}{name}_total", kind=Kind.COUNTER, decimals=6),
        Metric(f"{name}2_total", f"Sum of all {label} square values sampled",
               lambda q: q.samples[name].squares / scale ** 2, f"{prefix}{name}2_total", kind=Kind.COUNTER,
               decimals=6),
        Metric(f"{name}_samples_total", f"Total number of {label} samples", lambda q: q.samples[name].count,
               f"{prefix}{name}_samples_total", kind=Kind.COUNTER),
        Metric(f"{name}_average", f"Average {label}", lambda q: q.samples[name].average / scale, decimals=6),
        Metric(f"{name}_stddev", f"{label} standard deviation", lambda q: q.samples[name].deviation / scale,
               decimals=6),
    )


_LABELS = (("jitter", "jitter (reported)"), ("rtt_e2e", "end-to-end round-trip time"),
           ("rtt_dsct", "discrete round-trip time"), ("packetloss", "packet loss"),
           ("jitter_measured", "jitter (measured)"))

MOS = _sampled("mos", "MOS")
VOIP: tuple[Metric[Quality], ...] = (
    *(metric for name, label in _LABELS for metric in _sampled(name, label)),
    Metric("packets_lost", "Packets lost", lambda q: q.lost, "packets_lost", kind=Kind.COUNTER),
    Metric("rtp_duplicates", "Duplicate RTP packets", lambda q: q.duplicates, "rtp_duplicates", kind=Kind.COUNTER),
    Metric("rtp_skips", "RTP sequence skips", lambda q: q.skips, "rtp_skips", kind=Kind.COUNTER),
    Metric("rtp_seq_resets", "RTP sequence resets", lambda q: q.resets, "rtp_seq_resets", kind=Kind.COUNTER),
    Metric("rtp_reordered", "Out-of-order RTP packets", lambda q: q.reordered, "rtp_reordered", kind=Kind.COUNTER),
)

MEASURED: tuple[Metric[Quality], ...] = (
    *_sampled("mos_measured", "MOS (measured)"), *_sampled("packetloss_measured", "packet loss (measured)"))
"""What the daemon found itself, whatever the parties report (option measure-rtp)."""

LOAD: tuple[Metric[Load], ...] = (
    Metric("sessions", None, lambda load: load.sessions),
    Metric("max_sessions", "Calls that may be here at once, -1 for any number", lambda load: load.max_sessions,
           "max_sessions"),
    Metric("average", "Load average of the last minute", lambda load: load.average, "host_load_average", decimals=2),
    Metric("max_average", None, lambda load: load.max_average, decimals=2),
    Metric("cpu", "Processors in use in percent", lambda load: load.cpu, "host_cpu_percent", decimals=1),
    Metric("max_cpu", None, lambda load: load.max_cpu, decimals=1),
    Metric("bandwidth", None, lambda load: load.bandwidth),
    Metric("max_bandwidth", None, lambda load: load.max_bandwidth),
    Metric("ready", "1 while new calls are taken", lambda load: int(not load.reason), "ready"),
)
"""For those who choose among several nodes; ``list totals`` does without."""

INTERFACE_VOIP: tuple[Metric[Quality], ...] = tuple(
    metric for name, label in (("mos", "MOS"), *_LABELS) for metric in _sampled(name, label, "interface_"))
INTERFACE_PORTS: tuple[Metric[Interface], ...] = (
    Metric("min", None, lambda i: i.ports.port_min),
    Metric("max", None, lambda i: i.ports.port_max),
    Metric("used", None, lambda i: i.ports.used, "ports_used"),
    Metric("used_pct", None, lambda i: i.used_percent, decimals=2),
    Metric("free", None, lambda i: i.size - i.ports.used, "ports_free"),
    Metric("totals", None, lambda i: i.size, "ports"),
)
INTERFACE_LOSS: tuple[Metric[Quality], ...] = (
    Metric("packets_lost", None, lambda q: q.lost, "interface_packets_lost", kind=Kind.COUNTER),
    Metric("duplicates", None, lambda q: q.duplicates, "interface_duplicates", kind=Kind.COUNTER),
)
TRAFFIC: tuple[Metric[Counters], ...] = (
    Metric("packets", None, lambda c: c.packets, "interface_packets"),
    Metric("bytes", None, lambda c: c.bytes, "interface_bytes"),
    Metric("errors", None, lambda c: c.errors, "interface_errors"),
)
