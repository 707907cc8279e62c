# SPDX-License-Identifier: GPL-3.0-or-later
import shutil
import subprocess

import pytest
from typer.main import get_command

from ctl import client, commands, rulecommand, schema
from ctl.doctor.checks import CHECKS
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
    commands_part = page[page.index(".SH COMMANDS"):page.index(".SH JSON")]
    assert commands_part.count(".TP") == len(explained)


def test_the_json_schema_is_explained() -> None:
    page = manual().splitlines()
    for name, fields in schema.OBJECTS.items():
        start = page.index(f".SS {name}")
        assert page[start + 1:start + 1 + 3 * len(fields)][1::3] == [rf"\fB{field}\fR" for field in fields]
    page = page[page.index(".SH JSON"):]
    assert page[page.index(r"\fBlist maxopenfiles\fR") + 1] == "the number, null for no limit"


def test_the_capture_is_explained() -> None:
    page = manual()
    assert r"\fB\-\-seconds <seconds>\fR" in page[page.index(".SH CAPTURE"):page.index(".SH DOCTOR")].splitlines()


def test_every_option_of_rule_is_explained() -> None:
    page = manual()
    part = page[page.index(".SH RULE"):page.index(".SH CAPTURE")]
    for command in get_command(rulecommand.app).commands.values():  # type: ignore[attr-defined]
        assert f"rule {command.name}" in part
        for option in command.params:
            assert option.opts[0].replace("-", r"\-") in part
    assert client.SECRET in page[page.index(".SH ENVIRONMENT"):]


def test_every_check_of_doctor_is_explained() -> None:
    page = manual().splitlines()
    page = page[page.index(".SH DOCTOR"):page.index(".SH EXIT STATUS")]
    for check in CHECKS:
        assert len(page[page.index(rf"\fB{check.name}\fR") + 1].split()) > 3
    assert page.count(".TP") == len(CHECKS)


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff")
def test_the_page_is_what_roff_understands() -> None:
    done = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-ww"], input=manual(), capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 0 and not done.stderr
    assert "--json" in done.stdout and "list sessions <callid>" in done.stdout
