# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process leaves in an accelerator, and another one goes on with."""
import pytest

from controlplane.dataplane import abi
from controlplane.dataplane.program import Program
from controlplane.events import ChangeSet
from tests.unit.dataplane.test_program import rtp, world  # noqa: F401 - a fixture


def left(world):  # noqa: F811
    """The target of ``world`` as the module would list it, after 5 packets."""
    world.want()
    world.want(offload=True)
    for seq in range(5):
        world.by_queue(seq)
    (reply,) = abi.replies(world.queue.command(abi.batch(abi.get_target(world.a))))
    return abi.read_state(reply.body)


def heir(world, state):  # noqa: F811
    world.program = Program(world.relay, world.queue, world.close, found=[state])
    return world.program


def test_the_next_process_goes_on_and_counts_what_comes_on_top(world):  # noqa: F811
    state = left(world)
    program = heir(world, state)
    world.by_queue(5)
    world.want()
    world.by_queue(6)
    assert program.claimed() == 0
    world.by_queue(7)
    stats = world.stats()
    assert (stats.kernel_in.packets, stats.kernel_in.bytes, stats.offloaded) == (3, 3 * 172, True)
    (source,) = stats.sources
    assert (source.packets, source.lost, source.duplicates, source.extended_sequence) == (3, 0, 0, 7)
    assert world.sent(world.b, 0, 3)


def test_what_no_call_claims_ends(world):  # noqa: F811
    program = heir(world, left(world))
    assert program.claimed() == 1
    assert not world.queue.arrive(world.a, rtp(5))
    assert program.claimed() == 0


def test_what_went_meanwhile_is_no_failure(world):  # noqa: F811
    program = heir(world, left(world))
    world.queue.command(abi.batch(abi.del_target(world.a)))
    assert program.claimed() == 0 and not world.queue.given_back


def test_a_stream_that_must_be_in_user_space_goes_on_there_where_it_was(world):  # noqa: F811
    state = left(world)
    program = heir(world, state)
    world.want(offload=False)
    assert program.claimed() == 1
    for seq in range(5, 60):
        world.by_socket(seq)
    (source,) = world.stats().sources
    assert (source.lost, source.duplicates, source.extended_sequence) == (0, 0, 59)


def test_a_failing_accelerator_is_given_up(world, caplog):  # noqa: F811
    program = heir(world, left(world))
    world.queue.broken = True
    assert program.claimed() == 0 and world.queue.given_back
    program.apply(ChangeSet(wanted={world.a: world.wanted}))
    world.by_socket(9)


@pytest.mark.parametrize("again", [False, True])
def test_a_claimed_stream_is_closed_like_any_other(world, again):  # noqa: F811
    program = heir(world, left(world))
    world.want()
    if again:
        program.claimed()
    program.apply(ChangeSet(closed=[world.a, world.b]))
    assert not world.queue.arrive(world.a, rtp(5)) and program.claimed() == 0
