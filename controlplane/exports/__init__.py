# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves the host without being asked for: Graphite, MQTT, Homer, and records in the log."""
