# SPDX-License-Identifier: GPL-3.0-or-later
from controlplane.report import detail, model
from controlplane.session.call import Call
from controlplane.session.media import Media, link
from controlplane.session.party import associate

from .fakes import NOW


def test_the_sessions_have_the_shape_that_reports_read() -> None:
    call = Call("c", 1790411822.0, "127.0.0.1:46122", 1790411831.0)
    party = call.add_party(1790411822.0, "a")
    party.medias.append(Media(1, "audio"))
    party.medias[0].set_streams(1, 1790411822.0)
    other = call.add_party(1790411822.0, "b")
    other.medias.append(Media(1, "audio"))
    associate(party, other)
    link(party.medias[0], other.medias[0])
    shape: model.Call = call
    assert "---     subscribed to media with monologue tag 'b' (index: 1)\n" in detail.block(shape, NOW)
    assert "callid: c\n" in detail.block(shape, NOW)
