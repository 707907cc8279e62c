# SPDX-License-Identifier: GPL-3.0-or-later
"""``rtpengine-ctl doctor``: what is wrong on this host and with its daemon, and what to type to mend it."""
