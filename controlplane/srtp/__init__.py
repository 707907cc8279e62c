# SPDX-License-Identifier: GPL-3.0-or-later
"""SRTP as SDP speaks of it: suites, keys and how two parties agree on them (RFC 4568)."""
