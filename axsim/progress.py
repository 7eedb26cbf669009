"""A line on stderr that says what is being done and how long it will take."""

import shutil
import sys
import time
from typing import TextIO

REDRAWN, REPEATED = 0.1, 60.0  # seconds between two states of a line on a terminal, and between two lines elsewhere


def duration(seconds: float) -> str:
    """Write a duration in the units that it calls for."""
    minutes = round(seconds / 60)
    if minutes < 3:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class ProgressDisplay:
    """Show one piece of work after another on a stream.

    On a terminal one line is redrawn, ten times a second at most; elsewhere each piece of work is one line when it
    begins, and one a minute while it goes on. `enabled=False` shows nothing.
    """

    def __init__(self, stream: TextIO | None = None, enabled: bool = True) -> None:
        self._stream = stream or sys.stderr
        self._enabled = enabled and self._stream is not None  # it may have been closed before we began
        self._redraw = self._enabled and self._stream.isatty()
        self._width = 0

    def phase(self, name: str):  # type: ignore[no-untyped-def]
        """Begin a piece of work; returns its progress function (done, total)."""
        start = time.perf_counter()
        drawn = 0.0 if self._redraw else start
        if self._enabled and not self._redraw:
            self._write(f"axsim: {name}\n")

        def update(done: int, total: int) -> None:
            nonlocal drawn
            now = time.perf_counter()
            pause = 0.0 if self._redraw and done >= total else REDRAWN if self._redraw else REPEATED
            if not self._enabled or now - drawn < pause:
                return
            drawn = now
            left = f"{done}/{total}, {duration((now - start) * (total - done) / max(1, done))} left"
            if self._redraw:
                filled = round(24 * done / max(1, total))
                self._draw(f"{name:<32.32} [{'#' * filled}{'.' * (24 - filled)}] {left}")
            else:
                self._write(f"axsim: {name}: {left}\n")

        if self._redraw:
            self._draw(name)
        return update

    def close(self) -> None:
        """Clear the line."""
        if self._enabled and self._redraw and self._width:
            self._draw("")
            self._write("\r")

    def _draw(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]  # a line that wraps could not be redrawn
        self._write("\r" + text.ljust(self._width))
        self._width = len(text)

    def _write(self, text: str) -> None:
        """Write; a stream that is full or that nobody reads any more is no reason to stop the work."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._enabled = self._redraw = False
