"""Work in a thread of its own, that can be watched and stopped, beside a kernel that goes on answering."""

import threading
import time
from collections.abc import Callable
from typing import Any

# Numba's simplest threading layer aborts the process when two Python threads enter parallel kernels at once. The thread
# in the background holds this lock while it computes and lets go of it between batches; the others wait so long.
KERNELS = threading.RLock()
_PAUSE = 0.002  # seconds in which another thread may take the lock


class Stopped(Exception):
    """Raised within the work when the user has pressed stop."""


class Background:
    """One piece of work at a time, in a thread.

    Parameters
    ----------
    show : function of (text, share done from 0 to 1)
        Called from the thread, at most ten times a second.
    finish : function of (error or None)
        Called from the thread when the work ends: None when it is done, Stopped, or what went wrong.
    """

    def __init__(self, show: Callable[[str, float], None], finish: Callable[[BaseException | None], None]) -> None:
        self._show, self._finish = show, finish
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether work is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, work: Callable[["Background"], Any]) -> None:
        """Begin, unless something is running."""
        if self.running:
            return
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the work to end after the batch that it is at."""
        self._stop.set()

    def join(self, seconds: float | None = None) -> None:
        """Wait until the work has ended."""
        if self._thread is not None:
            self._thread.join(seconds)

    def phase(self, name: str) -> Callable[[int, int], None]:
        """Begin a part of the work; returns its progress function (done, total), at which it can be stopped."""
        self._show(name, 0.0)
        last = time.monotonic()

        def update(done: int, total: int) -> None:
            nonlocal last
            if self._stop.is_set():
                raise Stopped
            now = time.monotonic()
            if now - last >= 0.1 or done >= total:
                last = now
                self._show(f"{name}: {done} of {total}", done / max(1, total))
            KERNELS.release()
            time.sleep(_PAUSE)
            KERNELS.acquire()

        return update

    def _run(self, work: Callable[["Background"], Any]) -> None:
        error: BaseException | None = None
        try:
            with KERNELS:
                work(self)
        except BaseException as caught:
            error = caught
        self._finish(error)
