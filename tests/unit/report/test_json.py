# SPDX-License-Identifier: GPL-3.0-or-later
import json

from hypothesis import given
from hypothesis import strategies as st

from controlplane.report import json as report_json
from controlplane.report.metrics import Fixed

from .fakes import FakePorts
from .test_totals import snapshot


def test_text_is_one_line_of_valid_json() -> None:
    text = report_json.text(snapshot())
    assert "\n" not in text and ": " not in text and ", " not in text
    tree = json.loads(text)
    assert list(tree) == ["currentstatistics", "totalstatistics", "mos", "voip_metrics", "controlstatistics",
                          "interfaces", "transcoders", "poller_threads", "bufferpools", "measured", "load"]
    assert tree["currentstatistics"]["sessionstotal"] == 20
    assert tree["totalstatistics"]["uptime"] == 88211
    assert tree["controlstatistics"]["totaloffercount"] == 512


def test_layout_of_numbers() -> None:
    text = report_json.text(snapshot())
    assert '"uptime":88211,' in text
    assert '"avgcallduration":0.000000,' in text
    assert '"proxies":[{"proxy":"127.0.0.1","pingcount":1,"pingduration":0.001000,"offercount":512,' in text
    assert ('"ports":{"min":30000,"max":39999,"used":68,"used_pct":0.68,"free":9932,"totals":10000},'
            '"packets_lost":0,"duplicates":0,"voip_metrics":{"mos_total":0.000000,') in text
    assert '"transcoders":[],"poller_threads":[],"bufferpools":{"main":{"num_shards":0,"shards":[]},' in text


def test_types_in_the_ng_reply() -> None:
    tree = report_json.document(snapshot())
    assert tree["totalstatistics"]["uptime"] == "88211"
    assert tree["totalstatistics"]["avgcallduration"] == "0.000000"
    assert tree["totalstatistics"]["managedsessions"] == 0
    assert isinstance(tree["totalstatistics"]["managedsessions"], int)
    assert tree["interfaces"][0]["ports"]["used_pct"] == "0.68"
    assert tree["mos"]["mos_samples_total"] == 0


def test_key_order() -> None:
    tree = report_json.document(snapshot())
    assert list(tree["currentstatistics"]) == [
        "sessionsown", "sessionsforeign", "sessionstotal", "transcodedmedia", "mediacache", "playercache",
        "packetrate_user", "byterate_user", "errorrate_user", "packetrate_kernel", "byterate_kernel",
        "errorrate_kernel", "packetrate", "byterate", "errorrate", "media_userspace", "media_kernel", "media_mixed"]
    assert list(tree["totalstatistics"]) == [
        "uptime", "managedsessions", "rejectedsessions", "timeoutsessions", "silenttimeoutsessions",
        "finaltimeoutsessions", "offertimeoutsessions", "regularterminatedsessions", "forcedterminatedsessions",
        "relayedpackets_user", "relayedpacketerrors_user", "relayedbytes_user", "relayedpackets_kernel",
        "relayedpacketerrors_kernel", "relayedbytes_kernel", "relayedpackets", "relayedpacketerrors",
        "relayedbytes", "zerowaystreams", "onewaystreams", "demotedstreams", "lostloglines",
        "avgcallduration", "totalcallsduration", "totalcallsduration2", "totalcallsduration_stddev"]
    assert list(tree["voip_metrics"])[-5:] == ["packets_lost", "rtp_duplicates", "rtp_skips", "rtp_seq_resets",
                                               "rtp_reordered"]
    assert list(tree["voip_metrics"])[:5] == ["jitter_total", "jitter2_total", "jitter_samples_total",
                                              "jitter_average", "jitter_stddev"]
    assert list(tree["interfaces"][0])[-2:] == ["ingress", "egress"]


def test_scores_are_divided_by_ten() -> None:
    state = snapshot()
    for score in (40, 50):
        state.statistics.sample(FakePorts().address, "mos", score)
    mos = report_json.document(state)["mos"]
    assert mos == {"mos_total": "9.000000", "mos2_total": "41.000000", "mos_samples_total": 2,
                   "mos_average": "4.500000", "mos_stddev": "0.500000"}
    assert all(isinstance(mos[key], Fixed) for key in mos if key != "mos_samples_total")


@given(st.text(min_size=1))
def test_any_name_is_escaped(name: str) -> None:
    state = snapshot()
    state.statistics.ng_request("ping", name, 0.0, False)
    assert json.loads(report_json.text(state))["controlstatistics"]["proxies"][-1]["proxy"] == name
