# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``--json`` prints, for the manual page; a test keeps it equal to what the daemon sends."""
from __future__ import annotations

INTRODUCTION = """\
With --json the reply to a command that lists is one line with one JSON object (RFC 8259, ASCII). Its only key is the
last word of the command, as in {"timeout":60}, or "error" with the text of the failure, and then the exit status is 4.
Keys are added in later versions, never renamed or removed. Times are seconds of Unix time with decimals unless said
otherwise, and 0 stands for never."""

VALUES = (
    ("list maxsessions, maxcpu, timeout and other single values", "the number"),
    ("list maxopenfiles", "the number, null for no limit"),
    ("list loglevel", "an object, levels by subsystem; with a subsystem its level alone"),
    ("list loglevels", "an object, descriptions by subsystem"),
    ("list numsessions", "the object NUMSESSIONS"),
    ("list sessions [ all | own | foreign | recording ]", "an array of objects SESSION, without the last four fields"),
    ("list sessions <callid>", "an array with one object SESSION"),
    ("call <callid> info", "the object SESSION"),
    ("call <callid> tag <tag> info", "the object TAG"),
    ("list counters", "the object COUNTERS"),
    ("list totals, list jsonstats", "an object, the document of the ng command statistics"),
    ("list interfaces", "an array of objects, those of interfaces in that document"),
    ("list transcoders", "an array, empty as long as nothing is transcoded"),
    ("kslist", "an array of numbers"),
    ("params start, params current", "an object, values by option; those of lists and of interface are arrays, and "
     "secrets are ***"),
    ("params diff", "an array of objects: option, start and current are its name and its values"),
    ("ports <callid>", "an array of addresses with their ports"),
    ("explain <callid>, events <callid>", "an array of strings, the lines of the text"),
)
"""By command: the value behind its last word."""

OBJECTS: dict[str, dict[str, str]] = {
    "NUMSESSIONS": {
        "own": "calls of this node", "foreign": "calls that another node owns", "total": "both",
        "transcoded": "media that are transcoded", "ipv4": "calls that use IPv4 alone",
        "ipv6": "calls that use IPv6 alone", "mixed": "calls that use both"},
    "SESSION": {
        "callid": "the call-ID; bytes that are no UTF-8 are the code points U+DC80 to U+DCFF",
        "created": "when it began, whole seconds", "proxy": "address and port of who set it up",
        "foreign": "true if another node owns it", "deletionmark": "true if a party is about to be deleted",
        "recording": "true if it is recorded", "redis_keyspace": "number of the data base, -1 if it is in none",
        "tos": "type of service of its packets", "last_signal": "when it was last signalled, whole seconds",
        "stored": "when it was last stored", "tags": "array of objects TAG"},
    "TAG": {
        "tag": "the tag, null as long as it is unknown", "type": "FROM_TAG, TO_TAG or UNKNOWN",
        "label": "label of the party, or null", "branch": "the via-branch, or null", "aliases": "array of further tags",
        "created": "when the party came", "duration": "seconds since it was last signalled, until its end",
        "medias": "array of objects MEDIA"},
    "MEDIA": {
        "index": "number of the section, from 1", "type": "audio, video ...", "protocol": "RTP/AVP ...",
        "codec": "ENCODING/clock[/channels] in use", "peers": "array of objects: tag and index of whom it talks to",
        "ice": "state of ICE, empty without", "srtp": "suite of SRTP, empty without",
        "dtls": "state of DTLS, empty without", "ports": "array of objects PORT"},
    "PORT": {
        "local": "our address and port", "remote": "where packets are sent to, or null", "rtp": "true if it is for RTP",
        "rtcp": "true if it is for RTCP", "packets": "packets received", "bytes": "bytes received",
        "errors": "packets that were no good", "last_user": "when the last packet came through user space",
        "last_kernel": "when the last packet came through the kernel", "ssrcs": "array of numbers, the sources heard",
        "state": "object STATE, or null"},
    "STATE": {
        "path": "confirmed, learning, checking (by ICE), announced, waiting or unreachable",
        "reason": "how it is known where the party is, or why not", "admitted": "whose packets are let in",
        "engine": "the accelerator, user space or no engine", "why": "why not the accelerator, empty if it is"},
    "COUNTERS": {
        f"{kind}rate{suffix}": f"{what} per second, {where}"
        for suffix, where in (("_user", "through user space"), ("_kernel", "through the kernel"), ("", "both"))
        for kind, what in (("packet", "packets"), ("byte", "bytes"), ("error", "errors"))},
}
"""By object: its fields."""
DETAILS = 4
"""The last fields of SESSION, which lists do not have."""
