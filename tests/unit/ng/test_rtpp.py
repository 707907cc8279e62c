# SPDX-License-Identifier: GPL-3.0-or-later
import time

import pytest

from controlplane.ng.frame import BENCODE, JSON
from controlplane.ng.reader import read_request
from controlplane.ng.rtpp import parse
from controlplane.ng.values import MAX_DEPTH, Dictionary


def read(line: bytes, *before: tuple[bytes, object], after: tuple = (), command: str = "offer", encoding=BENCODE):
    return read_request(command, Dictionary([*before, (b"rtpp_flags", line), *after]), encoding, "", 0.0)


@pytest.mark.parametrize("line, tokens", [
    (b"", []), (b"   ", []),
    (b"a  b", [(None, b"a"), (None, b"b")]),
    (b"k=v flag", [(b"k", b"v"), (None, b"flag")]),
    (b"k=v=w", [(b"k", b"v=w")]),
    (b"k=[a b c]", [(b"k", [b"a", b"b", b"c"])]),
    (b"k=[]", [(b"k", [])]),
    (b"k=[x=1 y=[a b]]", [(b"k", Dictionary([(b"x", b"1"), (b"y", [b"a", b"b"])]))]),
    (b"k=[x=1 bare y=2]", [(b"k", Dictionary([(b"x", b"1"), (b"y", b"2")]))]),
    (b"k=[a x=1]", [(b"k", [b"a", b"x=1"])]),
    (b"k=[[a b] [c]]", [(b"k", [[b"a", b"b"], [b"c"]])]),
    (b"sdp-attr=[audio=[add=[foo:bar]]] z",
     [(b"sdp-attr", Dictionary([(b"audio", Dictionary([(b"add", [b"foo:bar"])]))])), (None, b"z")]),
    (b"=x y= z", [(None, b"z")]),
    (b"] a ]] b", [(None, b"a"), (None, b"b")]),
    (b"k=[a [b", [(b"k", [b"a", [b"b"]])]),
])
def test_grammar(line, tokens):
    assert parse(line) == tokens


def test_depth_is_limited_without_failing():
    parse(b"[" * 100_000)
    parse(b"k=[" * 100_000 + b"]" * 100_000)
    parse(b"k=" + b"[" * (MAX_DEPTH + 1) + b"a" + b"]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("line", [b" " * 65000, b"=" * 65000, b"[]" * 32000, b"a=" * 32000, b"]" * 65000,
                                  b"a " * 32000])
def test_cost_is_linear(line):
    def cost():
        started = time.process_time()
        parse(line)
        return time.process_time() - started
    assert any(cost() < 1.0 for _ in range(5)), "not even when nobody else is at work on this processor"


def test_flags_and_keys():
    request = read(b"trust-address replace-origin ICE=remove rtcp-mux=[demux] codec=[strip=[G729] "
                   b"transcode=[opus/48000/2/24000]] direction=[int ext] TOS=184 address-family=IP6")
    assert request.flags == {"trust-address"}
    assert request.replace == {"origin"}
    assert request.ice == "remove"
    assert request.rtcp_mux == {"demux"}
    assert request.direction == ("int", "ext")
    assert (request.tos, request.address_family) == (184, 6)
    assert request.codecs == {"strip": ["G729"], "transcode": ["opus/48000/2/24000"]}
    assert not request.unsupported and not request.unknown


def test_is_expanded_at_its_position():
    assert read(b"label=2", (b"label", b"1")).label == "2"
    assert read(b"label=2", after=((b"label", b"3"),)).label == "3"


def test_tags():
    tagged = read(b"to-tag=B from-tag=A")
    assert (tagged.to_tag, tagged.from_tag, tagged.flags) == ("B", "A", {"to-tag", "directional"})
    assert read(b"to_tag=B").flags == {"to-tag"}
    bare = read(b"to-tag", (b"to-tag", b"B"))
    assert (bare.to_tag, bare.flags) == ("B", {"to-tag"})


@pytest.mark.parametrize("line, direction, unknown", [
    (b"internal external", ("internal", "external"), 0),
    (b"external internal", ("external", "internal"), 0),
    (b"direction=a direction=b", ("a", "b"), 0),
    (b"direction=a internal external", ("a", "internal"), 1)])
def test_directions(line, direction, unknown):
    request = read(line)
    assert request.direction == direction
    assert len(request.unknown) == unknown


@pytest.mark.parametrize("line", [b"RTP/AVP", b"SRTP AVPF", b"UDP/TLS/RTP/SAVPF"])
def test_bare_profiles_have_no_effect(line):
    assert read(line).transport_protocol is None


def test_integers_are_decimal_in_both_encodings():
    assert read(b"TOS=010", encoding=JSON).tos == 10


@pytest.mark.parametrize("line, codecs", [
    (b"transcode=PCMA", {"transcode": ["PCMA"]}), (b"codec-strip=all", {"strip": ["all"]}),
    (b"codec-transcode=opus,G722", {"transcode": ["opus", "G722"]}), (b"codec-strip-all", {"strip": ["all"]}),
    (b"codec-set=opus/48000/2///useinbandfec--1;..x", {"set": ["opus/48000/2///useinbandfec=1; x"]}),
    (b"codec-except=x codec=[except=[y] offer=[z]]", {"except": ["x", "y"], "offer": ["z"]}),
    (b"codec-ignore-PCMU", {"ignore": ["PCMU"]})])
def test_codecs(line, codecs):
    assert read(line).codecs == codecs


TEMPLATES = {"default": "trust-address", "offer": "replace-origin from-tag=t", "more": "ICE=remove template=loop",
             "loop": "generate-mid template=more template=loop"}


def test_templates_count_before_the_keys_of_the_message():
    message = Dictionary([(b"from-tag", b"A"), (b"template", b"more"),
                          (b"rtpp_flags", b"template=none template=offer")])
    request = read_request("offer", message, BENCODE, "", 0.0, TEMPLATES)
    assert request.flags == {"trust-address", "generate-mid", "directional"}
    assert (request.replace, request.ice, request.from_tag) == ({"origin"}, "remove", "t")
    assert request.unknown == ["template=more", "template=loop", "template=none"]
    answer = read_request("answer", Dictionary([(b"from-tag", b"A")]), BENCODE, "", 0.0, TEMPLATES)
    assert (answer.from_tag, answer.flags) == ("A", {"trust-address"})


def test_templates_are_named_in_any_case():
    message = Dictionary([(b"template", b"MORE"), (b"rtpp-flags", b"template=Loop template=loop")])
    request = read_request("answer", message, BENCODE, "", 0.0, TEMPLATES | {"loop": "reset template=LOOP"})
    assert (request.ice, request.flags) == ("remove", {"trust-address", "reset"})
    assert request.unknown == ["template=LOOP"]


def test_only_text_is_expanded():
    request = read_request("offer", Dictionary([(b"rtpp-flags", [b"reset"])]), BENCODE, "", 0.0)
    assert not request.flags
