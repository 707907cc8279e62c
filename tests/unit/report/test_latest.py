# SPDX-License-Identifier: GPL-3.0-or-later
"""The interval that was reported last, in the other reports."""
from __future__ import annotations

from controlplane.ng.commands import NG_COMMANDS
from controlplane.report import json as report_json
from controlplane.report import latest, totals
from controlplane.report.interval import Interval

from .test_totals import snapshot


def interval() -> Interval:
    made = Interval()
    for seconds in (0.25, 0.75):
        made.request("start recording", seconds)
    made.look(3, 1.0)
    made.look(1, 1.0)
    made.take().call_seconds = 12.5
    return made


def test_document() -> None:
    found = latest.document(interval().last)
    assert list(found)[:6] == ["totalcallsduration", "minmanagedsessions", "maxmanagedsessions", "minpingdelay",
                               "maxpingdelay", "avgpingdelay"]
    assert len(found) == 3 + 6 * len(NG_COMMANDS)
    assert {name: found[name] for name in found if found[name] not in ("0.000000", 0)} == {
        "totalcallsduration": "12.500000", "minmanagedsessions": 1, "maxmanagedsessions": 3,
        "minstart recordingdelay": "0.250000", "maxstart recordingdelay": "0.750000",
        "avgstart recordingdelay": "0.500000", "maxstart recordingrequestrate": 2, "avgstart recordingrequestrate": 1}


def test_lines() -> None:
    found = list(latest.lines(interval().last))
    assert found[:5] == [
        "Graphite interval statistics (last reported values to graphite):",
        " Total calls duration                            :12.500000 seconds", "",
        " Min managed sessions                            :1", " Max managed sessions                            :3"]
    assert " Min/Max/Avg start recording processing delay    :0.250000/0.750000/0.500000 sec" in found
    assert " Min/Max/Avg start recording requests per second :0/2/1 per sec" in found


def test_only_if_somebody_reports() -> None:
    state = snapshot()
    assert "intervalstatistics" not in report_json.document(state) and "Graphite" not in totals.totals(state)
    state.statistics.interval = interval()
    assert list(report_json.document(state))[1:4] == ["totalstatistics", "intervalstatistics", "mos"]
    before, _, after = totals.totals(state).partition("Graphite interval statistics")
    assert before.endswith(" seconds\n\n\n") and "per sec\n\n\nMOS statistics:" in after
