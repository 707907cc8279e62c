# SPDX-License-Identifier: GPL-3.0-or-later
from controlplane.report import detail

from .fakes import NOW, FakeCall, two_party_call

BLOCK = """
callid: 4d1f0a77b2c94e@sbc-1.example.net
deletionmark: no
created: 1790411822
proxy: 127.0.0.1:46122
tos: 184
last_signal: 1790411831
redis_keyspace: -1
last redis update: 0
foreign: no
recording: no

--- Tag 'fromtag77', type: FROM_TAG, label 'alice', branch 'z9hG4bK-1', callduration 41.000000
---     subscribed to media with monologue tag 'totag88' (index: 1)
---     subscription of media with monologue tag 'totag88' (index: 1)
------ Media #1 (audio over RTP/AVP) using PCMA/8000
-------- Port      192.0.2.10:30552 <>    198.51.100.7:40000, SSRC 1f3c77aa, 2050 p, 352600 b, 0 e, \
1790411825 uts 1790411863 kts
-------- Port      192.0.2.10:30553 <>    198.51.100.7:40001 (RTCP), SSRC 1f3c77aa, 8 p, 672 b, 0 e, \
1790411860 uts 0 kts
--- Tag 'totag88', type: TO_TAG, label '', branch '', callduration 41.000000
---     subscribed to media with monologue tag 'fromtag77' (index: 1)
---     subscription of media with monologue tag 'fromtag77' (index: 1)
------ Media #1 (audio over RTP/AVP) using unknown codec
-------- Port      192.0.2.10:30600 <>    198.51.100.9:5000 , SSRC 0, 0 p, 0 b, 0 e, 1790411822 uts 0 kts

"""


def test_block() -> None:
    assert detail.block(two_party_call(), NOW) == BLOCK


def test_ice_says_how_far_it_is() -> None:
    call = two_party_call()
    call.parties[0].medias[0].ice_state = "has failed: no candidate pair works"
    lines = detail.block(call, NOW).splitlines()
    assert lines[[line.startswith("-------- ICE") for line in lines].index(True)] == (
        "-------- ICE has failed: no candidate pair works")


def test_srtp_is_told_with_its_suite() -> None:
    call = two_party_call()
    call.parties[1].medias[0].srtp_state = "with AEAD_AES_128_GCM"
    lines = detail.block(call, NOW).splitlines()
    assert lines.index("-------- SRTP with AEAD_AES_128_GCM") == lines.index(
        "------ Media #1 (audio over RTP/AVP) using unknown codec") + 2


def test_one_line() -> None:
    assert detail.one_line(FakeCall("4d1f0a77b2c94e@sbc-1.example.net")) == (
        "ID:                             4d1f0a77b2c94e@sbc-1.example.net | del:n | creat:  1790411822 | "
        "prx:127.0.0.1:46122 | redis:-1 | frgn:n | rec:n\n")


def test_a_long_call_id_is_not_cut() -> None:
    assert "ID: " + "x" * 90 + " | del" in detail.one_line(FakeCall("x" * 90))


def test_marked_and_foreign() -> None:
    call = two_party_call(foreign=True)
    call.parties[1].deletion_at, call.parties[1].ended = NOW + 9, NOW - 1
    assert "| del:y |" in detail.one_line(call)
    assert "| frgn:y |" in detail.one_line(call)
    assert "callduration 40.000000" in detail.party_block(call, call.parties[1], NOW)


def test_party_block_has_no_empty_line() -> None:
    call = two_party_call()
    assert detail.party_block(call, call.parties[0], NOW).endswith(" 0 kts\n")
    assert "\n\n" not in detail.party_block(call, call.parties[0], NOW)


def test_media_protocol_by_name_or_unknown() -> None:
    call = two_party_call()
    call.parties[0].medias[0].protocol = "RTP/SAVPF"
    call.parties[1].medias[0].protocol = ""
    assert "(audio over RTP/SAVPF)" in detail.block(call, NOW)
    assert "(audio over (unknown))" in detail.block(call, NOW)


def test_names_from_peers_cannot_forge_lines() -> None:
    call = two_party_call("x\ncallid: y\x1b[2J")
    call.parties[0].tag = "a\nb"
    assert "callid: x\\x0acallid: y\\x1b[2J\n" in detail.block(call, NOW)
    assert r" \u202egnp.\x9b |" in detail.one_line(two_party_call("\u202egnp.\x9b"))
    assert "--- Tag 'a\\x0ab'," in detail.block(call, NOW)
    assert detail.one_line(call).count("\n") == 1


def test_aliases() -> None:
    call = two_party_call()
    call.parties[0].aliases = ["alt1"]
    lines = detail.party_block(call, call.parties[0], NOW).splitlines()
    assert lines[1] == "---     Aliases: 'fromtag77', 'alt1'"
