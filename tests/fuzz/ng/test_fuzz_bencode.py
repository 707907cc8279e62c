# SPDX-License-Identifier: GPL-3.0-or-later
"""The fuzz target over messages that are worth keeping, with every byte of the short ones changed once."""
import random

import pytest

from tests.fuzz.ng.fuzz_bencode import one_input
from tests.unit.ng.messages import OFFER, PROXY_OFFER

CORPUS = [
    OFFER, PROXY_OFFER, b"d7:command4:pinge", b"d7:commandi1ee", b"de", b"d", b"d7:comm", b"d99999999999:", b"d0:i-0ee",
    b"d1:a" + b"l" * 2000, b"d1:a" + b"d1:a" * 2000, b"d1:ai" + b"9" * 5000 + b"ee", b"d5:flags13:,trust address,e",
    b"d7:command5:offer10:rtpp_flags37:a=[b=[c d] e] ]]] [[[[ =x y= to-tag=1e",
    b"d8:supportsi1e3:ICEde9:directionli1ei2ei3ee13:received-fromldee3:TOS3: +5e",
    b'{"command":"offer","TOS":"0x10","flags":"a,b","direction":[1,null,{}],"x":1.5}', b"{", b'{"a":' * 2000,
    b'{"command":"list","limit":[]}', "{\"call-id\":\"\u00fc\"}".encode(), b'{"a":"\xff"}', b"", b" ", b"\x00\xff",
]


@pytest.mark.parametrize("data", CORPUS, ids=range(len(CORPUS)))
def test_corpus(data):
    one_input(data)
    for end in range(min(len(data), 600)):
        one_input(data[:end])


@pytest.mark.parametrize("data", [OFFER, PROXY_OFFER, *CORPUS[13:16]], ids=range(5))
def test_changed_bytes(data):
    chance = random.Random(len(data))
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] = chance.choice(b"deli0123456789:-,[]= \x00\xff")
        one_input(bytes(changed))
