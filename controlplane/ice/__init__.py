# SPDX-License-Identifier: GPL-3.0-or-later
"""Interactive Connectivity Establishment (RFC 8445): messages, candidates and the agent as a state machine."""
