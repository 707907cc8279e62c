# SPDX-License-Identifier: GPL-3.0-or-later
"""DTLS-SRTP (RFC 5763, 5764): packets and time come in, packets and keys go out."""
