# SPDX-License-Identifier: GPL-3.0-or-later
"""A call with recorded speech through the proxy, shown in numbers and kept as sound files."""
