# SPDX-License-Identifier: GPL-3.0-or-later
"""The forwarding engines, and what turns the sessions' wishes into their commands."""
