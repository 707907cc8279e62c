# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks on calls, each with the exact number of packets that it wins.

*Leaked* are packets of a party that reach the attacker, *injected* are the attacker's that reach a party. They run
on the relay, on the queue, and in a guest (tests/kernel/shared.py) on the kernel module. What they do not cover is in
tests/kernel/traps.py: loops, bad tags, replays and malformed packets, engine by engine.
"""
