"""A whole sweep, from its description to the store, stopped by Ctrl-C without losing what it is doing."""

import contextlib
import dataclasses
import os
import signal
import threading
from collections.abc import Callable, Iterator

from .description import Plan, plan, read
from .driver import Summary, drive
from .store import Store
from .workers import Workers

Phase = Callable[[str], Callable[[int, int], None]]
_SIGNALS = (signal.SIGINT, signal.SIGTERM)  # Ctrl-C, and what a batch system sends before it kills


def _silent(name: str) -> Callable[[int, int], None]:
    return lambda done, total: None


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A finished or stopped sweep."""

    plan: Plan
    summary: Summary

    @property
    def left(self) -> int:
        """Runs that are still to be done."""
        return len(self.plan) - self.summary.done - self.summary.stored - self.summary.failed


def sweep(
    description: str | os.PathLike[str],
    store: str | os.PathLike[str],
    workers: Callable[[], Workers],
    *,
    retry_failed: bool = False,
    phase: Phase = _silent,
    on_stop: Callable[[int], None] = lambda flying: None,
) -> Sweep:
    """
    Do all runs of a description that the store does not have yet.

    The first Ctrl-C, or SIGTERM, begins nothing more and waits for what is running; a second abandons that too.

    Parameters
    ----------
    description : path
        A TOML file; `axsim sweep --new` writes an example that tells what may stand in it.
    store : path
        Made if it does not exist.
    workers : function
        Makes the workers; called once the description has been found right. See `axsim.sweep.workers`.
    retry_failed : bool
        Try again what was given up before.
    phase : function
        Given the name of a piece of work, returns the function (done, total) that shows its progress.
    on_stop : function
        Called when the sweep is told to stop.

    Raises
    ------
    MistakesError
        If the description has mistakes: all of them, each with its line.
    AxsimError
        As `axsim.sweep.driver.drive`, or if workers cannot be had.
    KeyboardInterrupt
        At the second Ctrl-C.
    """
    planned = plan(read(description), phase("checking"))
    with Store(store) as kept, _told_to_stop(on_stop) as stopping:
        left = sum(1 for task in planned.tasks() if not kept.has(task))
        if not left:
            return Sweep(planned, Summary(stored=len(planned)))
        working = workers()
        abandon = True
        try:
            show, before = phase(f"{left} of {len(planned)} runs"), len(planned) - left
            summary = drive(
                planned.tasks(), kept, working, retry_failed=retry_failed, stopping=stopping.is_set,
                progress=lambda done: show(max(0, done - before), left),
            )  # fmt: skip
            abandon = False
        finally:
            working.close(abandon)
    return Sweep(planned, summary)


@contextlib.contextmanager
def _told_to_stop(on_stop: Callable[[int], None]) -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C sets; the second raises KeyboardInterrupt."""
    stopping = threading.Event()

    def answer(number: int, frame: object) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()
        on_stop(number)

    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    before = {each: signal.signal(each, answer) for each in _SIGNALS}
    try:
        yield stopping
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
