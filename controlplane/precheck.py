# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be told of the settings before anything is opened, the same at the start and with --check-config."""
from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from OpenSSL import SSL

from controlplane.config.faults import Faults
from controlplane.config.listen import listens
from controlplane.config.nearest import nearest
from controlplane.config.settings import Settings
from controlplane.dtls.identity import set_ciphers
from controlplane.errors import ConfigError, PeerError
from controlplane.exports.mqtt import tls_context
from controlplane.listeners import check_commands
from controlplane.ng.bencode import encode
from controlplane.ng.flags import FLAGS
from controlplane.ng.frame import BENCODE, decode
from controlplane.ng.keys import KEYS
from controlplane.ng.reader import read_request
from controlplane.ng.values import text
from controlplane.servers.tls import Certificate
from controlplane.store.store import check_servers

_OF_HTTPS = ("https-cert", "https-key")
_OF_MQTT = ("mqtt-cafile", "mqtt-capath", "mqtt-certfile", "mqtt-keyfile")
_OF_REDIS = ("redis-tls-ca", "redis-tls-cert", "redis-tls-key")
_SERVERS = ("redis", "redis-write", "redis-subscribe")


def examine(settings: Settings) -> None:
    """ConfigError for what would stop the daemon; adds to ``settings.warnings``."""
    faults = Faults()
    inspect(settings, faults)
    faults.settle()


def inspect(settings: Settings, faults: Faults) -> None:
    """What would stop the daemon, each with the place where it was said."""
    check_commands(settings, faults)
    try:
        check_servers(settings)
    except ConfigError as error:
        faults.add(_placed(settings, error, (*_SERVERS, "subscribe-keyspace")))
    try:
        set_ciphers(SSL.Context(SSL.DTLS_METHOD), settings.dtls_ciphers)
    except ConfigError as error:
        faults.add(f"{settings.origin['dtls-ciphers']}: {error}")
    _free(settings, faults)
    unreadable = len(faults.reasons)
    _readable(settings, faults)
    if len(faults.reasons) == unreadable:
        _usable(settings, faults)
    settings.warnings.extend(_idle(settings))
    with faults.kept():
        settings.warnings.extend(meaningless(settings))


def _free(settings: Settings, faults: Faults) -> None:
    """What is to be made is not there as something else."""
    for option in ("pidfile", "keep-flows"):
        if settings.current[option] and Path(str(settings.current[option])).is_dir():
            faults.add(f"{settings.origin[option]}: {option}: {settings.current[option]} is a directory")
    for option, listen in listens(settings):
        if listen.path and Path(listen.path).exists() and not Path(listen.path).is_socket():
            faults.add(f"{settings.origin[option]}: {option}: {listen.path} is there, and no socket")


def _usable(settings: Settings, faults: Faults) -> None:
    """The files of TLS are what they have to be."""
    for authority in _authorities(settings) if settings.https_cert else ():
        try:
            Certificate(settings.https_cert, settings.https_key, authority)
        except ConfigError as error:
            faults.add(_placed(settings, error, _OF_HTTPS))
    if settings.mqtt_host:
        with faults.kept():
            tls_context(settings.mqtt_cafile, settings.mqtt_capath, settings.mqtt_certfile, settings.mqtt_keyfile,
                        settings.mqtt_tls_alpn)


def _placed(settings: Settings, error: ConfigError, options: tuple[str, ...]) -> str:
    """The error behind the place of the option that its text begins with, if that is one of these."""
    option = str(error).split(" ", 1)[0].rstrip(":,")
    return f"{settings.origin[option]}: {error}" if option in options else str(error)


def _readable(settings: Settings, faults: Faults) -> None:
    """The files of TLS can be opened, if it is spoken."""
    used = (_OF_HTTPS if settings.listen_https else ()) + (_OF_MQTT if settings.mqtt_host else ()) + (
        _OF_REDIS if any(str(settings.current[name]).startswith("rediss:") for name in _SERVERS) else ())
    for option in used:
        path = str(settings.current[option] or "")
        try:
            if path:
                os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        except OSError as error:
            faults.add(f"{settings.origin[option]}: {option} {path}: {error.strerror}")


def _authorities(settings: Settings) -> set[str]:
    return {listen.access.client_ca for option, listen in listens(settings) if option == "listen-https"}


def meaningless(settings: Settings) -> Iterator[str]:
    """Words of templates that mean nothing, each template read by itself, as a client would write it.

    ConfigError for a line that cannot be read.
    """
    templates = settings.section(settings.templates) if settings.templates else {}
    by_name = settings.template_lines()
    by_name.pop("default", None)    # which every message uses
    for name, line in templates.items():
        try:
            message = decode(BENCODE, encode({"rtpp-flags": line}))
            unknown = read_request("", message, BENCODE, "", 0.0, by_name).unknown
        except PeerError as error:
            unknown = [str(error)]
        if found := ", ".join(f"{word}{_meant(word)}" for word in unknown if word != "template=default"):
            line_number = settings.file.sections[settings.templates][name].line
            yield f"{settings.file.path}:{line_number}: [{settings.templates}] {name}: unknown {found}"


def _meant(word: str) -> str:
    known = None if "=" in word else nearest(word, map(text, chain(FLAGS.spellings(), KEYS)))
    return f" (did you mean {known}?)" if known else ""


def _idle(settings: Settings) -> Iterator[str]:
    """What the settings ask for in vain."""
    for option in ("subscribe-keyspace", "active-switchover"):
        if settings.current[option] and not any(settings.current[name] for name in _SERVERS):
            yield f"{settings.origin[option]}: {option} has nothing to do: it needs redis"
    folder = Path(settings.keep_flows).parent
    if settings.keep_flows and not os.access(folder, os.W_OK | os.X_OK):
        why = "cannot be written to" if folder.exists() else "does not exist"
        yield f"{settings.origin['keep-flows']}: keep-flows: {folder} {why}: calls would not be left there"
