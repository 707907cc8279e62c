# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemon understands, for when it cannot be asked; a test keeps it equal to the daemon's own text."""
from __future__ import annotations

HEADER = """
    rtpengine-ctl [ -ip <ipaddress>[:<port>] -port <port> ] <command>

"""
DAEMON = """\
    Supported commands are:

    usage                                         : print the full list of all available commands

    list <option>
        numsessions                               : print the number of sessions
        sessions [ <callid> | all | own | foreign | recording ]: print one session in detail or one line each
        totals                                    : print total statistics
        counters                                  : print per-second rates
        maxopenfiles                              : print the number of allowed open files
        maxsessions                               : print the number of allowed sessions
        maxcpu                                    : print the max-cpu parameter
        maxload                                   : print the max-load parameter
        maxbw                                     : print the max-bandwidth parameter
        timeout                                   : print the timeout parameter
        silenttimeout                             : print the silent-timeout parameter
        offertimeout                              : print the offer-timeout parameter
        finaltimeout                              : print the final-timeout parameter
        loglevels                                 : print the logging subsystems
        loglevel [ <subsystem> ]                  : print the log levels
        redisallowederrors                        : print the redis-allowed-errors parameter
        redisdisabletime                          : print the redis-disable-time parameter
        redisconnecttimeout                       : print the redis-connect-timeout parameter
        rediscmdtimeout                           : print the redis-cmd-timeout parameter
        controltos                                : print the control-tos parameter
        deletedelay                               : print the delete-delay parameter
        interfaces                                : print ports and traffic of every local address
        jsonstats                                 : print total statistics in JSON
        transcoders                               : print the running transcoders

    get <option>
        numsessions                               : print the number of sessions
        sessions [ <callid> | all | own | foreign | recording ]: print one session in detail or one line each
        totals                                    : print total statistics
        counters                                  : print per-second rates
        maxopenfiles                              : print the number of allowed open files
        maxsessions                               : print the number of allowed sessions
        maxcpu                                    : print the max-cpu parameter
        maxload                                   : print the max-load parameter
        maxbw                                     : print the max-bandwidth parameter
        timeout                                   : print the timeout parameter
        silenttimeout                             : print the silent-timeout parameter
        offertimeout                              : print the offer-timeout parameter
        finaltimeout                              : print the final-timeout parameter
        loglevels                                 : print the logging subsystems
        loglevel [ <subsystem> ]                  : print the log levels
        redisallowederrors                        : print the redis-allowed-errors parameter
        redisdisabletime                          : print the redis-disable-time parameter
        redisconnecttimeout                       : print the redis-connect-timeout parameter
        rediscmdtimeout                           : print the redis-cmd-timeout parameter
        controltos                                : print the control-tos parameter
        deletedelay                               : print the delete-delay parameter
        interfaces                                : print ports and traffic of every local address
        jsonstats                                 : print total statistics in JSON
        transcoders                               : print the running transcoders

    terminate [ <callid> | all | own | foreign ]  : terminate calls immediately

    set <option>
        maxopenfiles <uint>                       : set the max nr of allowed open files
        maxsessions <int>                         : set the max nr of allowed sessions, -1 for no limit
        maxcpu <float>                            : set the max-cpu parameter in percent, 0 for no limit
        maxload <float>                           : set the max-load parameter, 0 for no limit
        maxbw <uint>                              : set the max-bandwidth parameter in bytes per second, 0 for no limit
        timeout <uint>                            : set the timeout parameter
        silenttimeout <uint>                      : set the silent-timeout parameter
        offertimeout <uint>                       : set the offer-timeout parameter
        finaltimeout <uint>                       : set the final-timeout parameter
        loglevel [ <subsystem> ] <int>            : set the log level (1-7)
        redisallowederrors <int>                  : set the redis-allowed-errors parameter, -1 for no limit
        redisdisabletime <uint>                   : set the redis-disable-time parameter in seconds
        redisdisable <1 | 0>                      : write to redis instead of redis-write, or no longer
        redisconnecttimeout <uint>                : set the redis-connect-timeout parameter in ms
        rediscmdtimeout <uint>                    : set the redis-cmd-timeout parameter in ms, 0 for no limit
        controltos <uint>                         : set the control-tos parameter
        deletedelay <uint>                        : set the delete-delay parameter

    params <option>
        start                                     : print all parameters as they were at the start
        current                                   : print all parameters as they are now
        diff                                      : print the parameters that were changed
        revert                                    : put the changed parameters back to their start values

    ksadd [ keyspace ] <uint>                     : subscribe to a keyspace

    ksrm [ keyspace ] <uint>                      : unsubscribe from a keyspace and drop its foreign calls

    kslist                                        : print all subscribed keyspaces

    active                                        : make all calls own calls

    standby                                       : make all calls foreign calls

    drain                                         : refuse new calls, serve the running ones

    undrain                                       : take new calls again

    explain <callid>                              : say where the packets of a call go, and why

    ports <callid>                                : print the local ports of a call

    events <callid>                               : say what happened to a call, ended ones included

    debug <callid> [ on | off ]                   : switch debug logging for a call

    call <callid> <option>
        info                                      : print the call in detail
        terminate                                 : terminate the call immediately
        debug [ on | off ]                        : switch debug logging for the call
        tag <tag> <option>
            info                                  : print one party of the call in detail
            delay <uint>                          : delay the audio of a party in ms: not available yet
            detect-dtmf <1 | 0>                   : detect DTMF in the audio of a party: not available yet

    media <option>
        list <option>
            files                                 : print all media files: not available yet
            dbs                                   : print all entries of the data base: not available yet
            caches                                : print all cached entries: not available yet
            players                               : print all players: not available yet
        add <option>
            file <path>                           : load a media file: not available yet
            db <id>                               : load an entry of the data base: not available yet
            cache <id>                            : load a cached entry: not available yet
        reload <option>
            file <path>                           : load again a media file: not available yet
            db <id>                               : load again an entry of the data base: not available yet
            cache <id>                            : load again a cached entry: not available yet
            files                                 : load again all media files: not available yet
            dbs                                   : load again all entries of the data base: not available yet
            caches                                : load again all cached entries: not available yet
        evict <option>
            file <path>                           : forget a media file: not available yet
            db <id>                               : forget an entry of the data base: not available yet
            cache <id>                            : forget a cached entry: not available yet
            files                                 : forget all media files: not available yet
            dbs                                   : forget all entries of the data base: not available yet
            caches                                : forget all cached entries: not available yet
            players                               : forget all players: not available yet

    json <command>                                : run a command that lists or prints, and reply in JSON

"""
LOCAL = """\
    Executed by rtpengine-ctl itself:

    rule <option>
        install [ --id <n> --chain <chain> ]      : make the kernel hand UDP packets to forwarding table <n>
        check [ --id <n> --chain <chain> ]        : tell whether that rule is there
        remove [ --id <n> --chain <chain> ]       : take it away; "rule install --help" shows all options

    capture <callid> --file <file>                : write its packets to a new file; "capture --help" shows all options

    complete <words>                              : print what the last word may become, for the TAB key of shells

    doctor [ --json ]                             : check host and daemon, and say what to type to mend them

    Options: --config-file <file> and --config-section <name> tell where to find listen-cli; --json has lists
    and single values printed as JSON.

    Return value: 0 on success with output from the server side, 1 for bad usage, 2 if the daemon cannot be
    reached, 3 if it does not answer in time, 4 for an error text of the daemon, 5 for a problem that doctor found.
"""
STATUS = {0: "success, with output from the daemon", 1: "bad usage", 2: "the daemon cannot be reached",
          3: "the daemon does not answer in time", 4: "the daemon answered with an error text",
          5: "doctor has found a problem"}
"""What the program's exit status means."""
KEYWORDS = frozenset(line.split()[0] for line in DAEMON.splitlines()[2:] if line[4:5].strip()) | {"help"}
"""First words of the commands."""
