# SPDX-License-Identifier: GPL-3.0-or-later
"""SRTP indices that outlive the target they were used in.

A stream that gets other sockets, or leaves another engine, goes on under the same keys: then its roll-over counter must
go on too, and no index may be used twice. So indices are passed on by key, and only under the very same key.
"""
from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from controlplane.dataplane import abi
from controlplane.dataplane.parts import PART, part
from controlplane.events import KeyIndex, SrtpKeys, WantedTarget
from controlplane.relay._native import ffi, lib

KeyUse = tuple[bool, bytes]
"""Whether packets were sent under a key, and the key with its salt."""

_STATE = ffi.sizeof("struct rtpe_srtp_state")
_RTP = ffi.offsetof("struct rtpe_srtp_state", "rtp")
_RTCP = ffi.offsetof("struct rtpe_srtp_state", "rtcp")
_TOP = struct.Struct("=Q")
_NONE = bytes(_RTCP - _RTP)
_HEAD = struct.Struct("=4sB3x")
"""The first fields of struct rtpe_srtp_state: ssrc, valid."""
_WORDS, _BITS = 16, 16
"""Of struct rtpe_replay: words, and bits in each."""
CARRIED_RESERVE = 1 << 16
"""RTCP packets that a process may have sent after it has told of its indices."""
MAX_RTCP = (1 << 31) - 1


def _use(keys: SrtpKeys | None, sent: bool) -> KeyUse | None:
    return (sent, keys.key + keys.salt) if keys is not None else None


def is_encrypted(wanted: WantedTarget) -> bool:
    """Whether SRTP indices are part of the target's state."""
    if wanted.decrypt is not None:
        return True
    for outputs in (wanted.rtp_outputs, wanted.rtcp_outputs):
        for output in outputs:
            if output.encrypt is not None:
                return True
    return bool(wanted.bundle) and any([output.encrypt is not None for output in abi.outputs_of(wanted)])


def uses(wanted: WantedTarget) -> Iterator[KeyUse]:
    """The uses of keys by a target."""
    for use in (_use(wanted.decrypt, False), *[_use(output.encrypt, True) for output in abi.outputs_of(wanted)]):
        if use is not None:
            yield use


def goes_on(before: WantedTarget, wanted: WantedTarget) -> bool:
    """True if the engine that holds ``before`` keeps all indices by itself when it is replaced by ``wanted``."""
    if _use(before.decrypt, False) != _use(wanted.decrypt, False):
        return False
    old, new = abi.outputs_of(before), abi.outputs_of(wanted)
    return len(new) <= len(old) and all([
        one.source == other.source and _use(one.encrypt, True) == _use(other.encrypt, True)
        for one, other in zip(old, new)])


class Indices:
    """Those of any number of targets: by use of a key and SSRC, the higher ones of RTP and of RTCP."""

    def __init__(self) -> None:
        self._known: dict[KeyUse, dict[bytes, tuple[bytes, bytes]]] = {}

    def add(self, wanted: WantedTarget, seeds: abi.Seeds) -> None:
        """What an engine has said of a target of its own."""
        self._take(_use(wanted.decrypt, False), seeds.srtp)
        for output, (_, states) in zip(abi.outputs_of(wanted), seeds.outputs):
            self._take(_use(output.encrypt, True), states)

    def _take(self, use: KeyUse | None, states: bytes) -> None:
        if use is None or not states:
            return
        known = self._known.setdefault(use, {})
        for at in range(PART.size, len(states), _STATE):
            head = states[at:at + _RTP]
            rtp, rtcp = known.get(head, (_NONE, _NONE))
            known[head] = (_higher(rtp, states[at + _RTP:at + _RTCP]), _higher(rtcp, states[at + _RTCP:at + _STATE]))

    def export(self) -> tuple[KeyIndex, ...]:
        """How far everybody is, for another process."""
        return tuple([KeyIndex(sent, key, int.from_bytes(head[:4], "big"), _TOP.unpack_from(rtp)[0],
                               _TOP.unpack_from(rtcp)[0])
                      for (sent, key), known in self._known.items() for head, (rtp, rtcp) in known.items()])

    def load(self, indices: Iterable[KeyIndex]) -> None:
        """What another process has exported: nothing before that is let in, and no index sent twice.

        It may have sent some RTCP since, which nobody can tell.
        """
        for sent, key, ssrc, rtp, rtcp in indices:
            known = self._known.setdefault((sent, key), {})
            known[_HEAD.pack(ssrc.to_bytes(4, "big"), lib.RTPE_SSRC_VALID)] = (
                _window(rtp), _window(min(rtcp + CARRIED_RESERVE, MAX_RTCP) if sent else rtcp))

    def merge(self, other: Indices) -> None:
        """Take over what the other one knows."""
        for use, states in other._known.items():
            known = self._known.setdefault(use, {})
            for head, (rtp, rtcp) in states.items():
                mine = known.get(head, (_NONE, _NONE))
                known[head] = _higher(mine[0], rtp), _higher(mine[1], rtcp)

    def seeds(self, wanted: WantedTarget, sources: bytes) -> abi.Seeds:
        """What a target needs to go on; ``sources`` are its trackers."""
        return abi.Seeds(sources, self._states(_use(wanted.decrypt, False)), tuple(
            [(output.source, self._states(_use(output.encrypt, True))) for output in abi.outputs_of(wanted)]))

    def _states(self, use: KeyUse | None) -> bytes:
        known = self._known.get(use) if use is not None else None
        if not known:
            return b""
        entries = [head + rtp + rtcp for head, (rtp, rtcp) in known.items()][-abi.MAX_SSRCS:]
        return part(lib.RTPE_PART_SRTP_STATES, len(entries), b"".join(entries))


def _window(top: int) -> bytes:
    """A replay window in which everything before ``top`` was seen."""
    window = ffi.new("struct rtpe_replay *", {"top": top})
    for number in range(max(0, top - _WORDS * _BITS) // _BITS, -(-top // _BITS)):
        window.seen[number % _WORDS] = number << _BITS | (1 << min(_BITS, top - number * _BITS)) - 1
    return bytes(ffi.buffer(window))


def _higher(one: bytes, other: bytes) -> bytes:
    """Of two replay windows the one that is further on."""
    return one if _TOP.unpack_from(one)[0] >= _TOP.unpack_from(other)[0] else other
