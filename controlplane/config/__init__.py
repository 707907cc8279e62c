# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: one option table, read from the command line and from a file."""
