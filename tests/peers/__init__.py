# SPDX-License-Identifier: GPL-3.0-or-later
"""The other ends of a call, written independently of the product: tests, benchmarks and the demo talk through them."""
