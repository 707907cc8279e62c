# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.addresses import Address
from controlplane.sdp.model import Origin
from controlplane.sdp.origin import OriginRules, OriginState, choose_origin, settle
from controlplane.sdp.outgoing import OutgoingMedia, OutgoingSession

LOCAL = Address.parse("203.0.113.5")
LOCAL6 = Address.parse("2001:db8:7::5")


def sender(version=1, username="alice", address="192.0.2.10"):
    return Origin(username, "77", version, "IN", "IP4", address)


class Receiver:
    """Sends bodies to one receiver and returns the o= line each shows."""

    def __init__(self, **rules):
        self.state = OriginState()
        self.rules = OriginRules(**rules)

    def send(self, origin, port=32900, rules=None):
        rules = rules or self.rules
        chosen = choose_origin(self.state, origin, rules, LOCAL, 4711, 42)
        session = OutgoingSession(chosen)
        session.medias.append(OutgoingMedia("audio", port, "RTP/AVP", LOCAL))
        body = settle(self.state, session, rules)
        assert body.count(b"\r\no=") == 1 and body.startswith(b"v=0\r\no=")
        assert body.endswith(f"m=audio {port} RTP/AVP 0\r\nc=IN IP4 203.0.113.5\r\na=sendrecv\r\n".encode())
        return body.decode("utf-8", "surrogateescape").split("\r\n")[1]


def test_without_rules_the_senders_line_is_copied():
    receiver = Receiver()
    assert receiver.send(sender(5)) == "o=alice 77 5 IN IP4 192.0.2.10"
    assert receiver.send(sender(3, "bob", "host.example")) == "o=bob 77 3 IN IP4 host.example"


def test_own_address():
    receiver = Receiver(address=True)
    assert receiver.send(sender(1)) == "o=alice 77 1 IN IP4 203.0.113.5"
    assert receiver.send(sender(2, "bob")) == "o=bob 77 2 IN IP4 203.0.113.5"
    assert choose_origin(OriginState(), sender(), OriginRules(address=True), LOCAL6, 0) == Origin(
        "alice", "77", 1, "IN", "IP6", "2001:db8:7::5")


def test_sticky_user_name():
    receiver = Receiver(username=True)
    assert receiver.send(sender(1)) == "o=alice 77 1 IN IP4 192.0.2.10"
    assert receiver.send(sender(2, "bob")) == "o=alice 77 2 IN IP4 192.0.2.10"


def test_missing_origin_line_is_made_up():
    assert Receiver().send(None) == "o=- 4711 42 IN IP4 203.0.113.5"


@pytest.mark.parametrize("rules", [{"version": True}, {"full": True}])
def test_own_version_counts_changes(rules):
    receiver = Receiver(**rules)
    versions = [receiver.send(sender(version), port).split()[2]
                for version, port in ((1, 32900), (2, 32900), (7, 32902), (8, 32902))]
    assert versions == ["1", "1", "2", "2"]


def test_full_origin_is_stable():
    receiver = Receiver(full=True)
    assert receiver.send(Origin("test", "5", 1, "IN", "IP4", "h")) == "o=test 5 1 IN IP4 203.0.113.5"
    assert receiver.send(Origin("test2", "6", 2, "IN", "IP4", "h")) == "o=test 5 1 IN IP4 203.0.113.5"
    assert receiver.send(Origin("test2", "6", 2, "IN", "IP4", "h"), 32902) == "o=test 5 2 IN IP4 203.0.113.5"


def test_forced_increment():
    receiver = Receiver(force_increment=True)
    assert [receiver.send(sender(version)).split()[2] for version in (1, 2, 3, 3, 9)] == ["1", "2", "3", "4", "5"]


def test_forced_increment_with_own_version_counts_twice():
    receiver = Receiver(force_increment=True, version=True)
    assert [receiver.send(sender(version)).split()[2] for version in (1, 1, 1)] == ["1", "3", "5"]


def test_version_grows_a_digit_in_place_and_wraps():
    receiver = Receiver(version=True)
    assert receiver.send(sender(9)).split()[2] == "9"
    assert receiver.send(sender(9), 32902).split()[2] == "10"
    receiver = Receiver(version=True)
    receiver.send(sender(2 ** 64 - 1))
    assert receiver.send(sender(1), 32902).split()[2] == "0"


def test_user_name_in_foreign_bytes():
    receiver = Receiver(version=True)
    receiver.send(sender(9, "\udcff\u00e9"))
    assert receiver.send(sender(9, "\udcff\u00e9"), 32902) == "o=\udcff\u00e9 77 10 IN IP4 192.0.2.10"


def test_changes_are_counted_from_the_first_body_with_the_rule_on():
    receiver = Receiver()
    receiver.send(sender(4))
    assert receiver.send(sender(9), 32902, OriginRules(version=True)).split()[2] == "4"
    assert receiver.send(sender(9), 32904, OriginRules(version=True)).split()[2] == "5"
