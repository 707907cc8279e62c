# SPDX-License-Identifier: GPL-3.0-or-later
"""What another process needs to go on as the same ICE agent: the peer notices nothing but a pause."""
from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from controlplane.addresses import Endpoint
from controlplane.ice.agent import Agent
from controlplane.ice.candidate import Candidate
from controlplane.ice.credentials import Credentials, RandomSource
from controlplane.ice.pair import LocalCandidate, State
from controlplane.ice.phase import Phase


class Valid(NamedTuple):
    """A pair that has succeeded: our socket, the peer's candidate, and whether it was nominated."""

    local: Endpoint
    remote: Candidate
    nominated: bool


class AgentMemory(NamedTuple):
    """An agent between two moments; checks under way are not part of it, they are made again."""

    controlling: bool
    lite: bool
    aggressive: bool
    components: int
    tie_breaker: int
    local: Credentials
    remote: Credentials | None
    remote_lite: bool
    remote_complete: bool
    valid: tuple[Valid, ...]
    sources: tuple[tuple[Endpoint, Endpoint], ...]
    failed: str


def remember(agent: Agent) -> AgentMemory:
    """What an agent knows now."""
    # Paths from before a restart give way to what will be nominated.
    valid = tuple([Valid(pair.local.base, pair.remote, pair.nominated and agent.checklist.find(*pair.path) is pair)
                   for pair in agent.valid if pair.succeeded])
    return AgentMemory(agent.controlling, agent.lite, agent.aggressive, agent.components, agent.tie_breaker,
                       agent.local, agent.remote, agent.remote_lite, agent.remote_complete, valid,
                       tuple(agent.sources), agent.reason if agent.phase is Phase.FAILED else "")


def revive(memory: AgentMemory, locals_: Iterable[LocalCandidate], random: RandomSource, now: float,
           software: str = "") -> Agent:
    """The agent that goes on; the peer is asked for its consent anew."""
    agent = Agent(random, controlling=memory.controlling, lite=memory.lite, aggressive=memory.aggressive,
                  software=software, components=memory.components)
    agent.local, agent.tie_breaker = memory.local, memory.tie_breaker
    agent.set_locals(locals_, now)
    agent.sources = dict.fromkeys(memory.sources)
    if memory.remote is not None:
        agent.set_remote(memory.remote, now, lite=memory.remote_lite, complete=memory.remote_complete)
    agent.controlling = memory.controlling
    agent.remote_lite, agent.remote_complete = memory.remote_lite, memory.remote_complete
    for each in memory.valid:
        local = agent.checklist.local_of(each.local)
        pair = agent.checklist.learn(local, each.remote) if local is not None else None
        if pair is not None:
            pair.state, pair.nominated = State.SUCCEEDED, each.nominated
    if memory.failed:
        agent.phase, agent.reason = Phase.FAILED, memory.failed
    agent.set_components(memory.components, now)
    return agent
