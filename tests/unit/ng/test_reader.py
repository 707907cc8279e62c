# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys as they arrive, in either encoding, and the request they make."""
import orjson
import pytest

from controlplane.addresses import Address, Endpoint
from controlplane.ng import bencode, json
from controlplane.ng.frame import BENCODE, JSON
from controlplane.ng.medias import CodecFormat, MeshEntry, RequestedMedia
from controlplane.ng.reader import read_request
from controlplane.ng.request import Request
from tests.unit.requests import content, request
from controlplane.ng.values import Dictionary
from controlplane.srtp.sdes import SdesWishes
from tests.unit.ng.messages import PROXY_OFFER, PROXY_SDP

SDES_OFF = SdesWishes(frozenset({"off"}))


def read(keys: dict, command: str = "offer", encoding=BENCODE) -> Request:
    codec = bencode if encoding is BENCODE else json
    return read_request(command, codec.decode(codec.encode({"command": command, **keys})), encoding, "192.0.2.1:9", 5.0)


def read_pairs(*pairs: tuple[bytes, object], command: str = "offer") -> Request:
    return read_request(command, Dictionary(pairs), BENCODE, "192.0.2.1:9", 5.0)


def test_what_a_proxy_sends():
    received = read_request("offer", bencode.decode(PROXY_OFFER), BENCODE, "127.0.0.1:4000", 12.5)
    assert content(received) == content(request(
        "offer", "127.0.0.1:4000", 12.5, call_id="1-28563@127.0.0.1",
        from_tag="28563SIPpTag001", sdp=PROXY_SDP, flags={"trust-address"}, supports={"load-limit"},
        replace={"origin", "session-connection"}, ice="remove", from_interface="int", to_interface="ext",
        transport_protocol="RTP/AVP", received_from=Address.parse("127.0.0.1")))


@pytest.mark.parametrize("encoding", [BENCODE, JSON])
@pytest.mark.parametrize("spelling, value, field, expected", [
    ("call-id", "x", "call_id", "x"), ("call-ID", "x", "call_id", "x"), ("call id", "x", "call_id", "x"),
    ("call ID", "x", "call_id", "x"), ("call-id", "", "call_id", ""),
    ("from-tag", "x", "from_tag", "x"), ("from tag", "x", "from_tag", "x"),
    ("to-tag", "x", "to_tag", "x"), ("to_tag", "x", "to_tag", "x"), ("to tag", "x", "to_tag", "x"),
    ("via-branch", "x", "via_branch", "x"),
    ("label", "x", "label", "x"), ("from-label", "x", "label", "x"), ("from label", "x", "label", "x"),
    ("set-label", "x", "set_label", "x"), ("set label", "x", "set_label", "x"),
    ("sdp", "v=0", "sdp", b"v=0"), ("SDP", "", "sdp", b""),
    ("address family", "IP6", "address_family", 6), ("address-family", "IP4", "address_family", 4),
    ("address-family", "IP5", "address_family", None),
    ("media address", "192.0.2.7", "media_address", Address.parse("192.0.2.7")),
    ("media-address", "2001:db8::1", "media_address", Address.parse("2001:db8::1")),
    ("media-address", "example.com", "media_address", None),
    ("received from", ["IP4", "192.0.2.8"], "received_from", Address.parse("192.0.2.8")),
    ("received-from", "192.0.2.8", "received_from", Address.parse("192.0.2.8")),
    ("received-from", [], "received_from", None), ("received-from", "", "received_from", None),
    ("direction", ["int", "ext"], "direction", ("int", "ext")), ("direction", ["int"], "direction", ("int", None)),
    ("direction", ["a", "b", "c"], "direction", ("a", "b")), ("direction", "int", "direction", (None, None)),
    ("from-interface", "int", "from_interface", "int"), ("to interface", "ext", "to_interface", "ext"),
    ("interface", "int", "interface", "int"),
    ("transport protocol", "RTP/AVPF", "transport_protocol", "RTP/AVPF"),
    ("transport-protocol", "udp/tls/rtp/savpf", "transport_protocol", "UDP/TLS/RTP/SAVPF"),
    ("transport-protocol", "accept", "transport_protocol", "accept"),
    ("transport-protocol", "UDPTL", "transport_protocol", "udptl"),
    ("transport-protocol", "RTP/XXX", "transport_protocol", None),
    ("endpoint-learning", ["delayed"], "endpoint_learning", "delayed"),
    ("endpoint learning", "heuristic", "endpoint_learning", "heuristic"),
    ("endpoint-learning", ["off", "immediate"], "endpoint_learning", "immediate"),
    ("endpoint-learning", "eager", "endpoint_learning", None),
    ("ICE", ["remove"], "ice", "remove"), ("ice", "force-relay", "ice", "force-relay"),
    ("ICE", "force_relay", "ice", "force-relay"), ("ICE", "remove,default", "ice", "default"),
    ("ICE", "trickle", "ice", None),
    ("rtcp-mux", ["offer", "require"], "rtcp_mux", {"offer", "require"}), ("RTCP mux", "demux", "rtcp_mux", {"demux"}),
    ("replace", ["origin", "sdp version", "SDP-version"], "replace", {"origin", "sdp-version"}),
    ("replace", "origin_full,zero address,force-increment-SDP-ver", "replace",
     {"origin-full", "zero-address", "force-increment-sdp-ver"}),
    ("SDES", "off", "sdes", SDES_OFF), ("sdes", ["disabled"], "sdes", SDES_OFF),
    ("SDES", "nonew,UNENCRYPTED_SRTP,unencrypted_srtcp,authenticated-srtp,priority", "sdes", SdesWishes(frozenset(
        {"nonew", "unencrypted-srtp", "unencrypted-srtcp", "authenticated-srtp", "prefer"}))),
    ("SDES", ["no-A_1", "only-a_2", "only-B", "order:A;B_C;", "order:D", "offerer_pref:E;F", "offerer-pref:G"], "sdes",
     SdesWishes(frozenset(), frozenset({"A_1"}), frozenset({"A_2", "B"}), ("A", "B_C", "D"), ("E", "F", "G"))),
    ("OSRTP", ["offer-RFC", "accept"], "osrtp", {"offer", "accept"}),
    ("osrtp", "accept-rfc,offer-legacy", "osrtp", {"accept-rfc", "offer-legacy"}),
    ("DTLS", ["off"], "dtls", {"off"}), ("dtls-reverse", "passive", "dtls", {"passive"}),
    ("supports", ["load limit"], "supports", {"load-limit"}),
    ("TOS", 184, "tos", 184), ("tos", "0", "tos", 0), ("TOS", -5, "tos", -1), ("TOS", 256, "tos", None),
    ("TOS", "x", "tos", None), ("TOS", ["1"], "tos", None),
    ("delete delay", 0, "delete_delay", 0), ("delete-delay", "15", "delete_delay", 15),
    ("delete_delay", -1, "delete_delay", None),
    ("drop-traffic", "start", "drop_traffic", "start"), ("drop traffic", "stop", "drop_traffic", "stop"),
    ("alias-key", "SDP", "alias_key", "sdp"), ("alias-key", "endpoint", "alias_key", "address"),
    ("alias-key", "no", "alias_key", "off"), ("alias-key", "what", "alias_key", None),
    ("SIP code", 200, "sip_code", 200), ("sip_code", "183", "sip_code", 183), ("SIP-code", 1, "sip_code", 1),
    ("sip-response-code", 2, "sip_code", 2),
    ("SIP message type", "request", "sip_message_type", "request"), ("sip_message_type", "reply", "sip_message_type",
                                                                     "response"),
    ("sip-message-type", "SIP_response", "sip_message_type", "response"),
    ("sip-message-type", "response", "sip_message_type", None),
    ("metadata", "a|b:c", "metadata", "a|b:c"),
    ("address", "192.0.2.3", "address", Address.parse("192.0.2.3")), ("from tags", "a,b", "from_tags", ["a", "b"]),
    ("all", "non-offer-answer", "all", "except-offer-answer"), ("all", "some", "all", None),
    ("to-label", "x", "to_label", "x"), ("to call id", "x", "to_call_id", "x"), ("calls", "x", "calls", ("x",)),
    ("calls", ["x", "y"], "calls", ("x", "y")), ("BUNDLE", ["strict", "x"], "bundle", {"strict"}),
    ("extmap", {"strip": ["a", "b"], "mask": "c"}, "extmap_strip", {"a", "b"}),
    ("extmap", {"mask": "c"}, "extmap_mask", {"c"}), ("passthru", "yes", "passthrough", True),
    ("passthrough", "disabled", "passthrough", False), ("passthrough", "?", "passthrough", None),
    ("media echo", "bkw", "media_echo", "backwards"), ("DTMF-security", "drop", "dtmf_security", "drop"),
    ("DTMF log dest", "192.0.2.9:5000", "dtmf_log_dest", Endpoint.parse("192.0.2.9:5000")),
    ("dtmf-log-destination", "[2001:db8::9]:1", "dtmf_log_dest", Endpoint.parse("[2001:db8::9]:1")),
    ("DTMF-log-dest", "192.0.2.9:0", "dtmf_log_dest", None), ("DTMF-log-dest", "localhost:9", "dtmf_log_dest", None),
    ("outbound peer", "192.0.2.3", "outbound_peer", Address.parse("192.0.2.3")), ("instance", "x", "instance", "x"),
    ("codec", {"strip": ["PCMU", "G722"], "mask": "x--1"}, "codecs", {"strip": ["PCMU", "G722"], "mask": ["x=1"]}),
    ("medias", [{"type": "video", "codecs": ["VP8/90000"]}, 5], "medias",
     [RequestedMedia("video", codecs=("VP8/90000",))]),
    ("media", [{"type": "audio", "id": "7", "codec": [
        {"input": {"codec": "PCMA", "payload type": 8, "clock rate": "8000"},
         "output": {"codec": "opus", "payload type": 96, "clock rate": 48000, "channels": 2}}],
                "destination": {"address": "192.0.2.1", "port": 5000, "family": "IP4"}}], "medias",
     [RequestedMedia("audio", "7", (), ((CodecFormat("PCMA", 8, 8000), CodecFormat("opus", 96, 48000, 2)),),
                     Endpoint.parse("192.0.2.1:5000"))]),
    ("media", [{"type": "audio", "destination": {"address": "192.0.2.1", "port": 5000}}], "medias",
     [RequestedMedia("audio")]),
    ("tags", [{"from": "a", "to": ["b", "c"]}, {"to": []}], "mesh",
     [MeshEntry("a", ("b", "c")), MeshEntry(None, ())]),
])
def test_keys(encoding, spelling, value, field, expected):
    request = read({spelling: value}, encoding=encoding)
    assert getattr(request, field) == expected


@pytest.mark.parametrize("spelling, name", [
    ("trust-address", "trust-address"), ("trust address", "trust-address"),
    ("SIP source address", "sip-source-address"), ("sip-source-address", "sip-source-address"),
    ("strict-source", "strict-source"),
    ("media handover", "media-handover"), ("no RTCP attribute", "no-rtcp-attribute"),
    ("full-RTCP-attribute", "full-rtcp-attribute"), ("to_tag", "to-tag"), ("debugging", "debug"),
    ("NAT-wait", "nat-wait"), ("pierce NAT", "pierce-nat"), ("generate mid", "generate-mid"), ("SIPREC", "siprec")])
def test_flag_spellings(spelling, name):
    assert read({"flags": [spelling]}).flags == {name}
    assert read({"flags": spelling}).flags == {name}


def test_the_last_word_about_trust_counts():
    assert read({"flags": ["trust-address", "SIP-source-address"]}).flags == {"sip-source-address"}
    assert read({"flags": ["SIP-source-address", "trust-address"]}).flags == {"trust-address"}


def test_webrtc_stands_for_many_keys():
    request = read({"flags": ["WebRTC"]})
    assert request.flags == {"webrtc", "trickle-ice", "no-rtcp-attribute", "generate-mid"}
    assert (request.transport_protocol, request.ice) == ("UDP/TLS/RTP/SAVPF", "force")
    assert (request.rtcp_mux, request.bundle, request.sdes.words) == (
        {"offer", "require"}, {"offer", "require"}, {"off"})


def test_implemented_flags_are_not_reported():
    request = read({"flags": "trust-address, strict-source,symmetric,port-latching,no-port-latching,reset,fatal"})
    assert request.flags == {"trust-address", "strict-source", "symmetric", "port-latching", "no-port-latching",
                             "reset", "fatal"}
    assert not request.unsupported and not request.unknown


def test_known_flags_without_implementation_are_members_and_reported():
    request = read({"flags": ["record-call", "fragment", "trust-address"]})
    assert request.flags == {"record-call", "fragment", "trust-address"}
    assert request.unsupported == ["record-call"]


@pytest.mark.parametrize("flag, field, expected", [
    ("replace-origin", "replace", {"origin"}), ("replace session name", "replace", {"session-name"}),
    ("rtcp-mux-demux", "rtcp_mux", {"demux"}), ("endpoint-learning-off", "endpoint_learning", "off"),
    ("SDES-off", "sdes", SDES_OFF), ("OSRTP-offer", "osrtp", {"offer"}),
    ("SDES-no-AES_CM_128_HMAC_SHA1_80", "sdes", SdesWishes(without=frozenset({"AES_CM_128_HMAC_SHA1_80"}))),
    ("SDES-order:A;B;", "sdes", SdesWishes(order=("A", "B"))),
    ("BUNDLE-offer", "bundle", {"offer"}),
    ("from-tags-x", "from_tags", ["x"]),
    ("transcode-PCMA", "codecs", {"transcode": ["PCMA"]}), ("codec strip PCMU", "codecs", {"strip": ["PCMU"]})])
def test_prefixed_flags(flag, field, expected):
    request = read({"flags": [flag]})
    assert getattr(request, field) == expected
    assert not request.flags and not request.unsupported and not request.unknown


@pytest.mark.parametrize("flag, command, unsupported", [
    ("SDES-nonsense", "offer", False),
    ("sdp-attr-add-audio", "offer", False),
    ("transcode-PCMA", "answer", False), ("T.38-force", "publish", True), ("T38-force", "delete", False),
    ("bundle-offer", "offer", False), ("nonsense", "offer", False), ("ICE-remove", "offer", False)])
def test_flags_of_groups_to_come(flag, command, unsupported):
    request = read({"flags": [flag]}, command)
    noted = request.unsupported if unsupported else request.unknown
    assert len(noted) == 1 and len(request.unsupported) + len(request.unknown) == 1


def test_unknown_and_planned_keys_never_fail():
    request = read({"codec": {"strip": ["PCMU"], "x": []}, "bogus": "1", "record call": "yes", "T38": ["force"],
                    "template": "x",
                    "VSC-start-pause-resume-recording": "1", "output folder": "/", "flags": ["zzz"], "ICE": ["force"]})
    assert request.unsupported == ["record-call", "T.38"]
    assert request.unknown == ["codec=x", "bogus", "template=x", "zzz"]
    assert request.ice == "force"


def test_notes_are_bounded():
    request = read({"flags": [f"{'x' * 500}{number}" for number in range(500)] + [f"y{n}" for n in range(500)]})
    assert len(request.unknown) == 20 and max(map(len, request.unknown)) == 80


@pytest.mark.parametrize("key", ["call-id", "sdp", "flags", "replace", "ICE", "direction", "received-from", "TOS",
                                 "media-address", "address-family", "transport-protocol", "rtpp_flags", "drop-traffic",
                                 "SDES", "supports", "endpoint-learning", "bogus", "codec"])
@pytest.mark.parametrize("value", [7, "", ",,", [], [7], [[]], {}, {"a": 1}, [{"a": []}], "\udcff\x00"])
def test_wrong_types_are_ignored(key, value):
    read({key: value})


def test_repeated_keys_accumulate_lists_and_overwrite_scalars():
    request = read_pairs((b"flags", [b"reset"]), (b"from-tag", b"1"), (b"flags", b"fast"), (b"from-tag", b"2"),
                         (b"drop-traffic", b"start"), (b"drop-traffic", b"stop"))
    assert request.flags == {"reset", "fast"}
    assert request.from_tag == "2"
    assert request.drop_traffic == "start"


def test_bytes_that_are_no_text_survive():
    assert read_pairs((b"call-id", b"\xff\x00")).call_id.encode("utf-8", "surrogateescape") == b"\xff\x00"


@pytest.mark.parametrize("value, tos", [(True, 1), ("0x10", 16), ("010", 8), ("5 dB", 5), (5.5, None), (None, None)])
def test_json_integers(value, tos):
    message = json.decode(orjson.dumps({"TOS": value}))
    assert read_request("offer", message, JSON, "", 0.0).tos == tos


def test_query_takes_exact_spellings_and_first_occurrences_only():
    request = read_pairs((b"call-ID", b"no"), (b"call-id", b"1"), (b"call-id", b"2"), (b"to tag", b"x"),
                         (b"flags", [b"bogus"]), command="query")
    assert (request.call_id, request.to_tag, request.unknown) == ("1", None, [])


def test_list_takes_its_limit():
    assert read({"limit": 2}, "list").limit == 2
    assert read({"limit": "-2"}, "list").limit == -2
    assert read({}, "list").limit is None
