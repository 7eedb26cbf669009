"""A line on stderr that says what is being done and how long it will take."""

import sys
import time
from typing import TextIO


class ProgressDisplay:
    """Show one piece of work after another on a stream.

    On a terminal one line is redrawn, ten times a second at most; elsewhere each piece of work is one line when it
    begins. `enabled=False` shows nothing.
    """

    def __init__(self, stream: TextIO | None = None, enabled: bool = True) -> None:
        self._stream = stream or sys.stderr
        self._enabled = enabled
        self._redraw = self._stream.isatty()
        self._width = 0

    def phase(self, name: str):  # type: ignore[no-untyped-def]
        """Begin a piece of work; returns its progress function (done, total)."""
        start = time.perf_counter()
        drawn = 0.0
        if self._enabled and not self._redraw:
            print(f"axsim: {name}", file=self._stream, flush=True)

        def update(done: int, total: int) -> None:
            nonlocal drawn
            now = time.perf_counter()
            if not self._enabled or not self._redraw or (now - drawn < 0.1 and done < total):
                return
            drawn = now
            filled = round(24 * done / max(1, total))
            left = (now - start) * (total - done) / max(1, done)
            self._draw(f"{name:<32.32} [{'#' * filled}{'.' * (24 - filled)}] {done}/{total}, {left:.0f} s left")

        if self._redraw:
            update(0, 1)
        return update

    def close(self) -> None:
        """Clear the line."""
        if self._enabled and self._redraw and self._width:
            self._draw("")
            self._stream.write("\r")
            self._stream.flush()

    def _draw(self, text: str) -> None:
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)
