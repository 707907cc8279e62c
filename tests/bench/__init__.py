# SPDX-License-Identifier: GPL-3.0-or-later
"""What the project claims about its speed, measured beside the least that could be and beside Debian's daemon."""
