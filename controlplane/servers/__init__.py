# SPDX-License-Identifier: GPL-3.0-or-later
"""The asyncio end points; everything behind them is called with bytes or text."""
