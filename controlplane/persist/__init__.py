# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls as documents: everything that another process needs to go on with them."""
