# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target of what HTTP and WebSocket carry: bodies, paths and messages; the first byte chooses which."""
from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from controlplane.cli.dispatcher import Dispatcher
from controlplane.servers.pages import JSON, NG, TEXT, Page, Pages
from controlplane.servers.services import SUBPROTOCOLS, Services
from tests.fuzz.rig import SOURCE, check, rig
from tests.unit.cli.fakes import FakeBackend

POSTS = (("/ng", NG), ("/ng-plain", NG), ("/ng-plain", JSON), ("/cli", TEXT))
KINDS = len(POSTS) + 2 + len(SUBPROTOCOLS)
_STATUS = (200, 404, 501, 600)


def finished(coroutine: Awaitable[Any]) -> Any:
    """The result of a coroutine that waits for nothing, but may let others go first."""
    steps = coroutine.__await__()
    try:
        while next(steps) is None:
            pass
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


def services() -> Services:
    """All of them, with a command line whose settings last for one input."""
    proxy = rig().proxy
    return Services(proxy.ng_message, proxy.ng_plain, Dispatcher(FakeBackend()).run, time.time)


def posted(kind: int, data: bytes, pages: Pages) -> Page:
    path, content_type = POSTS[kind]
    if path == "/ng":
        data = b"%d " % time.monotonic_ns() + data
    page: Page = finished(pages.post(path, content_type, data, SOURCE))
    assert page.content_type == content_type and page.status == 200
    if content_type != TEXT:
        assert isinstance(page.body, bytes)
        check(data.partition(b" ")[2] if path == "/ng" else data,
              page.body.partition(b" ")[2] if path == "/ng" else page.body)
    return page


def one_input(data: bytes) -> None:
    """Whatever is asked gets a page or a message, made of bytes, and never a bug's."""
    if not data:
        return
    kind, data = data[0] % KINDS, data[1:]
    offered = services()
    pages = Pages(offered)
    if kind < len(POSTS):
        page = posted(kind, data, pages)
    elif kind < len(POSTS) + 2:
        path = data.decode("latin-1")
        page = pages.get(path if kind == len(POSTS) else "/cli/" + path)
    else:
        answer: Callable[[Services, bytes, str], Awaitable[bytes | None]]
        answer = list(SUBPROTOCOLS.values())[kind - len(POSTS) - 2]
        reply = finished(answer(offered, data, SOURCE))
        assert reply is None or isinstance(reply, bytes)
        page = Page(reply or b"")
    assert page.status in _STATUS
    if not isinstance(page.body, bytes):
        for piece in page.body:
            piece.encode("utf-8", "surrogateescape")
    rig().tidy()
