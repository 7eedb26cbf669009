"""Feeds tasks to workers and keeps what they give; stopped at any moment, it has lost nothing that was finished.

The driver holds no more than what is in flight: tasks come from an iterator, results go to the store.
"""

import collections
import dataclasses
import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future

from ..errors import AxsimError, first_line
from .sources import SourceChangedError
from .store import Failure, Store
from .tasks import Outcome, Task, run_task
from .workers import Workers

PATIENCE = 0.5  # seconds between looks at whether to stop
KEPT = "finished runs are kept: start the same command again"
NAMED_FAILURES = 5  # that a summary names; the store has them all


@dataclasses.dataclass
class Summary:
    """
    What a sweep came to.

    Attributes
    ----------
    done, stored, failed : int
        Runs finished now, finished before (or under other names), and given up, now or before.
    failures : list of Failure
        The first of those given up now.
    stopped : bool
        Whether it was told to stop before all was done.
    """

    done: int = 0
    stored: int = 0
    failed: int = 0
    failures: list[Failure] = dataclasses.field(default_factory=list)
    stopped: bool = False


def drive(
    tasks: Iterable[Task],
    store: Store,
    workers: Workers,
    *,
    work: Callable[[Task], Outcome] = run_task,
    retry_failed: bool = False,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda done: None,
) -> Summary:
    """
    Do all tasks that are not in the store.

    A run whose worker dies, or that raises what axsim does not foresee, is tried `workers.attempts` times in all; one
    that raises an AxsimError once, since it would raise it again. Then it is kept as a failure, and left out until
    `retry_failed`.

    Parameters
    ----------
    tasks, store, workers
    work : function
        What a worker does with a task.
    stopping : function
        Asked every now and then; once true, what is in flight is finished and nothing else begun.
    progress : function of the number of tasks dealt with

    Raises
    ------
    SourceChangedError
        If a file is not what it was when the tasks were made; what was in flight is finished and kept first.
    AxsimError
        If the store cannot be written, workers die as soon as they start, or the connection to them is lost.
    """
    return _Drive(tasks, store, workers, work, retry_failed, stopping, progress).run()


class _Drive:
    """The state of one call of `drive`."""

    def __init__(
        self,
        tasks: Iterable[Task],
        store: Store,
        workers: Workers,
        work: Callable[[Task], Outcome],
        retry_failed: bool,
        stopping: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> None:
        self._tasks: Iterator[Task] = iter(tasks)
        self._store, self._workers, self._work = store, workers, work
        self._retry_failed, self._stopping, self._progress = retry_failed, stopping, progress
        self._again: collections.deque[tuple[Task, int]] = collections.deque()  # with the attempts so far
        self._flying: dict[Future[Outcome], tuple[Task, int]] = {}
        self._keys: set[str] = set()  # of what is flying
        self._back: queue.SimpleQueue[Future[Outcome]] = queue.SimpleQueue()
        self._deaths = 0  # in a row, with nothing finished between them
        self._error: AxsimError | None = None
        self._summary = Summary()

    def run(self) -> Summary:
        """Do all of it."""
        self._fill()
        while self._flying:
            self._collect()
            self._fill()
        if self._error is not None:
            raise self._error
        return self._summary

    def _fill(self) -> None:
        """Begin as many runs as the workers want."""
        capacity = self._workers.capacity()
        while len(self._flying) < capacity:
            if self._stopping() or self._error is not None:
                self._summary.stopped = self._error is None
                self._recall()
                return
            following = self._next()
            if following is None:
                return
            task, attempts = following
            try:
                future = self._workers.executor.submit(self._work, task)
            except Exception as error:  # a cluster's client that has lost its scheduler
                self._error = AxsimError(f"workers cannot be reached: {first_line(error)}; {KEPT}")
                return
            self._flying[future] = task, attempts + 1
            self._keys.add(task.key)
            future.add_done_callback(self._back.put)

    def _recall(self) -> None:
        """Take back what has not begun to run."""
        for future in list(self._flying) if self._workers.can_recall else ():
            if future.cancel():
                self._flying.pop(future)

    def _next(self) -> tuple[Task, int] | None:
        """Return a task that is to be done, with its attempts so far; equal ones that are flying are waited for."""
        for _ in range(len(self._again)):
            task, attempts = self._again.popleft()
            if task.key in self._keys:
                self._again.append((task, attempts))
            elif attempts or not self._is_dealt_with(task):
                return task, attempts
        for task in self._tasks:
            if task.key in self._keys:
                self._again.append((task, 0))
                if len(self._again) > len(self._flying):
                    return None  # until one comes back: what is held does not grow with the number of tasks
            elif not self._is_dealt_with(task):
                return task, 0
        return None

    def _is_dealt_with(self, task: Task) -> bool:
        """Whether there is nothing to do: it is in the store, maybe under other names, or was given up."""
        if not self._store.has(task):
            outcome = self._store.outcome(task)
            if outcome is not None:
                self._store.add([(task, outcome)])
            elif not self._retry_failed and self._store.has_failed(task):
                self._summary.failed += 1
                self._report()
                return True
            else:
                return False
        self._summary.stored += 1
        self._report()
        return True

    def _collect(self) -> None:
        """Wait for what comes back, and keep all of it at once."""
        try:
            back = [self._back.get(timeout=PATIENCE)]
        except queue.Empty:
            return
        while not self._back.empty():
            back.append(self._back.get())
        finished: list[tuple[Task, Outcome]] = []
        failed: list[Failure] = []
        for future in back:
            if future in self._flying:  # it was not recalled
                task, attempts = self._flying.pop(future)
                self._keys.discard(task.key)
                self._judge(future, task, attempts, finished, failed)
        self._store.add(finished, failed)
        self._summary.done += len(finished)
        self._summary.failed += len(failed)
        self._summary.failures += failed[: NAMED_FAILURES - len(self._summary.failures)]
        self._report()

    def _judge(
        self,
        future: Future[Outcome],
        task: Task,
        attempts: int,
        finished: list[tuple[Task, Outcome]],
        failed: list[Failure],
    ) -> None:
        try:
            finished.append((task, future.result()))
            self._deaths = 0
        except CancelledError:
            self._error = self._error or AxsimError(f"the connection to the workers was lost; {KEPT}")
        except self._workers.deaths as error:
            self._died(task, attempts, error, failed)
        except SourceChangedError as error:
            self._error = self._error or error
        except AxsimError as error:
            self._deaths = 0
            failed.append(Failure(task, str(error), attempts))
        except Exception as error:  # nothing that axsim foresees: no memory, a file system that hiccups
            self._deaths = 0
            if attempts < self._workers.attempts:
                self._again.append((task, attempts))
            else:
                failed.append(Failure(task, f"{type(error).__name__}: {first_line(error)}", attempts))

    def _died(self, task: Task, attempts: int, error: BaseException, failed: list[Failure]) -> None:
        self._deaths += 1
        limit = self._workers.attempts
        if self._deaths > 10 + limit * self._workers.capacity():
            self._error = self._error or AxsimError(
                f"workers died {self._deaths} times in a row and finished nothing between: look at the memory they "
                f"need, or take fewer of them (--workers); {KEPT}"
            )
        elif attempts < limit:
            self._again.append((task, attempts))
        elif not self._stopping():
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            failed.append(Failure(task, f"its worker died, at each attempt ({said})", attempts))

    def _report(self) -> None:
        self._progress(self._summary.done + self._summary.stored + self._summary.failed)
