# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng control protocol: framing, encodings, typed requests, duplicate cache, dispatch."""
