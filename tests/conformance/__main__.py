# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.conformance``: replay recorded dialogues, show where they differ first."""
from __future__ import annotations

import argparse
import collections
import sys

from tests.conformance import vectors
from tests.conformance.lab import replay_all
from tests.conformance.replay import Outcome
from tests.peers import netns
from tests.peers.daemon import own_command, reference_command


def _show(outcome: Outcome, verbose: bool) -> None:
    print(outcome.line, flush=True)
    if not verbose or outcome.result == "pass":
        return
    if outcome.step >= 0:
        step = outcome.block.steps[outcome.step]
        if "request" in step:
            print("--- request")
            for key, value in step["request"].items():
                print(f"{key} = {value!r}" if key != "sdp" else "sdp =\n    " + value.replace("\n", "\n    ").rstrip())
    for name, text in (("recorded", outcome.recorded), ("ours", outcome.ours)):
        if text:
            print(f"--- {name}\n{text}")
    print()


def main() -> int:
    """Exit status 0 if every chosen block passes."""
    parser = argparse.ArgumentParser(prog="tests.conformance", description=__doc__)
    parser.add_argument("--file", help="only this file, e.g. main.json")
    parser.add_argument("--block", type=int, action="append", help="only this block number; may repeat")
    parser.add_argument("--tag", action="append", default=[], help="only blocks with this tag; may repeat")
    parser.add_argument("--result", help="show only outcomes of this kind: pass, differs, unsupported, error")
    parser.add_argument("--expected", action="store_true", help="only the blocks of expected.txt")
    parser.add_argument("--reference", action="store_true", help="replay against Debian's rtpengine-daemon")
    parser.add_argument("--packets-only", action="store_true", help="do not compare replies, only packets")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-v", "--verbose", action="store_true", help="show both sides of the first difference")
    options = parser.parse_args()
    place = vectors.directory()
    if place is None:
        print("no recorded dialogues here; RTPENGINE_VECTORS names their directory")
        return 2
    reason = netns.available()
    if reason:
        print(reason)
        return 2
    blocks = [block for block in vectors.load(place, options.file)
              if (not options.block or block.number in options.block) and set(options.tag) <= block.tags]
    if options.expected:
        wanted = vectors.expected()
        blocks = [block for block in blocks if block.id in wanted]
    outcomes = replay_all(
        blocks, workers=options.workers, packets_only=options.packets_only,
        command=reference_command() if options.reference else own_command(),
        report=lambda each: _show(each, options.verbose) if options.result in (None, each.result) else None)
    counts = collections.Counter(outcome.result for outcome in outcomes.values())
    files = collections.Counter(outcome.block.file for outcome in outcomes.values())
    passed = collections.Counter(outcome.block.file for outcome in outcomes.values() if outcome.result == "pass")
    for name, number in sorted(files.items()):
        print(f"{passed[name]:4d} of {number:3d} pass  {name}")
    print(f"{len(outcomes)} blocks: " + ", ".join(f"{number} {result}" for result, number in sorted(counts.items())))
    return 0 if set(counts) <= {"pass"} else 1


if __name__ == "__main__":
    sys.exit(main())
