# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoint learning: where to send, when a party's packets come from elsewhere than its SDP said.

A source is ranked by how much of the advertised endpoint it matches. In the mode ``heuristic`` the best one wins.
Learning ends at once for an exact match, else with the first packet that is later than WINDOW seconds after the
last signalling; ``Calls`` has the sources reported again when the window closes.

A key says that packets are the party's own, not that they come from it: who hears them can send them again, from
elsewhere and faster. So a party with keys from SDP is ``held`` to the address that it has announced until the window
closes, unless it seems to be behind a NAT. (With keys from DTLS the handshake has said where it is.)
"""
from __future__ import annotations

from controlplane.addresses import Endpoint
from controlplane.session.media import Handling, Media
from controlplane.session.stream import Stream

WINDOW = 3.0
"""Seconds after an offer or answer in which sources are compared."""


NEAR = 1
"""The rank of another port of the announced address."""


def rank(advertised: Endpoint, source: Endpoint) -> int:
    """0 for the advertised endpoint, 1 for another port, 2 for another address, 3 for both."""
    return 2 * (source.address != advertised.address) + (source.port != advertised.port)


def is_held(media: Media, stream: Stream) -> bool:
    """True if at first no packets count but those from the announced address.

    A private address cannot be the one that a party is seen at, unless we are in the same network.
    """
    if media.keys is None or media.keys is not media.sdes or media.mapping is None or stream.advertised is None:
        return False
    if stream.learned is not None and not _is_near(stream, stream.learned):
        return False
    network = stream.advertised.address.private_network
    return network is None or network == media.mapping.place.advertised.private_network


def observe(stream: Stream, handling: Handling, source: Endpoint, at: float, last_signal: float,
            held: bool = False) -> bool:
    """A packet came from ``source`` at ``at`` (Unix time in seconds); True if that changed ``stream``.

    What came before the last signalling says nothing about where the party is now.
    """
    if not stream.filled or not stream.public or at < last_signal:
        return False
    if stream.confirmed:
        return _hand_over(stream, handling, source)
    late = at - last_signal >= WINDOW
    if held and not late and handling.learning == "heuristic" and not _is_near(stream, source):
        return False
    return _MODES[handling.learning](stream, handling, source, late)


def _is_near(stream: Stream, source: Endpoint) -> bool:
    """True if a source has the announced address, whatever its port."""
    return stream.advertised is not None and rank(stream.advertised, source) <= NEAR


def ranks(stream: Stream, handling: Handling) -> bool:
    """True while sources compete for the stream, in which the relay takes part."""
    return (stream.is_rtp and stream.learning and handling.learning == "heuristic"
            and stream.advertised is not None and stream.advertised.port != 0)


def follows(stream: Stream, handling: Handling) -> bool:
    """True while what is sent to the stream goes to where its packets come from, without waiting for us."""
    return stream.learning and handling.learning in ("heuristic", "delayed") and not handling.asymmetric


def _hand_over(stream: Stream, handling: Handling, source: Endpoint) -> bool:
    """After learning only the flag ``media-handover`` lets a stream move, which then starts to learn again."""
    if not handling.media_handover or source == (stream.learned or stream.endpoint):
        return False
    _take(stream, handling, source)
    stream.unconfirm()
    if stream.advertised is not None:
        stream.best_rank = rank(stream.advertised, source)
    return True


def _take(stream: Stream, handling: Handling, source: Endpoint) -> None:
    stream.learned = source
    if not handling.asymmetric:
        stream.endpoint = source


def _off(stream: Stream, handling: Handling, source: Endpoint, late: bool) -> bool:
    stream.confirmed = True
    return True


def _immediate(stream: Stream, handling: Handling, source: Endpoint, late: bool) -> bool:
    _take(stream, handling, source)
    stream.confirmed = True
    return True


def _delayed(stream: Stream, handling: Handling, source: Endpoint, late: bool) -> bool:
    changed = late or source != stream.learned
    _take(stream, handling, source)
    stream.confirmed = late
    return changed


def _heuristic(stream: Stream, handling: Handling, source: Endpoint, late: bool) -> bool:
    if stream.advertised is None or not stream.advertised.port:
        return _delayed(stream, handling, source, late)
    found = rank(stream.advertised, source)
    best = stream.best_rank
    if best is not None and found > best:
        if not late or handling.strict_source:
            return False
        stream.confirmed = True
        return True
    changed = source != stream.learned
    stream.best_rank = found
    _take(stream, handling, source)
    stream.confirmed = found == 0 or late
    return changed or stream.confirmed


_MODES = {"off": _off, "immediate": _immediate, "delayed": _delayed, "heuristic": _heuristic}
