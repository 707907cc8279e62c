# SPDX-License-Identifier: GPL-3.0-or-later
"""Operator commands that both daemons get, in the order in which they get them, and replies that differ on purpose."""
from __future__ import annotations

from typing import NamedTuple

CALL_ID, FROM_TAG, TO_TAG = "one@example.net", "caller", "callee"
_BIG = "9" * 23
_CALL = f"call {CALL_ID}"
_TAG = f"{_CALL} tag {FROM_TAG}"

IDLE = """\
help|list|list help|get help|set help|params help|usage|nosuch|list nosuch|get nosuch|set nosuch|params nosuch
LIST totals|list numsessions|get numsessions|list sessions|list sessions all|list sessions own|list sessions foreign
list sessions nobody|list sessions no body|list counters|list maxopenfiles|list maxsessions|list maxcpu|list maxload
list maxbw|list timeout|get timeout|list silenttimeout|list offertimeout|list finaltimeout|list loglevels|list loglevel
list loglevel rtcp|list loglevel nosuch|list redisallowederrors|list redisdisabletime|list redisconnecttimeout
list rediscmdtimeout|list controltos|list deletedelay|list interfaces|list jsonstats|list transcoders|list totals
list timeout and more|list  totals| list totals|list timeoutXX|params|params start|params current|params diff
kslist|kslist and more|ksrm|ksrm 1|ksadd|media|media list files|active|standby|debug|debug nobody|call
call nobody|call nobody info|terminate|terminate nobody|terminate all|terminate own|terminate foreign""".replace(
    "\n", "|").split("|")
"""Without any call."""

CALLS = [
    "list sessions all", "list sessions own", "list sessions foreign", "list sessions recording",
    f"list sessions {CALL_ID}", "list numsessions", "list transcoders", "list totals", "list jsonstats",
    "list counters",
    _CALL, f"{_CALL} nosuch", f"{_CALL} help", f"{_CALL} info", f"{_CALL} debug", f"{_CALL} debug on",
    f"{_CALL} debug enable", f"{_CALL} debug off", f"{_CALL} debug disable", f"{_CALL} debug maybe",
    f"{_CALL} tag", f"{_CALL} tag nobody", f"{_CALL} tag nobody info", _TAG, f"{_TAG} nosuch", f"{_TAG} help",
    f"{_TAG} info", f"{_CALL} tag {TO_TAG} info", f"{_TAG} delay", f"{_TAG} delay 20", f"{_TAG} delay x",
    f"{_TAG} delay -1", f"{_TAG} delay 0", f"{_TAG} detect-dtmf", f"{_TAG} detect-dtmf 1", f"{_TAG} detect-dtmf 0",
    f"{_TAG} detect-dtmf 2", f"{_TAG} detect-dtmf x",
    f"debug {CALL_ID}", f"debug {CALL_ID} on", f"debug {CALL_ID} off", f"debug {CALL_ID} maybe",
    "standby", "list numsessions", "list sessions own", "list sessions foreign", "active", "list numsessions",
    "list sessions foreign", f"terminate {CALL_ID}", "list numsessions", f"terminate {CALL_ID}", "list totals",
    "call two terminate", "list sessions all"]
"""With two calls, of which "two" is heard of at the end only."""

_UINTS = [f"set {name}{value}" for name in ("timeout", "silenttimeout", "offertimeout", "finaltimeout")
          for value in ("", " x", " -3", " 2147483647", f" {_BIG}", " 100s", " 90")]
SETTINGS = [
    "set", "set maxsessions", "set maxsessions 5", "list maxsessions", "params diff", "set maxsessions -2",
    "set maxsessions x", f"set maxsessions {_BIG}", "set maxsessions 5x", "set maxsessions 4294967296",
    "set maxsessions -1", "set maxcpu", "set maxcpu x", "set maxcpu -3", "set maxcpu 1e999", "set maxcpu 12.55",
    "list maxcpu", "set maxcpu 0", "set maxload", "set maxload x", "set maxload -3", "set maxload 2.555",
    "list maxload", "set maxload 0", "set maxbw", "set maxbw x", "set maxbw -1", f"set maxbw {_BIG}", "set maxbw 100",
    "list maxbw", "set maxbw 0", *_UINTS, "list timeout", "list silenttimeout", "list offertimeout",
    "list finaltimeout", "set silent_timeout 90", "set timeout 0", "set timeout 90", "params diff",
    "set loglevel", "set loglevel x", "set loglevel rtcp", "set loglevel rtcp x", "set loglevel rtcp 7",
    "list loglevel rtcp", "set loglevel nosuch 7", "list loglevel", "set loglevel 99",
    "set loglevel 5", "list loglevel",
    "set redisallowederrors", "set redisallowederrors x", "set redisallowederrors 3", "list redisallowederrors",
    "set redisdisabletime", "set redisdisabletime x", "set redisdisabletime -3", "set redisdisabletime 3",
    "list redisdisabletime", "set redisconnecttimeout", "set redisconnecttimeout x", "set redisconnecttimeout 0",
    "set redisconnecttimeout 3", "list redisconnecttimeout", "set rediscmdtimeout", "set rediscmdtimeout -3",
    "set rediscmdtimeout 0", "list rediscmdtimeout", "set redisdisable", "set redisdisable 1", "set deletedelay",
    "set deletedelay x", "set deletedelay -1", "set deletedelay -5", "set deletedelay 3", "list deletedelay",
    "set maxopenfiles", "set maxopenfiles x", "set maxopenfiles 5", f"set maxopenfiles {_BIG}", "set maxopenfiles -5",
    "params diff", "params current", "params revert", "params diff"]

SHARED = [
    "kslist", "ksadd", "ksadd x", f"ksadd {_BIG}", "ksadd 7", "ksadd 7", "ksadd 8x", "kslist", "ksrm", "ksrm x",
    f"ksrm {_BIG}", "ksrm 9", "ksrm 7", "ksrm 7", "kslist", "ksadd -1", "ksadd keyspace 9",
    "set redisconnecttimeout 500", "set rediscmdtimeout 500", "list rediscmdtimeout", "set rediscmdtimeout 0",
    "set redisdisabletime 4", "set redisallowederrors -1", "active", "standby"]
"""With a Redis server."""

DEADLY = {"ksadd 7": "Keyspace notification feature has not been configured.\n",
          "set controltos": "More parameters required.\n",
          "set controltos 184": "Success setting control-tos to 184\n", "list controltos": "184\n",
          "set controltos 256": "Invalid control-tos value 256, must be between 0 and 255\n",
          "set controltos x": "Invalid control-tos value x, must be between 0 and 255\n"}
"""What ends 10.5 at once (without a Redis server), and what ours replies instead."""


class Differences(NamedTuple):
    """Why replies differ, and by command that of the reference and ours."""

    reason: str
    replies: dict[str, tuple[str, str]]


_MORE = "More parameters required.\n"
_UNKNOWN = "Unknown or incomplete command::"
_NO_REDIS = "Keyspace notification feature has not been configured.\n"
_NOTHING = ". Nothing was changed.\n"
_NO_DELAY = f"Delaying audio is not available yet: packets are forwarded as they come{_NOTHING}"
_NO_DTMF = f"Detecting DTMF in audio is not available yet: nothing here decodes audio{_NOTHING}"

DELIBERATE = (
    Differences("10.5 looks at how a text begins, later ones at whole words", {
        "list timeoutXX": ("TIMEOUT=60\n", "Unknown command: timeoutXX\n")}),
    Differences("later ones have these commands, selectors or spellings", {
        "media": (f"{_UNKNOWN}media\n", _MORE),
        "media list files": (f"{_UNKNOWN}media list files\n", "Playing media is not available yet: there are no files, "
                             f"entries or players to list, load or drop{_NOTHING}"),
        "list sessions recording": ("\nCall ID not found (recording).\n\n",
                                    "No recording sessions on this media relay.\n"),
        "set silent_timeout 90": (f"{_UNKNOWN}silent_timeout 90\n", "Success setting timeout to 90\n"),
        "set redisdisable": (f"{_UNKNOWN}redisdisable\n", _MORE),
        "set redisdisable 1": (f"{_UNKNOWN}redisdisable 1\n", "No redis write to disable\n"),
        "ksadd keyspace 9": ("Fail adding keyspace keyspace 9 to redis notifications; no digists found\n",
                             "Success adding keyspace 9 to redis notifications.\n")}),
    Differences("later ones say that there is no Redis server", {
        "kslist": ("\nSubscribed-on keyspaces:\n\n", _NO_REDIS),
        "kslist and more": ("\nSubscribed-on keyspaces:\n\n", _NO_REDIS),
        "ksadd": (_MORE, _NO_REDIS), "ksrm": (_MORE, _NO_REDIS),
        "ksrm 1": ("Keyspace 1 is not among redis notifications.\n", _NO_REDIS)}),
    Differences("there is no engine for it, which must not look like success", {
        f"{_TAG} delay 20": ("Setting delay to 20\n", _NO_DELAY),
        f"{_TAG} delay 0": ("Setting delay to 0\n", _NO_DELAY),
        f"{_TAG} detect-dtmf 1": ("Enabling audio DTMF detection\n", _NO_DTMF),
        f"{_TAG} detect-dtmf 0": ("Disabling audio DTMF detection\n", _NO_DTMF)}),
    Differences("what changes nothing must not look like success", {
        "set loglevel nosuch 7": ("Success setting loglevel to 7\n",
                                  "Fail setting loglevel; unknown subsystem nosuch\n")}),
    Differences("a word is no number, not 0 or 1", {
        f"{_TAG} delay x": ("Setting delay to 1\n", "Invalid delay x\n"),
        f"{_TAG} detect-dtmf x": ("Enabling audio DTMF detection\n", "Invalid setting x\n"),
        "set loglevel rtcp x": ("Success setting loglevel to 0\n", "Fail setting loglevel to x; no digits found\n"),
        "set redisallowederrors x": ("Success setting redis-allowed-errors to 0\n",
                                     "Invalid redis-allowed-errors value x\n"),
        "set redisdisabletime x": ("Success setting redis-disable-time to 0\n",
                                   "Invalid redis-disable-time value x, must be >= 0\n"),
        "set redisconnecttimeout x": ("Invalid redis-connect-timeout value 0, must be > 0\n",
                                      "Invalid redis-connect-timeout value x, must be > 0\n")}),
    Differences("a number that makes no sense is refused", {
        "set loglevel 99": ("Success setting loglevel to 99\n",
                            "Fail setting loglevel to 99; must be between -1 and 7\n"),
        "set maxsessions 4294967296": ("Success setting maxsessions to 4294967296\n",
                                       "Fail setting maxsessions to 4294967296; errno=0\n"),
        "set maxcpu -3": ("Success setting maxcpu to -3.0\n", "Fail setting maxcpu to -3; errno=0\n"),
        "set maxload -3": ("Success setting maxload to -3.00\n", "Fail setting maxload to -3; errno=0\n"),
        "set maxbw -1": ("Success setting maxbw to 18446744073709551615\n", "Fail setting maxbw to -1; errno=0\n"),
        "set deletedelay -5": ("Success setting delete-delay to -5\n", "Invalid delete-delay value\n"),
        "set maxopenfiles -5": ("Fail setting open_files to 18446744073709551611; errno = 1\n",
                                "Fail setting open_files to -5; can't set it under 65536\n"),
        "ksadd -1": ("Success adding keyspace 18446744073709551615 to redis notifications.\n",
                     "Fail adding keyspace -1 to redis notifications; errno=0\n")}),
    Differences("what was set is what is listed", {
        "list maxload": ("Maximum load average configured on rtpengine: 2.55\n",
                         "Maximum load average configured on rtpengine: 2.56\n"),
        "list maxbw": ("Maximum bandwidth configured on rtpengine: 10000\n",
                       "Maximum bandwidth configured on rtpengine: 100\n"),
        "set timeout 0": ("Success setting timeout to 0\n", "Success setting timeout to 60; the default\n")}),
    Differences("connections need no renewal, and nothing has to warn of it", {
        "set rediscmdtimeout 0": (
            "Warning: Setting redis-cmd-timeout to 0 (no timeout) will require a redis reconnect\n"
            "Success setting redis-cmd-timeout to 0\n", "Success setting redis-cmd-timeout to 0\n")}),
    Differences("chains of codecs are counted where media are decoded, not wherever they pass", {
        "list transcoders": ("PCMA/8000 -> PCMA/8000: 2 transcoders\n", "No stats entries\n")}),
)
"""Each with its reason; where several scenarios have the command, one of them differs so, the others not at all."""
