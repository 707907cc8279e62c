# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever arrives is read or refused with a PeerError, and what is written reads the same."""
from hypothesis import example, given, settings
from hypothesis import strategies as st

from controlplane.errors import PeerError
from controlplane.ng import bencode, json
from controlplane.ng.cookies import CookieCache
from controlplane.ng.dispatch import Dispatcher, Hooks
from controlplane.ng.frame import BENCODE, JSON
from controlplane.ng.keys import KEYS
from controlplane.ng.flags import FLAGS
from controlplane.ng.reader import read_request
from controlplane.ng.rtpp import parse
from controlplane.ng.values import INT64_MAX, INT64_MIN, Dictionary
from tests.unit.ng.messages import OFFER, PROXY_OFFER

INTEGERS = st.integers(INT64_MIN, INT64_MAX)


def trees(strings):
    """Dictionaries as the decoders give them."""
    values = st.recursive(strings | INTEGERS,
                          lambda inner: st.lists(inner, max_size=4) | dictionaries(strings, inner), max_leaves=20)
    return dictionaries(strings, values)


def dictionaries(keys, values):
    return st.lists(st.tuples(keys, values), max_size=5).map(Dictionary)


def plain(value):
    """A decoded value as the built-in types that JSON knows; repeated keys are lost."""
    if isinstance(value, Dictionary):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


TEXT = st.text(max_size=10).map(lambda text: text.encode("utf-8", "replace"))
FRAGMENTS = st.sampled_from([b"d", b"l", b"e", b"i", b"1:a", b"0:", b"i5e", b"3:", b"99:", b"-", b":", b"7:command",
                             b"4:ping", b"5:offer", b"5:flags", b"10:rtpp_flags"])
GARBAGE = st.binary(max_size=60) | st.lists(FRAGMENTS | st.binary(max_size=3), max_size=30).map(b"".join)


@given(trees(st.binary(max_size=10)))
def test_bencode_round_trip(tree):
    assert bencode.decode(bencode.encode(tree)) == tree


@given(trees(st.binary(max_size=10)), trees(TEXT).map(plain))
def test_all_encoders_write_the_same(tree, document):
    for value in (tree, document):
        assert bencode.encode(value) == bencode.encode_in_python(value)


@given(trees(TEXT))
def test_json_round_trip(tree):
    document = plain(tree)
    assert plain(json.decode(json.encode(document))) == document


@given(GARBAGE)
@example(b"d" + b"l" * 50)
def test_bencode_garbage(garbage):
    for message in (garbage, b"d" + garbage):
        try:
            bencode.decode(message)
        except PeerError:
            pass


@given(st.binary(max_size=60) | st.text("{}[]\":,\\u0019etrufalsn.- ", max_size=40).map(str.encode))
def test_json_garbage(garbage):
    for message in (garbage, b"{" + garbage):
        try:
            json.decode(message)
        except PeerError:
            pass


@given(trees(st.binary(max_size=10)), st.data())
def test_every_cut_is_read_or_refused(tree, data):
    message = bencode.encode(tree)
    try:
        bencode.decode(message[:data.draw(st.integers(0, len(message)))])
    except PeerError:
        pass


@given(st.lists(st.tuples(TEXT, INTEGERS), max_size=6))
def test_a_cut_at_an_item_boundary_keeps_the_items_before(items):
    tree = Dictionary(items)
    assert bencode.decode(bencode.encode(tree)[:-1]) == tree


SPELLINGS = st.sampled_from(sorted(KEYS) + [b"rtpp_flags", b"flags"])
MEMBERS = st.sampled_from(sorted(FLAGS.spellings())) | st.binary(max_size=12)
VALUES = st.recursive(MEMBERS | INTEGERS | st.none(),
                      lambda inner: st.lists(inner, max_size=3) | dictionaries(SPELLINGS, inner), max_leaves=6)

EDIT_ERRORS = ("wrong type used", "wrong content given", "unsupported sdp section", "unknown manipulation command",
               "invalid token given")


@given(dictionaries(SPELLINGS | st.binary(max_size=8), VALUES), st.sampled_from(["offer", "delete", "query", "list"]),
       st.sampled_from([BENCODE, JSON]))
def test_reading_a_request_fails_for_edits_of_the_sdp_alone(message, command, encoding):
    try:
        request = read_request(command, message, encoding, "192.0.2.1:1", 0.0)
    except PeerError as error:
        assert str(error) in EDIT_ERRORS
        return
    assert all(isinstance(note, str) for note in request.unknown + request.unsupported)


@given(st.text("ab=[] -", max_size=60).map(str.encode) | st.binary(max_size=60))
def test_flag_strings_never_fail(line):
    for key, value in parse(line):
        assert key != b"" and value != b""
    read_request("offer", Dictionary([(b"rtpp_flags", line)]), BENCODE, "", 0.0)


SECTION = st.sampled_from([b"audio", b"none", b"smell"])
COMMAND = st.sampled_from([b"add", b"remove", b"substitute", b"delete"])
TEXTS = st.text("a:>-. ,=", max_size=8).map(str.encode)
EDITED = TEXTS | st.lists(TEXTS | st.lists(TEXTS, max_size=3) | INTEGERS, max_size=3) | INTEGERS


@given(dictionaries(SECTION, dictionaries(COMMAND, EDITED) | TEXTS), st.lists(
    st.builds(lambda *parts: b"sdp-attr-" + b"-".join(parts), COMMAND, SECTION, TEXTS), max_size=2))
def test_edits_of_the_sdp(edits, flags):
    message = Dictionary([(b"flags", flags), (b"sdp-attr", edits)])
    try:
        request = read_request("offer", message, BENCODE, "", 0.0)
    except PeerError as error:
        assert str(error) in EDIT_ERRORS
        return
    for edit in request.sdp_attr.values():
        assert all(text and "\n" not in text for text in [*edit.added, *edit.substituted.values()])
        assert all(edit.apply(text) is None for text in edit.removed if text)


@settings(max_examples=200)
@given(GARBAGE | st.builds(lambda at, byte: OFFER[:at] + byte + OFFER[at + 1:], st.integers(0, len(OFFER)),
                           st.binary(max_size=2))
       | st.integers(0, len(PROXY_OFFER)).map(lambda end: PROXY_OFFER[:end]))
def test_every_framed_message_has_a_reply(payload):
    bugs = []
    dispatcher = Dispatcher({"offer": lambda request: {"sdp": request.sdp or b""}}, CookieCache(0.0), lambda: 0.0,
                            Hooks(bug=lambda *bug: bugs.append(bug)))
    reply = dispatcher.message(b"1 " + payload, "192.0.2.1:1", 0.0)
    assert reply is not None and reply.startswith((b"1 d", b"1 {"))
    assert not bugs
