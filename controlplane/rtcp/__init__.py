# SPDX-License-Identifier: GPL-3.0-or-later
"""RTCP (RFC 3550, RFC 3611): packets as values, and what they tell about quality."""
