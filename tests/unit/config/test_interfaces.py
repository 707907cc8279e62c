# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from hypothesis import given, strategies as st

from controlplane.addresses import Address
from controlplane.config import ini
from controlplane.config.interfaces import build_interfaces
from controlplane.config.netdevs import Resolver
from controlplane.config.settings import Settings
from controlplane.errors import ConfigError


def addresses(*texts: str) -> list[Address]:
    return [Address.parse(text) for text in texts]


RESOLVER = Resolver(
    device=lambda name: addresses("192.0.2.1", "2001:db8::1") if name == "eth0" else [],
    everything=lambda: addresses("192.0.2.1", "198.51.100.7"),
    host=lambda name: addresses(*{"media.example": ("203.0.113.9", "2001:db8::9"), "fe80::1%eth0": ("fe80::1",),
                                  "host.local": ("fe80::1", "192.0.2.8")}.get(name, ())))


def build(*values: str, file: str = "", resolver: Resolver = RESOLVER, **options):
    settings = Settings({"interface": values, "listen-ng": ("127.0.0.1:30010",),
                         "interfaces-config": "if" if file else "", **options}, file=ini.parse(file, "f"))
    specs, aliases = build_interfaces(settings, resolver)
    return [(spec.name, str(spec.address), str(spec.advertised or "")) for spec in specs], aliases, specs, settings


@pytest.mark.parametrize("value,expected", [
    ("192.0.2.5", [("default", "192.0.2.5", "")]),
    ("::1", [("default", "::1", "")]),
    ("[::1]", [("default", "::1", "")]),
    ("pub/192.0.2.5!203.0.113.1", [("pub", "192.0.2.5", "203.0.113.1")]),
    (" pub / 192.0.2.5 ! 203.0.113.1 ", [("pub", "192.0.2.5", "203.0.113.1")]),
    ("pub/eth0", [("pub", "192.0.2.1", ""), ("pub", "2001:db8::1", "")]),
    ("eth0!media.example", [("default", "192.0.2.1", "203.0.113.9"), ("default", "2001:db8::1", "2001:db8::9")]),
    ("eth0!203.0.113.4", [("default", "192.0.2.1", "203.0.113.4"), ("default", "2001:db8::1", "")]),
    ("any", [("default", "192.0.2.1", ""), ("default", "198.51.100.7", "")]),
    ("media.example", [("default", "203.0.113.9", ""), ("default", "2001:db8::9", "")]),
    ("host.local", [("default", "192.0.2.8", "")]),
    ("group:1/192.0.2.5", [("group:1", "192.0.2.5", "")]),
    ("192.0.2.5!192.0.2.5", [("default", "192.0.2.5", "")]),
])
def test_forms_of_an_interface(value, expected):
    assert build(value)[0] == expected


def test_order_is_kept_and_repetition_is_not():
    assert build("b/192.0.2.5", "a/192.0.2.6", "b/::1", "b/192.0.2.5")[0] == [
        ("b", "192.0.2.5", ""), ("a", "192.0.2.6", ""), ("b", "::1", "")]


def test_aliases_stand_for_real_names():
    assert build("foo/192.0.2.5", "x=foo", "y = x", "g:1/192.0.2.6", "z=g")[1] == {"x": "foo", "y": "foo", "z": "g"}


def test_ports_come_from_the_global_range_without_the_control_port():
    spec = build("192.0.2.5")[2][0]
    assert (spec.port_min, spec.port_max, spec.exclude_ports) == (30000, 39999, {30010})


@pytest.mark.parametrize("values,reason", [
    ((), "Cannot start without any"),
    (("x=foo", "foo/192.0.2.5"), "no earlier interface"),
    (("a/192.0.2.5", "b/192.0.2.6", "a=b"), "already taken"),
    (("a/192.0.2.5", "b=a", "b/192.0.2.6"), "already an alias"),
    (("0.0.0.0",), "every address"),
    (("a/::",), "every address"),
    (("fe80::1",), "link-local"),
    (("fe80::1%eth0",), "link-local addresses alone"),
    (("a/nowhere.example",), "no IP address, no network device"),
    (("a/192.0.2.5!",), "no advertised address"),
    (("a/192.0.2.5!::1",), "another family"),
    (("/192.0.2.5",), "no name before the slash"),
    (("a/",), "no IP address"),
    (("=a",), "both sides"),
])
def test_interfaces_that_cannot_be(values, reason):
    with pytest.raises(ConfigError, match=reason):
        build(*values)


def test_sections_follow_in_file_order_with_their_own_ranges():
    triples, aliases, specs, settings = build("192.0.2.5", file="""
[if-B]
address = 203.0.113.6
port-min = 39990
exclude-ports = 39992; 39993
[unrelated]
[if-A]
address = eth0
name = pub
advertised address = media.example
[if-C]
alias = pub
""")
    assert triples == [("default", "192.0.2.5", ""), ("B", "203.0.113.6", ""),
                       ("pub", "192.0.2.1", "203.0.113.9"), ("pub", "2001:db8::1", "2001:db8::9")]
    assert (specs[1].port_min, specs[1].port_max) == (39990, 39999)
    assert specs[1].exclude_ports == {30010, 39992, 39993}
    assert aliases == {"C": "pub"}
    assert settings.warnings == []


@pytest.mark.parametrize("lines,reason", [
    ("name = x", "f:1: .*'address' is missing"),
    ("name = x\naddress =", "f:3: .*'address' is missing"),
    ("address = 192.0.2.5\nport-min = 50000", "f:3: .*port-min 50000 is greater than port-max 39999"),
    ("address = 192.0.2.5\nport-max = 20000", "f:3: .*port-min 30000 is greater than port-max 20000"),
    ("address = 192.0.2.5\nport-max = 70000", "f:3: .*port-max: 70000 is outside"),
    ("address = 192.0.2.5\nport-min = x", "f:3: .*port-min: 'x' is no decimal"),
    ("address = 192.0.2.5\nexclude-ports = 1;x", "f:3: .*exclude-ports: 'x' is no decimal"),
    ("name = x\naddress = nowhere.example", "f:3: .*'nowhere.example' is no IP address"),
    ("address = 192.0.2.5\nadvertised = nowhere.example", "f:3: .*'nowhere.example' is no IP address"),
    ("address = 192.0.2.5\nadvertised = ::5", "f:3: .*'::5' is of another family than 192.0.2.5"),
    ("address = 192.0.2.5\nadvertised-address = \\q", "f:3: .*unknown escape"),
    ("name = x\nalias = nobody", "f:3: .*no earlier interface"),
])
def test_errors_name_section_and_line(lines, reason):
    with pytest.raises(ConfigError, match=reason.replace("f:", r"^f:").replace(": .*", r": \[if-A\] .*")):
        build(file=f"[if-A]\n{lines}\n")


@pytest.mark.parametrize("values, file", [
    (("pub/192.0.2.5", "x=pib"), ""), ((), "[if-pub]\naddress=::1\n[if-x]\nalias=pib")])
def test_a_misspelt_name_behind_an_alias(values, file):
    with pytest.raises(ConfigError, match=r"'x' stands for 'pib', which no .* named; did you mean pub\?"):
        build(*values, file=file)


def test_what_stands_for_an_interface_that_is_wrong_is_not_wrong_itself():
    with pytest.raises(ConfigError) as raised:
        build("pub/nowhere.example", "a=pub", file="[if-B]\naddress = 0.0.0.0\n[if-C]\nalias = B\n")
    assert len(raised.value.reasons) == 2


def test_a_section_that_is_nearly_an_interface():
    settings = build(file="[if-A]\naddress = ::1\n[ifs-B]\naddress = ::2\n[IF-C]\n[if:D]\n[templates]\n"
                          "[rtpengine]\ntemplates = ifa\n"
                          "transcode-config = fi\n[ifa]\n[fi-x]\n")[3]
    assert settings.warnings == [
        "f:3: [ifs-B] is no interface; did you mean [if-B]?", "f:5: [IF-C] is no interface; did you mean [if-C]?",
        "f:6: [if:D] is no interface; did you mean [if-D]?"]


def test_no_section_for_the_interfaces():
    warnings = build("192.0.2.5", file="[rtpengine]\ninterfaces-config=if")[3].warnings
    assert warnings == ["default: interfaces-config: f has no section [if-NAME]"]
    with pytest.raises(ConfigError, match="Cannot start without any"):
        build(file="[rtpengine]\ninterfaces-config=if")


def test_unknown_keys_are_refused():
    with pytest.raises(ConfigError, match=r"^f:3: \[if-A\] unknown key 'advertized'; did you mean advertised\?$"):
        build(file="[if-A]\naddress = 192.0.2.5\nadvertized = 192.0.2.6\n")


@given(st.lists(st.text() | st.text(alphabet="a/!=:.19[]")))
def test_any_values_give_interfaces_or_a_config_error(values):
    try:
        build(*values)
    except ConfigError:
        pass
