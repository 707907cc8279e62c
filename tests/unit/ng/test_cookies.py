# SPDX-License-Identifier: GPL-3.0-or-later
from controlplane.ng.cookies import GENERATION, CookieCache
from controlplane.ng.later import Later


def test_a_reply_is_kept_through_one_generation():
    cache = CookieCache(now=100.0)
    cache.keep(b"1", b"one")
    assert cache.reply(b"1", 100.0) == b"one"
    assert cache.reply(b"1", 100.0 + GENERATION) == b"one"             # swapped, now among the old
    assert cache.reply(b"1", 100.0 + 2 * GENERATION - 0.1) == b"one"
    assert cache.reply(b"1", 100.0 + 2 * GENERATION) is None
    assert len(cache) == 0


def test_generations_swap_only_on_look_up():
    cache = CookieCache(now=0.0)
    cache.keep(b"1", b"one")
    assert cache.reply(b"1", 1000.0) == b"one"


def test_a_duplicate_of_a_running_request_gets_its_reply():
    cache, delivered = CookieCache(now=0.0), []
    assert cache.reply(b"1", 0.0) is None
    running: Later[bytes] = Later()
    cache.keep(b"1", running)
    assert cache.reply(b"1", 0.0) is running
    assert cache.reply(b"1", 1000.0) is running                        # however long it takes
    running.then(delivered.append)
    running.finish(b"one")
    assert delivered == [b"one"]
    assert cache.reply(b"1", 1000.0) == b"one"


def test_a_flood_shortens_the_generation():
    cache = CookieCache(now=0.0, capacity=10)
    for number in range(1000):
        assert cache.reply(b"%d" % number, 0.0) is None
        cache.keep(b"%d" % number, b"")
    assert len(cache) <= 20


def test_so_do_long_replies_and_long_cookies():
    cache = CookieCache(now=0.0, room=100_000)
    for number in range(1000):
        cache.reply(b"", 0.0)
        cache.keep(b"%d" % number, bytes(10_000))
        assert len(cache) <= 20
    for number in range(1000):
        cache.reply(b"", 0.0)
        cache.keep(b"%d" % number + bytes(10_000), b"")
    assert 10 <= len(cache) <= 20
