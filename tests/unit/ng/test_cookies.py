# SPDX-License-Identifier: GPL-3.0-or-later
from controlplane.ng.cookies import GENERATION, CookieCache


def finished(cache: CookieCache, cookie: bytes, reply: bytes) -> None:
    cache.begin(cookie)
    cache.finish(cookie, reply)


def test_a_reply_is_kept_through_one_generation():
    cache = CookieCache(now=100.0)
    finished(cache, b"1", b"one")
    assert cache.reply(b"1", 100.0) == b"one"
    assert cache.reply(b"1", 100.0 + GENERATION) == b"one"             # swapped, now among the old
    assert cache.reply(b"1", 100.0 + 2 * GENERATION - 0.1) == b"one"
    assert cache.reply(b"1", 100.0 + 2 * GENERATION) is None
    assert len(cache) == 0


def test_generations_swap_only_on_look_up():
    cache = CookieCache(now=0.0)
    finished(cache, b"1", b"one")
    assert cache.reply(b"1", 1000.0) == b"one"


def test_unknown_and_running_cookies_have_no_reply():
    cache = CookieCache(now=0.0)
    assert cache.reply(b"1", 0.0) is None
    cache.begin(b"1")
    assert cache.reply(b"1", 0.0) is None


def test_a_duplicate_of_a_running_request_gets_its_reply():
    cache, delivered = CookieCache(now=0.0), []
    assert not cache.join(b"1", delivered.append)
    cache.begin(b"1")
    assert cache.join(b"1", delivered.append)
    assert delivered == []
    cache.finish(b"1", b"one")
    assert delivered == [b"one"]
    assert not cache.join(b"1", delivered.append)
    assert cache.reply(b"1", 0.0) == b"one"


def test_a_flood_shortens_the_generation():
    cache = CookieCache(now=0.0, capacity=10)
    for number in range(1000):
        assert cache.reply(b"%d" % number, 0.0) is None
        finished(cache, b"%d" % number, b"")
    assert len(cache) <= 20
