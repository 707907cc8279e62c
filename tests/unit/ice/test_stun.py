# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.addresses import Endpoint
from controlplane.errors import PeerError
from controlplane.ice import stun
from controlplane.ice.stun import Kind, Type
from tests.unit.ice.messages import PASSWORD, REQUEST, RESPONSE4, RESPONSE6, TRANSACTION


def test_reads_the_request_of_rfc_5769():
    message = stun.parse(REQUEST)
    assert (message.kind, message.transaction) == (Kind.REQUEST, TRANSACTION)
    assert message.username == "evtj:h6vY"
    assert message.priority == 0x6E0001FF
    assert message.tie_breaker(Type.ICE_CONTROLLED) == 0x932FF9B151263B36
    assert message.tie_breaker(Type.ICE_CONTROLLING) is None
    assert message.first(Type.SOFTWARE) == b"STUN test client"
    assert message.is_authentic(PASSWORD) and not message.is_authentic(PASSWORD + "x")
    assert message.unknown == []


@pytest.mark.parametrize("data, mapped", [
    (RESPONSE4, "192.0.2.1:32853"), (RESPONSE6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")])
def test_reads_the_responses_of_rfc_5769(data, mapped):
    message = stun.parse(data)
    assert message.kind is Kind.SUCCESS
    assert message.mapped == Endpoint.parse(mapped)
    assert message.is_authentic(PASSWORD)


@pytest.mark.parametrize("data, mapped", [
    (RESPONSE4, "192.0.2.1:32853"), (RESPONSE6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")])
def test_writes_the_responses_of_rfc_5769_but_for_their_padding(data, mapped):
    attributes = [stun.text(Type.SOFTWARE, "test vector"), stun.mapped_address(Endpoint.parse(mapped), TRANSACTION)]
    written = stun.build(Kind.SUCCESS, TRANSACTION, attributes, PASSWORD)
    assert written[:35] == data[:35] and written[36:len(data) - 32] == data[36:-32]
    assert stun.parse(written).is_authentic(PASSWORD)


@pytest.mark.parametrize("at", range(len(REQUEST)))
def test_no_changed_bit_gets_through(at):
    data = bytearray(REQUEST)
    data[at] ^= 0x10
    with pytest.raises(PeerError):
        stun.parse(bytes(data))


@pytest.mark.parametrize("cut", range(len(REQUEST)))
def test_a_message_that_was_cut_is_refused(cut):
    with pytest.raises(PeerError):
        stun.parse(REQUEST[:cut])


def repaired(data: bytes) -> bytes:
    """With the length and the fingerprint that belong to what stands before them."""
    head = data[:2] + (len(data) - 20 + 8).to_bytes(2, "big") + data[4:]
    return head + b"\x80\x28\x00\x04" + stun._fingerprint(head)


@pytest.mark.parametrize("attribute", ["0006ffff", "00060005aaaaaaaa", "00080000", "0008000400000000"])
def test_lengths_that_lie_are_refused(attribute):
    with pytest.raises(PeerError):
        stun.parse(repaired(REQUEST[:20] + bytes.fromhex(attribute)))


def test_nothing_behind_the_signature_counts():
    signed = stun.build(Kind.REQUEST, TRANSACTION, [stun.text(Type.USERNAME, "a:b")], "secret")[:-8]
    message = stun.parse(repaired(signed + bytes.fromhex("00250000")))
    assert message.is_authentic("secret")
    assert Type.USE_CANDIDATE not in message


def test_attributes_that_must_be_understood_are_named_once():
    message = stun.parse(stun.build(Kind.REQUEST, TRANSACTION, [(0x7F01, b""), (0x8F01, b""), (0x7F01, b"x")]))
    assert message.unknown == [0x7F01]


def test_another_method_is_none_of_ours():
    with pytest.raises(PeerError, match="not a Binding"):
        stun.parse(repaired(b"\x00\x03" + REQUEST[2:20]))


@pytest.mark.parametrize("value, code", [
    ("00000457", 487), ("00000414", 420), ("0000", None), ("00000763", None), ("00000464", None), ("", None)])
def test_error_codes(value, code):
    message = stun.parse(stun.build(Kind.ERROR, TRANSACTION, [(Type.ERROR_CODE, bytes.fromhex(value))]))
    assert message.error == code


@pytest.mark.parametrize("value", ["", "0001", "0001a147e112", "0003a147e112a643", "0002a147e112a643",
                                   "0001a147e112a64300"])
def test_addresses_that_make_no_sense_are_none(value):
    message = stun.parse(stun.build(Kind.SUCCESS, TRANSACTION, [(Type.XOR_MAPPED_ADDRESS, bytes.fromhex(value))]))
    assert message.mapped is None


def test_numbers_of_a_wrong_size_are_none():
    message = stun.parse(stun.build(Kind.REQUEST, TRANSACTION, [(Type.PRIORITY, b"123"), (Type.ICE_CONTROLLED, b"")]))
    assert message.priority is None and message.tie_breaker(Type.ICE_CONTROLLED) is None
