# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's command language: one command line in, text out."""
