"""Who does the runs: processes on this machine (`local`), or a Dask cluster (`cluster`).

Both are a `concurrent.futures.Executor` with what the driver must know besides. This file imports nothing heavy: a
worker process passes through it before its number of threads is set.
"""

from concurrent.futures import Executor
from typing import Protocol


class Workers(Protocol):
    """What the driver feeds.

    Attributes
    ----------
    executor : Executor
    can_recall : bool
        Whether a future that has not begun to run can be told, and cancelled.
    deaths : tuple of types
        What a future raises when the worker that had it died.
    attempts : int
        How often the driver gives a run to workers that die of it.
    """

    deaths: tuple[type[BaseException], ...]
    attempts: int
    can_recall: bool

    @property
    def executor(self) -> Executor:
        """What takes the runs."""

    def capacity(self) -> int:
        """Return how many runs are worth having in flight: enough that no worker waits for the driver."""

    def close(self, abandon: bool = False) -> None:
        """End the workers, or leave them; `abandon` does not wait for what they are doing."""
