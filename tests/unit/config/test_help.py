# SPDX-License-Identifier: GPL-3.0-or-later
import shutil
import subprocess

import pytest

from controlplane.config.help import answer, help_text
from controlplane.config.manual import manual
from controlplane.config.options import ALL
from controlplane.errors import ConfigError
from controlplane.store.store import PASSWORDS


def test_every_option_is_in_help_and_manual():
    text, page = help_text(), manual().replace("\\-", "-")
    for option in ALL:
        assert option.name in text and "--" + option.name in page, option.name


def test_help_fits_a_terminal_of_a_hundred_columns():
    assert max(map(len, help_text().splitlines())) <= 100


def test_help_shows_letter_default_and_use():
    lines = help_text().splitlines()
    assert "  -m, --port-min=N              lowest media port (default 30000)" in lines


def test_answers():
    assert answer("version", "1.2") == "Version: 1.2\n"
    assert answer("help", "1.2") == help_text()
    with pytest.raises(ConfigError, match="codec"):
        answer("codecs", "1.2")


@pytest.mark.skipif(not shutil.which("groff"), reason="needs groff")
def test_variables_with_passwords_are_in_the_manual():
    page = manual()
    assert all(name in page for name in PASSWORDS.values())


def test_the_manual_is_clean_roff():
    done = subprocess.run(["groff", "-man", "-ww", "-Tascii", "-z"], input=manual(), text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
