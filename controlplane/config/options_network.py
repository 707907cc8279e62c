# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of everything that touches the network: listeners, interfaces, limits, forwarding engines."""
from __future__ import annotations

from controlplane.config.option import Kind, Option, Support, at_least, between, one_of, option

_flag, _int, _str, _list = Kind.FLAG, Kind.INTEGER, Kind.STRING, Kind.LIST
_later, _refused = Support.NO_EFFECT, Support.REFUSED


def _families(value: str) -> str:
    names = {"ip4" if each.strip() == "ip" else each.strip() for each in value.split(",")}
    if names == {"inet"}:
        names = {"ip4", "ip6"}
    if not names <= {"ip4", "ip6"}:
        raise ValueError(f"{value[:64]!r} is not allowed; allowed: ip, ip6, ip,ip6, inet")
    return ",".join(sorted(names)).replace("ip4", "ip")


_NG_HELP = (
    "[ADDRESS:]PORT for the ng protocol over UDP. An address is also a host name, or any; a port alone is on loopback. "
    "unix:/PATH is a UNIX socket. Rules may follow, a blank before each: allow=COMMAND,... (ng commands, with dashes "
    "for blanks, and cli or cli:COMMAND); on UNIX sockets users=NAME,... and groups=NAME,..., whose default is the "
    "daemon's own group")
_CLI_HELP = (
    "the same for the command line interface; allow= names operator commands. A rule secret=file:/PATH (or env:NAME) "
    "wants a line 'auth SECRET' before each command")
_HTTP_HELP = (
    "the same for ng, commands, /ping and /metrics (which allow= calls metrics) over HTTP and WebSocket; secret= wants "
    "it as bearer token or as password")
_HTTPS_HELP = (
    "the same over HTTPS and secure WebSocket; needs https-cert. A rule client-ca=/PATH wants certificates of clients "
    "that one of these authorities signed")

CONTROL: tuple[Option, ...] = (
    option("listen-ng", _list, _NG_HELP, short="n"),
    option("listen-tcp-ng", _list, "the same over TCP", short="N"),
    option("listen-udp", _list, "[ADDRESS:]PORT for the old rtpproxy protocol over UDP", short="u", support=_later),
    option("listen-tcp", _list, "[ADDRESS:]PORT for the old mediaproxy protocol over TCP", short="l", support=_later),
    option("listen-cli", _list, _CLI_HELP, short="c"),
    option("listen-http", _list, _HTTP_HELP),
    option("listen-https", _list, _HTTPS_HELP),
    option("https-cert", Kind.PATH, "certificate with its chain for HTTPS in PEM format; read again upon SIGHUP"),
    option("https-key", Kind.PATH, "key of the certificate in PEM format, if it is not in the same file"),
    option("http-buf-size", _int, "kB of a request that are buffered; 0 means 64", check=between(0, 65536)),
    option("http-idle-timeout", _int, "seconds until an HTTP connection without a whole request is closed; 0 means 5",
           check=at_least(0)),
    option("control-tos", _int, "type of service of ng replies", check=between(0, 255), runtime=True),
    option("control-pmtu", _str, "path MTU discovery on IPv4 ng sockets: want or dont", check=one_of(
        "", "want", "dont", **{"don't": "dont"}), default_text="that of the system"),
    option("janus-secret", _str, "admin secret of the Janus interface", secret=True, support=_later),
    option("ng-client-timeout", _int, "milliseconds to wait for other nodes", 50, check=at_least(1), support=_later),
    option("ng-client-retries", _int, "how often to ask other nodes", 5, check=at_least(1), support=_later),
    option("sip-source", _flag, "send media to the address that the SIP message came from, not to that in the SDP"),
    option("reject-invalid-sdp", _flag, "refuse SDP that cannot be read to its last line"),
    option("templates", _str, "section with signalling templates: flag strings by name, as the ng key rtpp_flags takes "
           "them"),
    option("b2b-url", _str, "XMLRPC address to call when a call times out", short="b", support=_later),
    option("xmlrpc-format", _int, "0 SEMS, 1 call id alone, 2 Kamailio", short="x", check=between(0, 2),
           support=_later),
)

INTERFACES: tuple[Option, ...] = (
    option("interface", _list, "[NAME/]ADDRESS[!ADVERTISED] for media, or ALIAS=NAME. ADDRESS is an IP address, "
           "a network device, 'any', or a host name", short="i"),
    option("interfaces-config", _str, "PREFIX of settings file sections [PREFIX-name] that describe interfaces"),
    option("save-interface-ports", _flag, "bind only the first address of an interface", short="S", support=_later),
    option("port-min", _int, "lowest media port", 30000, short="m", check=between(1, 65535)),
    option("port-max", _int, "highest media port", 39999, short="M", check=between(1, 65535)),
    option("reserve-ports", _flag, "at start, add the media ports to net.ipv4.ip_local_reserved_ports: the kernel "
           "gives those to no other program by itself (needs CAP_NET_ADMIN)"),
    option("tos", _int, "type of service of media, for example 184", short="T", check=between(0, 255)),
    option("endpoint-learning", _str, "how the source of media is learned: delayed, immediate, off, heuristic",
           "heuristic", check=one_of("delayed", "immediate", "off", "heuristic")),
)

LIMITS: tuple[Option, ...] = (
    option("timeout", _int, "seconds without media after which a call is removed", 60, short="o", default_below=1,
           runtime=True),
    option("silent-timeout", _int, "the same for muted and inactive media", 3600, short="s", default_below=1,
           runtime=True),
    option("offer-timeout", _int, "seconds after which an offer without answer is removed", 3600, default_below=1,
           runtime=True),
    option("final-timeout", _int, "seconds after which any call is removed; 0 is never", short="a",
           check=at_least(0), runtime=True),
    option("delete-delay", _int, "seconds from delete to the removal of the call", 30, short="d", check=at_least(0),
           runtime=True),
    option("max-sessions", _int, "refuse further calls above this number; -1 is no limit", -1, check=at_least(-1),
           runtime=True),
    option("max-load", Kind.NUMBER, "refuse further calls above this load average; 0 is no limit",
           check=at_least(0), runtime=True),
    option("max-cpu", Kind.NUMBER, "refuse further calls above this processor usage in percent; 0 is no limit",
           check=at_least(0), runtime=True),
    option("max-bandwidth", Kind.UNSIGNED, "refuse further calls above this number of bytes received per second; "
           "0 is no limit", runtime=True),
    option("rtcp-interval", _int, "milliseconds between generated RTCP packets, to which up to a second is added", 5000,
           default_below=1),
)

FORWARDING: tuple[Option, ...] = (
    option("table", _int, "number of the kernel forwarding table, 0 to 63; -1 uses none", -1, short="t",
           check=between(-1, 63)),
    option("no-fallback", _flag, "do not start if the accelerator cannot be used", short="F"),
    option("accelerator", _str, "what relieves the relay of confirmed streams: the kernel module (needs table), "
           "nfqueue, or none", "kernel", check=one_of("kernel", "nfqueue", "none")),
    option("nfqueue-number", _int, "queue of the NFQUEUE rule", check=between(0, 65535)),
    option("iptables-rule", _flag, "install the firewall rule that feeds the accelerator at start and remove it at "
           "the end", also=("xtables",)),
    option("iptables-backend", _str, "tables the rule goes to: legacy, nft, or what the host has", "auto",
           check=one_of("auto", "legacy", "nft")),
    option("ingress-device", _list, "network device from which the kernel module takes packets before the IP stack, in "
           "place of the firewall rule; several are possible", default_text="none"),
    option("keep-flows", Kind.PATH, "file by which a daemon that ends leaves its calls to the next one, while the "
           "kernel module goes on forwarding; with that, firewall rule and table stay", default_text="none"),
    option("nftables-start", _flag, "install the firewall rule and exit", action=True),
    option("nftables-stop", _flag, "remove the firewall rule and exit", action=True),
    option("nftables-status", _flag, "check the firewall rule and exit", action=True),
    option("nftables-append", _flag, "put the firewall rule last instead of first", support=_later),
    option("nftables-family", _str, "address families of the firewall rule", "ip,ip6", check=_families,
           support=_later),
    option("nftables-base-chain", _str, "chain of the firewall rule", "INPUT", support=_later),
    option("nftables-chain", _str, "own chain for the firewall rule", default_text="none", support=_later),
    option("iptables-chain", _str, "chain that gets an ACCEPT rule for each media port", support=_refused,
           why="media ports would stay closed"),
    option("kernel-player", _int, "media players in the kernel module", check=at_least(0), support=_later),
    option("kernel-player-media", _int, "media files in the kernel module", 128, check=at_least(0), support=_later),
)
