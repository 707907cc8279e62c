# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the process: where settings come from, logging, threads."""
from __future__ import annotations

import os

from controlplane.config.option import Kind, Option, Support, at_least, between, one_of, option

DEFAULT_FILE = "/etc/rtpengine/rtpengine.conf"
DEFAULT_SECTION = "rtpengine"

FACILITIES = ("auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "user", "uucp",
              *(f"local{number}" for number in range(8)))
LOG_SUBSYSTEMS = {
    "core": "everything else",
    "ffmpeg": "messages of FFmpeg itself",
    "internals": "noisy internals, off unless set",
    "spandsp": "messages of SpanDSP itself",
    "transcoding": "transcoding of media",
    "codec": "codec negotiation",
    "rtcp": "RTCP",
    "ice": "ICE",
    "crypto": "negotiation of SRTP by SDES and DTLS",
    "srtp": "encryption and decryption",
    "http": "HTTP, HTTPS and WebSocket",
    "control": "control protocols, SDP and the command line interface",
    "dtx": "timers and buffers of discontinuous transmission",
}

_flag, _int, _str, _path = Kind.FLAG, Kind.INTEGER, Kind.STRING, Kind.PATH
_later = Support.NO_EFFECT
_facility = one_of("", *FACILITIES)
_policy = one_of("default", "none", "fifo", "rr", "other", "batch", "idle")


def _at_least_four_processors() -> int:
    return max(4, os.cpu_count() or 1)


GENERAL: tuple[Option, ...] = (
    option("help", _flag, "print the options and exit", short="h", action=True),
    option("version", _flag, "print the version and exit", short="v", action=True),
    option("check-config", _flag, "check the settings as the daemon would at its start, and exit", action=True),
    option("codecs", _flag, "print the codecs that can be decoded and encoded, and exit", action=True),
    option("config-file", _path, "settings file; 'none' reads no file. The default one may be missing", DEFAULT_FILE),
    option("config-section", _str, "section of the settings file to read", DEFAULT_SECTION),
    option("pidfile", _path, "write the process id to this file", short="p"),
    option("foreground", _flag, "stay in the foreground", short="f"),
    option("software-id", _str, "how the program names itself to peers", support=_later),
)

LOGGING: tuple[Option, ...] = (
    option("log-level", _int, "least important messages to log, 0 (emergency) to 7 (debug)", 6, short="L",
           check=between(0, 7), runtime=True),
    *(option(f"log-level-{name}", _int, f"the same for {name}: {what}; 0 means log-level, -1 off",
             -1 if name == "internals" else 0, check=between(-1, 7), runtime=True)
      for name, what in LOG_SUBSYSTEMS.items()),
    option("log-facility", _str, "syslog facility", "daemon", check=one_of(*FACILITIES)),
    option("log-facility-cdr", _str, "log a line for each finished call with this facility", check=_facility),
    option("log-facility-rtcp", _str, "log a line for each received RTCP packet with this facility", check=_facility),
    option("log-facility-dtmf", _str, "log a line for each DTMF event with this facility", check=_facility),
    option("log-format", _str, "how a line names its call: default or parsable", "default",
           check=one_of("default", "parsable")),
    option("log-stderr", _flag, "log to standard error instead of syslog", short="E"),
    option("no-log-timestamps", _flag, "no time in lines written to standard error"),
    option("split-logs", _flag, "log each line of a message with several lines on its own"),
    option("max-log-line-length", _int, "split longer lines; 0 is 500 for syslog and unlimited for standard error, "
           "negative is unlimited"),
    option("log-name", _str, "name of the program in syslog", "rtpengine"),
    option("log-mark-prefix", _str, "written before each call id, tag, peer address and key"),
    option("log-mark-suffix", _str, "written after each call id, tag, peer address and key"),
    option("log-srtp-keys", _flag, "log SRTP keys", support=_later),
    option("debug-srtp", _flag, "log details of each SRTP packet", support=_later),
)

THREADS: tuple[Option, ...] = (
    option("num-threads", _int, "threads that relay media", _at_least_four_processors(), default_below=1,
           default_text="number of processors, at least 4"),
    option("media-num-threads", _int, "threads that play media", -1, default_text="num-threads", support=_later),
    option("codec-num-threads", _int, "threads that transcode", support=_later),
    option("http-threads", _int, "threads that serve HTTP; 0 means num-threads", support=_later),
    option("kernel-num-threads", _int, "threads that read from the kernel module", -1, default_text="num-threads",
           support=_later),
    option("kernel-slots", _int, "slots of each ring shared with the kernel module", support=_later),
    option("poller-per-thread", _flag, "each thread polls its own sockets", support=_later),
    option("poller-size", _int, "events fetched by one poll", 128, check=at_least(1), support=_later),
    option("thread-stack", _int, "stack of a thread in kB", 2048, support=_later),
    option("timer-accuracy", _int, "microseconds by which a timer may be early", 500, check=at_least(0),
           support=_later),
    option("io-uring", _flag, "use io_uring", support=_later),
    option("io-uring-buffers", _int, "io_uring entries of each thread", 16384, check=at_least(0), support=_later),
    option("max-recv-iters", _int, "reads from one socket before the next has its turn", 50, check=at_least(1),
           support=_later),
    option("socket-cpu-affinity", _int, "bind sockets to processors", support=_later),
    option("scheduling", _str, "scheduling policy of the media threads", "default", check=_policy, support=_later),
    option("priority", _int, "scheduling priority of the media threads", check=between(-20, 99), support=_later),
    option("idle-scheduling", _str, "scheduling policy of the timer threads", "default", check=_policy,
           support=_later),
    option("idle-priority", _int, "scheduling priority of the timer threads", check=between(-20, 99),
           support=_later),
)
