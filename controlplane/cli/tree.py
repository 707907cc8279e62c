# SPDX-License-Identifier: GPL-3.0-or-later
"""The command table; help and usage texts are printed from it."""
from __future__ import annotations

from dataclasses import replace

from controlplane.cli import data, draining, listing, loglevels, params, redis, sessions, settings, unavailable
from controlplane.cli.listing import option
from controlplane.cli.jsontext import error
from controlplane.cli.node import MORE, Answer, Node, Reply, Request, execute, usage
from controlplane.cli.settings import load_limit, timeout


def _usage(request: Request) -> Reply:
    return usage(COMMANDS)


def _json(request: Request) -> Reply:
    try:
        if not request.rest:
            raise Answer(MORE)
        return execute(COMMANDS, replace(request, json=True))
    except Answer as answer:
        return error(str(answer))


def _setting(keyword: str, attribute: str, layout: str = "%d", default: float | None = None, what: str = "") -> Node:
    """``list`` for one setting."""
    what = what or f"the {attribute.replace('_', '-')} parameter"
    return Node(keyword, "", f"print {what}", option(attribute, layout, default), data=data.setting(attribute, default))


_LIST = (
    Node("numsessions", "", "print the number of sessions", listing.sessions, data=data.counts),
    Node("sessions", "[ <callid> | all | own | foreign | recording ]", "print one session in detail or one line each",
         sessions.show_sessions, data=data.sessions),
    Node("totals", "", "print total statistics", listing.everything, data=data.everything),
    Node("counters", "", "print per-second rates", listing.rates, data=data.rates),
    Node("maxopenfiles", "", "print the number of allowed open files", listing.open_files, data=data.open_files),
    _setting("maxsessions", "max_sessions", "Maximum sessions configured on rtpengine: %d",
             what="the number of allowed sessions"),
    _setting("maxcpu", "max_cpu", "Maximum CPU usage configured on rtpengine: %.1f", 0),
    _setting("maxload", "max_load", "Maximum load average configured on rtpengine: %.2f", 0),
    _setting("maxbw", "max_bandwidth", "Maximum bandwidth configured on rtpengine: %d", 0),
    _setting("timeout", "timeout", "TIMEOUT=%d"),
    _setting("silenttimeout", "silent_timeout", "SILENT_TIMEOUT=%d"),
    _setting("offertimeout", "offer_timeout", "OFFER_TIMEOUT=%d"),
    _setting("finaltimeout", "final_timeout", "FINAL_TIMEOUT=%d"),
    Node("loglevels", "", "print the logging subsystems", loglevels.describe, data=data.subsystems),
    Node("loglevel", "[ <subsystem> ]", "print the log levels", loglevels.show_levels, data=data.levels),
    _setting("redisallowederrors", "redis_allowed_errors"),
    _setting("redisdisabletime", "redis_disable_time"),
    _setting("redisconnecttimeout", "redis_connect_timeout"),
    _setting("rediscmdtimeout", "redis_cmd_timeout"),
    _setting("controltos", "control_tos"),
    _setting("deletedelay", "delete_delay"),
    Node("interfaces", "", "print ports and traffic of every local address", listing.interfaces, data=data.interfaces),
    Node("jsonstats", "", "print total statistics in JSON", listing.jsonstats, data=data.everything),
    Node("transcoders", "", "print the running transcoders", listing.transcoders, data=data.transcoders),
)


_SET = (
    Node("maxopenfiles", "<uint>", "set the max nr of allowed open files", settings.open_files),
    Node("maxsessions", "<int>", "set the max nr of allowed sessions, -1 for no limit", settings.max_sessions),
    Node("maxcpu", "<float>", "set the max-cpu parameter in percent, 0 for no limit",
         load_limit("maxcpu", "max_cpu", 1)),
    Node("maxload", "<float>", "set the max-load parameter, 0 for no limit", load_limit("maxload", "max_load", 2)),
    Node("maxbw", "<uint>", "set the max-bandwidth parameter in bytes per second, 0 for no limit",
         settings.max_bandwidth),
    Node("timeout", "<uint>", "set the timeout parameter", timeout("timeout")),
    Node("silenttimeout", "<uint>", "set the silent-timeout parameter", timeout("silent_timeout"),
         spellings=("silent_timeout",)),
    Node("offertimeout", "<uint>", "set the offer-timeout parameter", timeout("offer_timeout"),
         spellings=("offer_timeout",)),
    Node("finaltimeout", "<uint>", "set the final-timeout parameter", timeout("final_timeout"),
         spellings=("final_timeout",)),
    Node("loglevel", "[ <subsystem> ] <int>", "set the log level (1-7)", loglevels.set_levels),
    Node("redisallowederrors", "<int>", "set the redis-allowed-errors parameter, -1 for no limit",
         redis.allowed_errors),
    Node("redisdisabletime", "<uint>", "set the redis-disable-time parameter in seconds",
         redis.at_least("redis-disable-time", 0)),
    Node("redisdisable", "<1 | 0>", "write to redis instead of redis-write, or no longer", redis.disable),
    Node("redisconnecttimeout", "<uint>", "set the redis-connect-timeout parameter in ms",
         redis.at_least("redis-connect-timeout", 1)),
    Node("rediscmdtimeout", "<uint>", "set the redis-cmd-timeout parameter in ms, 0 for no limit",
         redis.at_least("redis-cmd-timeout", 0)),
    Node("controltos", "<uint>", "set the control-tos parameter", settings.control_tos),
    Node("deletedelay", "<uint>", "set the delete-delay parameter", settings.delete_delay),
)

_PARAMS = (
    Node("start", "", "print all parameters as they were at the start", params.start,
         data=params.start_values),
    Node("current", "", "print all parameters as they are now", params.current, data=params.current_values),
    Node("diff", "", "print the parameters that were changed", params.diff, data=params.changed_values),
    Node("revert", "", "put the changed parameters back to their start values", params.revert),
)

_CALL = (
    Node("info", "", "print the call in detail", sessions.call_info, data=data.details),
    Node("terminate", "", "terminate the call immediately", sessions.call_terminate),
    Node("debug", "[ on | off ]", "switch debug logging for the call", sessions.call_debug),
    Node("tag", "<tag> <option>", select=sessions.select_party, children=(
        Node("info", "", "print one party of the call in detail", sessions.party_info, data=data.party),
        *unavailable.TAG)),
)

COMMANDS = (
    Node("usage", "", "print the full list of all available commands", _usage),
    Node("list", "<option>", children=_LIST),
    Node("get", "<option>", children=_LIST),
    Node("terminate", "[ <callid> | all | own | foreign ]", "terminate calls immediately", sessions.terminate),
    Node("set", "<option>", children=_SET),
    Node("params", "<option>", children=_PARAMS),
    Node("ksadd", "[ keyspace ] <uint>", "subscribe to a keyspace", redis.add),
    Node("ksrm", "[ keyspace ] <uint>", "unsubscribe from a keyspace and drop its foreign calls", redis.remove),
    Node("kslist", "", "print all subscribed keyspaces", redis.show, data=data.keyspaces),
    Node("active", "", "make all calls own calls", redis.active),
    Node("standby", "", "make all calls foreign calls", redis.standby),
    Node("drain", "", "refuse new calls, serve the running ones", draining.drain),
    Node("undrain", "", "take new calls again", draining.undrain),
    Node("explain", "<callid>", "say where the packets of a call go, and why", sessions.explain,
         data=data.lines(sessions.explain)),
    Node("ports", "<callid>", "print the local ports of a call", sessions.ports, data=data.lines(sessions.ports)),
    Node("events", "<callid>", "say what happened to a call, ended ones included", sessions.events,
         data=data.lines(sessions.events)),
    Node("debug", "<callid> [ on | off ]", "switch debug logging for a call", sessions.debug),
    Node("call", "<callid> <option>", select=sessions.select_call, children=_CALL),
    Node("media", "<option>", children=unavailable.MEDIA),
    Node("json", "<command>", "run a command that lists or prints, and reply in JSON", _json),
)
