# SPDX-License-Identifier: GPL-3.0-or-later
"""The control plane of the RTP media proxy: signalling in, forwarding entries out."""

VERSION = "0.1.0"
