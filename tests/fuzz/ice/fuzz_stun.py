# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target of STUN and the agent behind it: messages with a correct frame, signed or not, and candidates."""
import random

from controlplane.addresses import Address, Endpoint
from controlplane.errors import PeerError
from controlplane.ice import stun
from controlplane.ice.agent import Agent
from controlplane.ice.candidate import Candidate, parse, usable
from controlplane.ice.checklist import MAX_PAIRS
from controlplane.ice.credentials import Credentials
from controlplane.ice.pair import LocalCandidate
from controlplane.ice.stun import Kind

LOCAL, REMOTE = (Endpoint(Address.parse(text), 5000) for text in ("192.0.2.1", "198.51.100.2"))
PIECE = 64


def _agent(flags: int) -> Agent:
    agent = Agent(random.Random(1), controlling=bool(flags & 1), lite=bool(flags & 2))
    agent.set_locals([LocalCandidate(LOCAL, Candidate("f", 1, "UDP", 2130706431, LOCAL, "host"))], 1.0)
    if flags & 4:
        agent.set_remote(Credentials("them", "password"), 1.0)
    return agent


def _framed(agent: Agent, piece: bytes) -> bytes:
    """Attributes from ``piece``, in a message that is taken seriously."""
    kind = list(Kind)[piece[0] & 3]
    attributes = [(agent_name(agent) if piece[0] & 8 else (0x8055, b""))]
    at = 1
    while at + 3 <= len(piece):
        size = piece[at + 2] & 31
        attributes.append((piece[at] << 8 | piece[at + 1], piece[at + 3:at + 3 + size]))
        at += 3 + size
    return stun.build(kind, bytes(12), attributes, agent.local.password if piece[0] & 4 else None)


def agent_name(agent: Agent) -> tuple[int, bytes]:
    """A USERNAME that is ours."""
    return stun.text(stun.Type.USERNAME, f"{agent.local.ufrag}:them")


def one_input(data: bytes) -> None:
    """The first byte chooses the agent; the rest comes raw, as candidates, and framed in pieces."""
    flags = data[0] if data else 0
    rest = data[1:]
    agent = _agent(flags)
    agent.receive(rest, LOCAL, REMOTE, 1.0)
    for candidate in usable(rest.decode("utf-8", "surrogateescape").split("\n")):
        assert parse(str(candidate)) == candidate
        agent.add_remote(candidate, 1.0)
    now = 1.0
    for at in range(0, len(rest), PIECE):
        message = _framed(agent, rest[at:at + PIECE])
        try:
            stun.parse(message)
        except PeerError:
            pass
        agent.receive(message, LOCAL, Endpoint(REMOTE.address, 5000 + rest[at]), now)
        now = min(agent.next_at, now + 1.0) if agent.next_at > now else now + 0.02
        agent.on_time(now)
        agent.take_datagrams()
    assert len(agent.checklist) <= MAX_PAIRS
