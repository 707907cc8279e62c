# SPDX-License-Identifier: GPL-3.0-or-later
"""The corpus, and every shortened and every damaged form of it, through the fuzz target."""
import pytest

from tests.fuzz.sdp.fuzz_parse import CORPUS, one_input

FILES = sorted(CORPUS.iterdir())
DAMAGE = (b"\0", b"\n", b"\r", b"=", b" ", b":", b"\xff", b"9" * 30, b"-", b"/", b"")


def test_corpus_is_there():
    assert len(FILES) >= 6


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_corpus(path):
    body = path.read_bytes()
    for flags in range(16):
        one_input(bytes([flags]) + body)
    for end in range(len(body)):
        one_input(b"\x04" + body[:end])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_damaged_corpus(path):
    body = path.read_bytes()
    for place in range(0, len(body), 3):
        damage = DAMAGE[place % len(DAMAGE)]
        one_input(bytes([place % 16]) + body[:place] + damage + body[place + 1:])
