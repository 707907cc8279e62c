# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of what is done to media and where its records go: known, checked, mostly without effect yet."""
from __future__ import annotations

from controlplane.config.option import Kind, Option, Support, at_least, between, in_any_case, numeric, one_of, option

_flag, _int, _str, _path, _list = Kind.FLAG, Kind.INTEGER, Kind.STRING, Kind.PATH, Kind.LIST
_later = Support.NO_EFFECT


def _known(name: str, kind: Kind, help: str, default: object = None, **rest: object) -> Option:
    return option(name, kind, help, default, **{"support": _later, **rest})  # type: ignore[arg-type]


def _query(text: str) -> str:
    if text and (text.count("%") != 1 or "%llu" not in text):
        raise ValueError(f"{text[:64]!r} does not have one %, in %llu, which stands for the number of the file")
    return text


REDIS: tuple[Option, ...] = (
    option("redis", _str, "[PASSWORD@]HOST:PORT/DB that keeps the calls, or redis[s]://[USER:PASSWORD@]HOST:PORT/DB; "
           "a password file:/PATH or env:NAME is looked up there", short="r", secret=True, refers=False),
    option("redis-write", _str, "a different database to write to", short="w", secret=True, refers=False),
    option("redis-subscribe", _str, "[PASSWORD@]HOST:PORT[/DB] for notifications", secret=True, refers=False),
    option("subscribe-keyspace", _list, "databases whose calls to follow", short="k"),
    _known("redis-num-threads", _int, "threads that restore calls", check=at_least(0),
           default_text="number of processors, at least 4"),
    option("redis-expires", _int, "seconds until a key expires", 86400, check=at_least(1)),
    option("redis-format", _str, "how calls are written", "JSON", check=one_of(
        "bencode", "JSON", native="bencode", json="JSON")),
    option("no-redis-required", _flag, "start even if Redis cannot be used", short="q"),
    option("redis-allowed-errors", _int, "failures until Redis is left alone; -1 is no limit", -1, runtime=True),
    option("redis-disable-time", _int, "seconds for which it is left alone", 10, check=at_least(0), runtime=True),
    option("redis-cmd-timeout", _int, "milliseconds for a command; 0 is no limit", check=at_least(0), runtime=True),
    option("redis-connect-timeout", _int, "milliseconds for a connection", 1000, check=at_least(1), runtime=True),
    option("redis-resolve-on-reconnect", _flag, "look the host name up for each connection"),
    option("redis-tcp-keepalive-time", _int, "seconds until the first keepalive; 0 is none"),
    option("redis-tcp-keepalive-intvl", _int, "seconds between keepalives", 1),
    option("redis-tcp-keepalive-probes", _int, "lost keepalives that end a connection", 3),
    option("redis-tls-ca", _path, "certificates of those who sign that of Redis", default_text="those of the system"),
    option("redis-tls-cert", _path, "certificate to show to Redis"),
    option("redis-tls-key", _path, "its key"),
    option("active-switchover", _flag, "take a call over when anything of it arrives here"),
)

MEDIA: tuple[Option, ...] = (
    _known("jitter-buffer", _int, "packets kept to even out jitter"),
    _known("jb-clock-drift", _flag, "make up for the drift of the sender's clock"),
    _known("jb-adaptive", _flag, "let the jitter buffer follow the jitter"),
    _known("jb-adaptive-min", _int, "least delay in milliseconds", check=at_least(0)),
    _known("jb-adaptive-max", _int, "greatest delay in milliseconds", 300, check=between(0, 1000)),
    _known("dtx-delay", _int, "milliseconds until a gap is filled; 0 is never"),
    _known("max-dtx", _int, "seconds for which a gap is filled", 30, check=at_least(0)),
    _known("dtx-buffer", _int, "packets buffered while a gap is filled", 10),
    _known("dtx-lag", _int, "milliseconds buffered while a gap is filled", 100),
    _known("dtx-shift", _int, "milliseconds by which the timer is moved", 5),
    _known("dtx-cn-params", _list, "comfort noise that fills a gap", check=numeric(0, 254)),
    _known("amr-dtx", _str, "what fills a gap in AMR", "native", check=one_of("native", "CN")),
    _known("evs-dtx", _str, "what fills a gap in EVS", "native", check=one_of("native", "CN")),
    _known("silence-detect", Kind.NUMBER, "percent of full scale that counts as silence", check=between(0, 100)),
    _known("cn-payload", _list, "comfort noise that replaces silence", ("32",), check=numeric(0, 254)),
    _known("player-cache", _flag, "keep encoded media files in memory"),
    _known("audio-player", _str, "which calls get a player", "on-demand", check=one_of(
        "on-demand", "play-media", "transcoding", "always", off="on-demand", no="on-demand", never="on-demand",
        media_player="play-media", transcode="transcoding", everything="always", force="always", forced="always")),
    _known("audio-buffer-length", _int, "milliseconds", 500),
    _known("audio-buffer-delay", _int, "milliseconds", 5),
    _known("preload-media-files", _list, "media files kept in memory"),
    _known("media-files-reload", _int, "seconds between looks for changed media files"),
    _known("media-files-expire", _int, "seconds until an unused media file is dropped"),
    _known("preload-db-media", _list, "database media kept in memory"),
    _known("db-media-reload", _int, "seconds between looks for changed database media"),
    _known("db-media-expire", _int, "seconds until unused database media is dropped"),
    _known("db-media-cache", _path, "directory for copies of database media"),
    _known("preload-db-cache", _list, "database media copied there at start"),
    _known("db-cache-reload", _int, "seconds between looks for changed copies"),
    _known("db-cache-expire", _int, "seconds until an unused copy is dropped"),
    _known("expiry-timer", _int, "seconds between looks for what has expired"),
    _known("moh-max-duration", _int, "milliseconds of music on hold", 1800000, default_below=0),
    _known("moh-max-repeats", _int, "repetitions of music on hold", 999),
    _known("moh-attr-name", _str, "SDP attribute that announces music on hold"),
    _known("moh-prevent-double-hold", _flag, "no music for a call that hears some already"),
    _known("transcode-config", _str, "PREFIX of settings file sections with transcoding rules"),
    option("mos", _list, "quality to report: CQ or LQ; formula: legacy, G.107, G.107.2", default_text="CQ, G.107",
           check=one_of("CQ", "LQ", "legacy", "G.107", "G.107.2", g107="G.107", g1072="G.107.2",
                        **{"g107.2": "G.107.2"})),
    option("measure-rtp", _flag, "judge what arrives, whatever the parties report: samples of loss, jitter and score"),
    option("ssrc-reporting", _str, "where replies describe RTP sources: media by media (inline), for the whole call "
           "(global), or both", "full", check=one_of("full", "inline", "global", "none")),
    _known("evs-lib-path", _path, "library with the EVS codec"),
    _known("codec-chain-lib-path", _path, "library for transcoding on a GPU"),
    _known("codec-chain-runners", _int, "its threads", 2),
    _known("codec-chain-concurrency", _int, "its jobs per thread", 256),
    _known("codec-chain-async", _int, "its asynchronous threads"),
    _known("codec-chain-nonblock", _flag, "do not wait for it"),
    _known("codec-chain-interval", _int, "its interval in microseconds", 10000),
    _known("codec-chain-opus-application", _str, "its Opus application", "default",
           check=one_of("default", "VoIP", "audio", "low-delay")),
    _known("codec-chain-opus-complexity", _int, "its Opus complexity", 10, check=between(0, 10)),
)

DTMF: tuple[Option, ...] = (
    option("dtmf-log-dest", Kind.ENDPOINT, "ADDRESS:PORT that gets DTMF events, as JSON over UDP"),
    option("dtmf-log-ng-tcp", _flag, "send DTMF events to the clients of listen-tcp-ng"),
    _known("dtmf-no-log-injects", _flag, "leave injected DTMF out"),
    _known("dtmf-no-suppress", _flag, "do not silence audio during DTMF"),
    _known("dtmf-digit-delay", _int, "milliseconds between the digits of a trigger", 2500),
    *(_known(f"vsc-{name}-rec", _str, f"DTMF code that does to the recording: {name}")
      for name in ("start", "stop", "start-stop", "pause", "pause-resume", "start-pause-resume")),
)

RECORDING: tuple[Option, ...] = (
    _known("recording-dir", _path, "directory for recordings", support=Support.REFUSED,
           why="calls would not be recorded"),
    _known("recording-method", _str, "what is recorded", "pcap", check=one_of("pcap", "proc", "all", both="all")),
    _known("recording-format", _str, "raw packets or Ethernet frames", "raw", check=one_of("raw", "eth")),
    _known("record-egress", _flag, "record what is sent instead of what is received"),
    _known("record-both", _flag, "record what is sent and what is received"),
)

DTLS: tuple[Option, ...] = (
    option("dtls-passive", _flag, "let the peer begin"),
    option("dtls-cert-cipher", _str, "key of the certificate: prime256v1 or RSA", "prime256v1", check=in_any_case(
        "prime256v1", "RSA", ec_prime256v1="prime256v1")),
    option("dtls-rsa-key-size", _int, "bits of an RSA key", 2048, check=between(1024, 16384)),
    option("dtls-signature", _str, "hash of the certificate: SHA-256 or SHA-1", "SHA-256", check=in_any_case(
        "SHA-256", "SHA-1", sha256="SHA-256", sha1="SHA-1")),
    option("dtls-ciphers", _str, "ciphers as OpenSSL names them",
           "DEFAULT:!NULL:!aNULL:!SHA256:!SHA384:!aECDH:!AESGCM+AES256:!aPSK"),
    option("dtls-mtu", _int, "greatest packet", 1200, check=at_least(576)),
)

EXPORT: tuple[Option, ...] = (
    _known("mysql-host", _str, "database with media files"),
    _known("mysql-port", _int, "its port"),
    _known("mysql-user", _str, "user name"),
    _known("mysql-pass", _str, "password", secret=True),
    _known("mysql-query", _str, "query that returns a media file", check=_query),
    option("graphite", Kind.ENDPOINT, "HOST:PORT that gets statistics", short="g"),
    option("graphite-interval", _int, "seconds between them", 1, short="G", default_below=1),
    option("graphite-prefix", _str, "put before each name"),
    option("graphite-timeout", _int, "seconds until a connection is given up"),
    option("homer", Kind.ENDPOINT, "ADDRESS:PORT that gets RTCP"),
    option("homer-protocol", _str, "udp or tcp", "udp", check=one_of("udp", "tcp")),
    option("homer-id", _int, "capture id", 2001),
    option("homer-disable-rtcp-stats", _flag, "do not send RTCP"),
    option("homer-enable-ng", _flag, "send ng messages, with the keys that they hold"),
    option("homer-ng-capture-proto", _int, "protocol number of ng messages", 61, check=between(0, 255)),
    option("mqtt-host", _str, "MQTT broker"),
    option("mqtt-port", _int, "its port", 1883, check=between(1, 65535)),
    option("mqtt-id", _str, "client id"),
    option("mqtt-keepalive", _int, "seconds between keepalives", 30),
    option("mqtt-user", _str, "user name"),
    option("mqtt-pass", _str, "password; better file:/PATH or env:NAME, where it is", secret=True),
    option("mqtt-cafile", _path, "certificates of the authorities"),
    option("mqtt-capath", _path, "directory of such certificates"),
    option("mqtt-certfile", _path, "own certificate"),
    option("mqtt-keyfile", _path, "its key"),
    option("mqtt-tls-alpn", _str, "application protocol"),
    option("mqtt-publish-qos", _int, "quality of service", check=between(0, 2)),
    option("mqtt-publish-topic", _str, "topic"),
    option("mqtt-publish-interval", _int, "milliseconds between messages", 5000, check=at_least(0)),
    option("mqtt-publish-scope", _str, "what is published", "global",
           check=one_of("global", "summary", "call", "media")),
)
