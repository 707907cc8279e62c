# SPDX-License-Identifier: GPL-3.0-or-later
"""Local addresses and UDP ports for media: which interface to use, and which ports are free."""
