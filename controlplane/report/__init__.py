# SPDX-License-Identifier: GPL-3.0-or-later
"""What the proxy tells about itself: one table of metrics and its renderings."""
