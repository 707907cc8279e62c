# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios that every forwarding engine must play alike, and what plays them.

A scenario (table/*.py) says what is installed, what is sent and what arrives; books.py computes what must be
counted, player.py holds an engine to both. It is played by the core alone under sanitizers (core.py), by the relay
and the NFQUEUE engine through sockets (native.py), and by the module in a guest (tests/kernel/guest/case_engines.py).
"""
