# SPDX-License-Identifier: GPL-3.0-or-later
from controlplane.ng.later import Later


def test_everyone_who_asked_is_told_once():
    later, told = Later(), []
    later.then(told.append)
    later.then(lambda value: told.append(value * 2))
    assert told == []
    later.finish(3)
    later.finish(4)
    later.then(told.append)
    assert told == [3, 6, 3]


def test_map():
    later, told = Later(), []
    later.map(str).then(told.append)
    later.finish(3)
    later.map(hex).then(told.append)
    assert told == ["3", "0x3"]
