# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls, their parties, media and streams: what a message means for them, and what the engines are to do."""
