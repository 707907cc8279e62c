# SPDX-License-Identifier: GPL-3.0-or-later
"""What is created without values for all of its attributes has them all the same, compiled or not."""
from __future__ import annotations

import pytest

from controlplane.addresses import Address
from controlplane.events import ChangeSet
from controlplane.ng.request import Request
from controlplane.sdp.model import MediaDescription, Origin, SessionDescription
from controlplane.sdp.outgoing import OutgoingMedia, OutgoingSession
from controlplane.session.call import Call
from controlplane.session.media import Media
from controlplane.session.party import Party
from controlplane.session.stream import Stream

FRESH = (ChangeSet(), Request("offer"), MediaDescription("audio", 9, 1, "RTP/AVP", None, ("0",)),
         SessionDescription(), OutgoingSession(Origin("-", "1", 1, "IN", "IP4", "192.0.2.1")),
         OutgoingMedia("audio", 9, "RTP/AVP", Address.parse("192.0.2.1")), Call("c", 1.0), Media(1, "audio"),
         Party(1.0), Stream(1, 1.0))


@pytest.mark.parametrize("made", FRESH, ids=lambda made: type(made).__name__)
def test_every_attribute_has_a_value(made: object) -> None:
    names = {*getattr(type(made), "__annotations__", ()), *[name for name in dir(made) if not name.startswith("_")]}
    assert names and [name for name in names if not hasattr(made, name)] == []


@pytest.mark.parametrize("made", FRESH, ids=lambda made: type(made).__name__)
def test_nothing_that_can_change_is_shared(made: object) -> None:
    shared = [name for name, value in vars(type(made)).items() if isinstance(value, (list, dict, set)) and
              not name.startswith("_")]
    assert shared == []
