# SPDX-License-Identifier: GPL-3.0-or-later
from ctl import commands
from ctl.manual import manual


def test_every_command_is_explained_in_full() -> None:
    page = manual().splitlines()
    for words, text in ((r"list maxsessions", "print the number of allowed sessions"),
                        (r"terminate [ <callid> | all | own | foreign ]", "terminate calls immediately"),
                        (r"call <callid> tag <tag> info", "print one party of the call in detail"),
                        (r"set maxsessions <int>", r"set the max nr of allowed sessions, \-1 for no limit")):
        assert page[page.index(rf"\fB{words}\fR") + 1] == text


def test_nothing_is_left_out() -> None:
    explained = [line for line in commands.DAEMON.splitlines()[2:] if ": " in line]
    page = manual()
    commands_part = page[page.index(".SH COMMANDS"):page.index(".SH EXIT STATUS")]
    assert commands_part.count(".TP") == len(explained)
