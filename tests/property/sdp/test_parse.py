# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever arrives: a description or a PeerError, all generic lines kept, and no work beyond the size."""
import os
import sys
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.addresses import Address
from controlplane.errors import PeerError
from controlplane.sdp.attributes import ATTRIBUTES
from controlplane.sdp.model import Origin
from controlplane.sdp.parse import parse
from controlplane.sdp.rewrite import outgoing_media, outgoing_session
from controlplane.sdp.write import write

LOCAL = Address.parse("203.0.113.5")
ORIGIN = Origin("-", "1", 1, "IN", "IP4", "203.0.113.5")

rest = st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=12)
names = st.sampled_from([*ATTRIBUTES, "foo", "ssrc", "msid", "bundle-only"])
numbers = st.sampled_from(["0", "8", "96", "127", "128", "-1", "65535", "65536", "x", "9" * 25, "*", ""])
values = st.one_of(rest, st.builds("{} {}".format, numbers, rest),
                   st.builds("{} {}/{}/{}".format, numbers, rest, numbers, numbers),
                   st.builds("{} IN IP4 192.0.2.1".format, numbers))
attribute_lines = st.one_of(st.builds("a={}:{}".format, names, values), st.builds("a={}".format, names))
other_lines = st.one_of(
    st.builds("{}={}".format, st.sampled_from("vostiuepcbakrz"), rest),
    st.sampled_from(["v=0", "c=IN IP4 192.0.2.1", "c=IN IP6 ::", "o=- 1 1 IN IP4 h", "b=AS:5", "t=0 0", "", "x"]),
    st.builds("m=audio {}/{} {} {} {}".format, numbers, numbers, st.sampled_from(["RTP/AVP", "udptl", "X"]), numbers,
              rest),
    st.builds("m=audio {} RTP/AVP {}".format, numbers, numbers))
bodies = st.lists(st.one_of(attribute_lines, other_lines), max_size=30).map(lambda lines: "\r\n".join(lines).encode())


def relay(body, **flags):
    description = parse(body, **flags)
    description.endpoints(LOCAL)
    out = outgoing_session(description, ORIGIN)
    out.medias = [outgoing_media(media, 30000, LOCAL) for media in description.medias]
    return write(out)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(b"v=0\n".__add__), bodies,
                 bodies.map(b"v=0\r\nc=IN IP4 192.0.2.1\r\n".__add__)), st.booleans(), st.booleans())
@settings(max_examples=400, deadline=None)
def test_garbage_gives_peer_errors_only(body, fragment, strict):
    try:
        printed = relay(body, fragment=fragment, strict=strict)
    except PeerError as error:
        assert str(error) in ("Failed to parse SDP", "Incomplete SDP specification")
        return
    assert len(printed) < 200 + 64 * len(body)
    assert parse(printed) is not None


generic_texts = st.lists(st.one_of(
    st.builds("{}:{}".format, st.sampled_from(["foo", "ssrc", "msid", "rtcp-fb:*", "Sendrecv", "x"]), rest),
    st.sampled_from(["bundle-only", "rtcp-rsize", "framerate:25"])), max_size=12)
consumed_lines = st.lists(st.sampled_from(["a=sendonly", "a=rtpmap:0 X/1", "a=mid:1", "a=rtcp:5", "a=rtcp-fb:0 nack"]))


@given(generic_texts, generic_texts, consumed_lines, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_generic_attributes_survive_in_order_behind_feedback(session, media, consumed, random):
    lines = ["a=" + text for text in media]
    for line in consumed:
        lines.insert(random.randrange(len(lines) + 1), line)
    head = ["v=0", "c=IN IP4 192.0.2.1", *("a=" + text for text in session)]
    body = "\n".join([*head, "m=audio 5000 RTP/AVP 0", *lines])
    description = parse(body.encode() + b"\n")
    assert description.generic == session
    media.sort(key=lambda text: not text.startswith("rtcp-fb:"))
    assert description.medias[0].generic == media
    printed = relay(body.encode() + b"\n")
    head, _, section = printed.decode().partition("\r\nm=")
    assert [line[2:] for line in head.split("\r\n") if line[2:] in session and line[:2] == "a="] == session
    assert [text for text in parse(printed).medias[0].generic] == media
    assert relay(printed) == printed


def steps(action):
    """Number of Python instructions that ``action`` runs."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += 1
        frame.f_trace_opcodes = True
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.skipif("RTPENGINE_COMPILED" in os.environ, reason="compiled modules do nothing that steps() sees")
@pytest.mark.parametrize("first, second", [
    ("a=foo:{}", ""),
    ("e=x{}", ""),
    ("v=0", ""),
    ("a=extmap:1 urn:{}", ""),
    ("a=ice-pwd:{}", "m=a 1 b"),
    ("a=foo:{}", "m=a 1 b"),
    ("", "m=a 1 b\na=ssrc:{}"),
    ("", "m=audio 5 RTP/AVP 0 8 96\na=rtcp:{}"),
    ("m=audio 5 RTP/AVP 0 8 96", "a=rtcp-fb:0 x{}"),
    ("m=audio 5 RTP/AVP 0 8 96", "a=rtpmap:96 x/{}"),
])
def test_work_grows_with_the_size_only(first, second):
    def body(count):
        lines = [line.format(number) for line in (first, second) if line for number in range(1, count + 1)]
        return "\n".join(["v=0", "c=IN IP4 0.0.0.0", "a=ice-ufrag:u", *lines]).encode()

    relay(body(1))
    small, large = (steps(partial(relay, body(size))) for size in (100, 400))
    assert large < 4.2 * small


def test_repeated_payload_types_do_not_multiply():
    body = (b"v=0\nc=IN IP4 192.0.2.1\nm=audio 5 RTP/AVP" + b" 0" * 5000 + b"\na=fmtp:0 " + b"x" * 5000 + b"\n"
            + b"a=rtcp-fb:0 nack\n" * 3000)
    assert len(relay(body)) < 2 * len(body)
