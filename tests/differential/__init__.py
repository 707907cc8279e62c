# SPDX-License-Identifier: GPL-3.0-or-later
"""The same signalling to this daemon and to Debian's rtpengine-daemon: replies are equal, or the difference known."""
