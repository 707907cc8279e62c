# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.differential``: random calls on both daemons, the differences by kind."""
from __future__ import annotations

import argparse
import re
import sys
import time
import warnings

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.differential.dialogues import Dialogue, dialogues
from tests.differential.keys import keyed
from tests.differential.secure import secured
from tests.differential.side_by_side import Difference, SideBySide


def _kind(difference: Difference) -> str:
    """The names of the attributes that only one of both has, else where the first line differs."""
    command = difference.dialogue.messages[difference.step]["command"]
    return f"{command}: {difference.lines or re.sub(r'[0-9A-Za-z+/]{16,}|[0-9]+', 'N', difference.why)}"


def main() -> int:
    """Exit status 0 if nothing differs."""
    parser = argparse.ArgumentParser(prog="tests.differential", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--keys", action="store_true", help="calls with SRTP")
    parser.add_argument("--secure", action="store_true", help="calls with SDES, DTLS, ICE over all profiles")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5, help="how many kinds of differences to show in full")
    parser.add_argument("--kind", action="append", help="show only differences with this text; may repeat")
    options = parser.parse_args()
    found: dict[str, list[Difference]] = {}
    done = [0]
    with SideBySide() as both:
        @seed(options.seed)
        @settings(max_examples=options.cases, deadline=None, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))
        @given(secured() if options.secure else keyed() if options.keys else dialogues())
        def play(dialogue: Dialogue) -> None:
            done[0] += 1
            difference = both.compare(dialogue)
            if difference is not None:
                found.setdefault(_kind(difference), []).append(difference)

        started = time.monotonic()
        warnings.simplefilter("ignore")
        play()
        seconds = time.monotonic() - started
    kinds = sorted(found.values(), key=len, reverse=True)
    chosen = [each for each in kinds if not options.kind or any(kind in each[0].why for kind in options.kind)]
    for differences in chosen[:options.show]:
        print(f"===== {len(differences)} times, for example")
        print(min(differences, key=lambda each: len(each.text)).text)
    for differences in kinds:
        print(f"{len(differences):6d}  {_kind(differences[0])}")
    total = sum(map(len, kinds))
    print(f"{done[0]} calls in {seconds:.0f} s, {total} differ in {len(kinds)} ways")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
