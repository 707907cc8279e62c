# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls in Redis: written as they change, restored after a restart or by another node."""
