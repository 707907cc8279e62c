# SPDX-License-Identifier: GPL-3.0-or-later
"""Session descriptions (RFC 8866): bytes to model, model to outgoing model, outgoing model to bytes."""
