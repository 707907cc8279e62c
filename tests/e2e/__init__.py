# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole calls through a running daemon, placed by real programs."""
