# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable, Iterator

import pytest

from controlplane.cli.dispatcher import Dispatcher
from controlplane.cli.node import Node
from controlplane.cli.unavailable import MEDIA
from ctl.replies import is_failure

from ..report.fakes import two_party_call
from .fakes import with_calls

Run = Callable[[str], str]


@pytest.fixture
def run() -> Run:
    return Dispatcher(with_calls(two_party_call("c"))).text


def leaves(nodes: tuple[Node, ...], above: str) -> Iterator[tuple[str, Node]]:
    for node in nodes:
        yield from leaves(node.children, f"{above} {node.keyword}") if node.children else [
            (f"{above} {node.keyword}", node)]


@pytest.mark.parametrize("line, node", list(leaves(MEDIA, "media")))
def test_nothing_about_cached_media_looks_like_success(run: Run, line: str, node: Node) -> None:
    reply = run(f"{line} 7" if node.params else line)
    assert reply.startswith("Playing media is not available yet: ") and is_failure(reply)


@pytest.mark.parametrize("line, reply", [
    ("delay", "More parameters required.\n"), ("delay x", "Invalid delay x\n"), ("delay -1", "Invalid delay -1\n"),
    ("delay 20", "Delaying audio is not available yet: packets are forwarded as they come. Nothing was changed.\n"),
    ("detect-dtmf", "More parameters required.\n"), ("detect-dtmf 2", "Invalid setting 2\n"),
    ("detect-dtmf x", "Invalid setting x\n"),
    ("detect-dtmf 1", "Detecting DTMF in audio is not available yet: nothing here decodes audio. "
                      "Nothing was changed.\n")])
def test_audio_of_a_party(run: Run, line: str, reply: str) -> None:
    assert run(f"call c tag totag88 {line}") == reply
    assert is_failure(reply)
