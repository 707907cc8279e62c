# SPDX-License-Identifier: GPL-3.0-or-later
"""The forwarding engine in user space: C threads that own the media sockets, bound to Python by cffi.

``controlplane.relay._native`` is the extension that build.py makes; only controlplane.dataplane uses it.
"""
