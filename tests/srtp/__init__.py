# SPDX-License-Identifier: GPL-3.0-or-later
"""SRTP of the core against libsrtp and against an independent model."""
