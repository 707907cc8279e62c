# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands about calls: ``list sessions``, ``terminate``, ``call``, ``explain``, ``events`` and ``debug``."""
from __future__ import annotations

from collections.abc import Callable, Iterator

from controlplane.cli.node import MORE, Answer, Reply, Request
from controlplane.report import detail
from controlplane.report.model import Call, is_foreign


def _all(call: Call) -> bool:
    return True


def _own(call: Call) -> bool:
    return not is_foreign(call)


def _recording(call: Call) -> bool:
    return False


SELECTORS: dict[str, tuple[Callable[[Call], bool], str]] = {
    "all": (_all, "No sessions on this media relay.\n"),
    "own": (_own, "No own sessions on this media relay.\n"),
    "foreign": (is_foreign, "No foreign sessions on this media relay.\n"),
    "recording": (_recording, "No recording sessions on this media relay.\n"),
}
"""Which calls ``list sessions`` shows by a word, and what it says if there are none."""
_TERMINATED = {
    "all": (_all, "All calls terminated by operator.\n"),
    "own": (_own, "All own calls terminated by operator.\n"),
    "foreign": (is_foreign, "All foreign calls terminated by operator.\n"),
}
_SWITCH = {"": True, "on": True, "enable": True, "off": False, "disable": False}


def show_sessions(request: Request) -> Reply:
    """``list sessions all|own|foreign|recording|<callid>``; everything left of the line is the call-ID."""
    if not request.rest:
        raise Answer(MORE)
    if request.rest in SELECTORS:
        return _listing(request, *SELECTORS[request.rest])
    return _block(request, known_call(request))


def known_call(request: Request) -> Call:
    """The call whose call-ID is all that is left of the line."""
    call = request.backend.calls().get(request.rest)
    if call is None:
        raise Answer(f"\nCall ID not found ({request.rest}).\n\n")
    return call


def _block(request: Request, call: Call) -> str:
    request.backend.refresh(call)
    return detail.block(call, request.backend.now(), request.backend.states(call))


def _listing(request: Request, wanted: Callable[[Call], bool], nothing: str) -> Iterator[str]:
    """A piece for each call, an empty one for a call not wanted, so that long searches are interrupted too."""
    found = False
    for call in list(request.backend.calls().values()):
        show = wanted(call)
        found = found or show
        yield detail.one_line(call) if show else ""
    if not found:
        yield nothing


def terminate(request: Request) -> Reply:
    """``terminate all|own|foreign|<callid>``; keywords match exactly, no prefix of them does."""
    backend = request.backend
    if not request.rest:
        raise Answer(MORE)
    if request.rest in _TERMINATED:
        wanted, reply = _TERMINATED[request.rest]
        backend.terminate([call for call in backend.calls().values() if wanted(call)])
        return reply
    call = backend.calls().get(request.rest)
    if call is None:
        raise Answer(f"\nCall Id not found ({request.rest}).\n\n")
    backend.terminate([call])
    return f"\nCall Id ({request.rest}) successfully terminated by operator.\n\n"


def select_call(request: Request, call_id: str) -> None:
    """``call <callid>``: everything below is about this call."""
    call = request.backend.calls().get(call_id)
    if call is None:
        raise Answer(f"No such call '{call_id}'\n")
    request.selected_call = call


def select_party(request: Request, tag: str) -> None:
    """``call <callid> tag <tag>``: everything below is about this party."""
    party = next((party for party in request.call.parties if party.tag == tag), None)
    if party is None:
        raise Answer(f"No such tag '{tag}'\n")
    request.selected_party = party


def call_info(request: Request) -> Reply:
    """``call <callid> info``."""
    return _block(request, request.call)


def party_info(request: Request) -> Reply:
    """``call <callid> tag <tag> info``."""
    request.backend.refresh(request.call)
    return detail.party_block(request.call, request.party, request.backend.now(),
                              request.backend.states(request.call))


def call_terminate(request: Request) -> Reply:
    """``call <callid> terminate``."""
    request.backend.terminate([request.call])
    return f"\nCall '{request.call.call_id}' terminated.\n\n"


def call_debug(request: Request) -> Reply:
    """``call <callid> debug [on|enable|off|disable]``."""
    flag = request.word()
    if flag not in _SWITCH:
        raise Answer(f"Invalid on/off flag ('{flag}') specified\n")
    request.backend.set_debug(request.call, _SWITCH[flag])
    return f"{'Enabled' if _SWITCH[flag] else 'Disabled'} debugging for call '{request.call.call_id}'\n"


def explain(request: Request) -> Reply:
    """``explain <callid>``; everything left of the line is the call-ID. Of one that has ended what happened to it."""
    if request.rest not in request.backend.calls():
        return events(request)
    return "".join([f"{line}\n" for line in request.backend.explain(known_call(request))])


def ports(request: Request) -> Reply:
    """``ports <callid>``; everything left of the line is the call-ID. One address and port a line."""
    if not request.rest:
        raise Answer(MORE)
    call = request.backend.calls().get(request.rest)
    if call is None:
        raise Answer(f"\nCall ID not found ({request.rest}).\n\n")
    return "".join([f"{local}\n" for local in request.backend.ports(call)])


def events(request: Request) -> Reply:
    """``events <callid>``; everything left of the line is the call-ID."""
    if not request.rest:
        raise Answer(MORE)
    lines = request.backend.events(request.rest)
    if lines is None:
        raise Answer(f"\nCall ID not found ({request.rest}).\n\n")
    return "".join([f"{line}\n" for line in lines])


def debug(request: Request) -> Reply:
    """``debug <callid> [on|enable|off|disable]``."""
    call_id = request.word()
    if not call_id:
        raise Answer("No call ID specified\n")
    request.selected_call = request.backend.calls().get(call_id)
    if request.selected_call is None:
        raise Answer(f"Call ID '{call_id}' not found\n")
    return call_debug(request)
