# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain text on a terminal or in a file: headings, one live line, tables."""
from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

_STYLES = {"bold": "1", "dim": "2", "good": "32", "bad": "31", "title": "1;36"}


class Screen:
    """Writes to ``out``; colours and the rewriting of a line only on a terminal."""

    def __init__(self, out: TextIO = sys.stdout):
        self.out = out
        self.live = out.isatty()
        self.colour = self.live and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def paint(self, style: str, text: str) -> str:
        """The text in a style, where colours can be shown."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour else text

    def line(self, text: str = "") -> None:
        print(text, file=self.out, flush=True)

    def heading(self, text: str) -> None:
        self.line()
        self.line(self.paint("title", text))

    def progress(self, share: float, text: str) -> None:
        """The live line: a bar for ``share`` (0 to 1) and a text. Elsewhere one line per call."""
        width = 24
        full = round(share * width)
        bar = "#" * full + "-" * (width - full)
        if self.live:
            self.out.write(f"\r\x1b[K  [{bar}] {text}")
            self.out.flush()
        else:
            self.line(f"  {share:4.0%} {text}")

    def progress_done(self) -> None:
        if self.live:
            self.line()

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table whose first column names the row."""
        widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
        self.line("  " + self.paint("bold", self._row(heads, widths)))
        self.line("  " + self.paint("dim", "  ".join("-" * width for width in widths)))
        for row in rows:
            self.line("  " + self._row(row, widths))

    @staticmethod
    def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()

    def verdict(self, good: bool, text: str) -> None:
        mark = self.paint("good", "ok  ") if good else self.paint("bad", "FAIL")
        self.line(f"  {mark}  {text}")
