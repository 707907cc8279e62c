# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays recorded dialogues (control requests and packets) and compares what comes back."""
