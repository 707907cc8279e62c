# SPDX-License-Identifier: GPL-3.0-or-later
"""All scenarios, by subject. Importing this fills tests.engines.scenario.TABLE."""
from tests.engines.table import (bundle, flags, handover, malformed, recording, rewrite, secure, secure_sources,
                                 statistics, walks)

__all__ = ["bundle", "flags", "handover", "malformed", "recording", "rewrite", "secure", "secure_sources", "statistics",
           "walks"]
