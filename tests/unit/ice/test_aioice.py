# SPDX-License-Identifier: GPL-3.0-or-later
"""Our agent against an independent one, over loopback."""
import asyncio
import random
import time

import pytest

from controlplane.addresses import Address, Endpoint
from controlplane.ice.agent import Agent
from controlplane.ice.candidate import Candidate, usable
from controlplane.ice.credentials import Credentials
from controlplane.ice.pair import LocalCandidate
from controlplane.ice.phase import Phase
from tests.peers import ice


class Driver(asyncio.DatagramProtocol):
    """One socket of an agent; what is no STUN is kept."""

    def __init__(self, runner: "Runner"):
        self.runner = runner
        self.local: Endpoint | None = None

    def connection_made(self, transport):
        host, port = transport.get_extra_info("sockname")[:2]
        self.transport, self.local = transport, Endpoint(Address.parse(host), port)

    def datagram_received(self, data, source):
        agent, found = self.runner.agent, Endpoint(Address.parse(source[0]), source[1])
        if agent.receive(data, self.local, found, time.time()):
            self.runner.pump()
        else:
            self.runner.heard.append((data, self.local, found))
            self.transport.sendto(data, source)  # an echo


class Runner:
    """Gives an agent sockets and time."""

    def __init__(self, agent: Agent):
        self.agent, self.heard = agent, []
        self.sockets: dict[Endpoint, Driver] = {}

    async def open(self, families, components):
        loop = asyncio.get_running_loop()
        candidates = []
        for component in range(1, components + 1):
            for index, family in enumerate(families):
                _, driver = await loop.create_datagram_endpoint(
                    lambda: Driver(self), local_addr=(ice.LOOPBACK[family], 0))
                self.sockets[driver.local] = driver
                priority = (126 << 24) | (65535 - index << 8) | 256 - component
                candidates.append(LocalCandidate(driver.local, Candidate(
                    f"f{family}", component, "UDP", priority, driver.local, "host")))
        self.agent.set_locals(candidates, time.time())

    def pump(self):
        for packet in self.agent.take_datagrams():
            self.sockets[packet.local].transport.sendto(packet.data, packet.destination.sockaddr)

    async def run(self):
        while True:
            self.agent.on_time(time.time())
            self.pump()
            await asyncio.sleep(min(0.02, max(0.0, self.agent.next_at - time.time())))

    def close(self):
        for driver in self.sockets.values():
            driver.transport.close()


async def meet(agent, connection, families, components):
    """Let both come together, and have a packet there and back on each component."""
    runner = Runner(agent)
    await runner.open(families, components)
    ours = [f"ice-ufrag:{agent.local.ufrag}", f"ice-pwd:{agent.local.password}", *(["ice-lite"] if agent.lite else []),
            *(f"candidate:{each.candidate}" for each in agent.checklist.locals)]
    await ice.learn(connection, ours)
    agent.set_remote(Credentials(connection.local_username, connection.local_password), time.time())
    texts = [text.partition(":")[2] for text in ice.attributes(connection) if text.startswith("candidate:")]
    for candidate in usable(texts):
        agent.add_remote(candidate, time.time())
    task = asyncio.ensure_future(runner.run())
    try:
        await asyncio.wait_for(connection.connect(), 60)
        end = time.monotonic() + 30
        while agent.phase is not Phase.COMPLETED and time.monotonic() < end:
            await asyncio.sleep(0.01)  # our own check of what it has chosen may still be under way
        for component in range(1, components + 1):
            await connection.sendto(b"\x80hello", component)
            data, heard = await asyncio.wait_for(connection.recvfrom(), 30)
            assert (data, heard) == (b"\x80hello", component)
            _, local, source = runner.heard[-1]
            assert agent.admits(local, source)
            # of several pairs it nominates each that it checks, and may keep to another one than we
            assert agent.selection[component].path == (local, source) or len(families) > 1
    finally:
        task.cancel()
        await connection.close()
        runner.close()


@pytest.mark.parametrize("controlling", [True, False])
@pytest.mark.parametrize("families, components", [((4,), 1), ((6, 4), 2)])
def test_agrees_with_aioice(controlling, families, components):
    async def play():
        connection = await ice.gathered(families, ice_controlling=not controlling, components=components)
        agent = Agent(random.SystemRandom(), controlling=controlling, components=components)
        await meet(agent, connection, families, components)
        assert agent.phase is Phase.COMPLETED and agent.controlling == controlling
    asyncio.run(play())


@pytest.mark.parametrize("controlling", [True, False])
def test_settles_a_role_conflict_with_aioice(controlling):
    async def play():
        connection = await ice.gathered(ice_controlling=controlling, components=1)
        agent = Agent(random.SystemRandom(), controlling=controlling)
        await meet(agent, connection, (4,), 1)
        assert agent.controlling != connection.ice_controlling
    asyncio.run(play())


def test_is_lite_with_aioice():
    async def play():
        connection = await ice.gathered(ice_controlling=True, components=1)
        agent = Agent(random.SystemRandom(), controlling=False, lite=True)
        await meet(agent, connection, (4,), 1)
        assert agent.phase is Phase.COMPLETED
    asyncio.run(play())
