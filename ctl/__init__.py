# SPDX-License-Identifier: GPL-3.0-or-later
"""rtpengine-ctl, the operator's client of the CLI port."""
