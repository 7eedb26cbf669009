"""Worker processes on this machine, the processor's threads divided between them.

One pool of a single process for each worker, not one pool of many: a `ProcessPoolExecutor` whose process dies fails
everything that was given to it, and nobody could say which run its worker died of. Here it is the one run that it had.
"""

import collections
import contextlib
import functools
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

Work = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def cores() -> int:
    """Return the number of processor threads that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalWorkers(Executor):
    """
    An executor of `count` processes, each of which computes with `threads` threads (default: the cores divided).

    Processes are spawned when there is work for them, and anew where one has died: its run then raises
    BrokenProcessPool. They ignore Ctrl-C, which is the driver's to answer, and end when the driver's process does,
    however it ends.
    """

    deaths: tuple[type[BaseException], ...] = (BrokenProcessPool,)
    can_recall = True

    def __init__(self, count: int, threads: int | None = None, attempts: int = 3) -> None:
        self.count, self.threads = count, threads or max(1, cores() // count)
        self.attempts = attempts
        self._lock = threading.RLock()
        self._waiting: collections.deque[Work] = collections.deque()
        self._closed = False
        self._processes: dict[ProcessPoolExecutor, Future[int]] = {}
        self._idle = [self._pool() for _ in range(count)]

    @property
    def executor(self) -> "LocalWorkers":
        """See Workers."""
        return self

    def capacity(self) -> int:
        """See Workers: one run for each worker, and one that waits for it."""
        return 2 * self.count

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See concurrent.futures.Executor."""
        if self._closed:
            raise RuntimeError("cannot submit to workers that are closed")
        future: Future[Any] = Future()
        with self._lock:
            self._waiting.append((future, fn, args, kwargs))
        self._feed()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See concurrent.futures.Executor."""
        with self._lock:
            self._closed = True
            if cancel_futures:
                for future, *_ in self._waiting:
                    future.cancel()
                self._waiting.clear()
            pools = list(self._processes)
        for pool in pools:
            pool.shutdown(wait, cancel_futures=cancel_futures)

    def close(self, abandon: bool = False) -> None:
        """See Workers."""
        if abandon:
            with self._lock:
                self._closed = True
                processes = [future.result() for future in self._processes.values() if future.done()]
            for process in processes:
                with contextlib.suppress(OSError):
                    os.kill(process, signal.SIGKILL)
        self.shutdown(wait=not abandon, cancel_futures=True)

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (self.threads,))

    def _feed(self) -> None:
        """Give what waits to workers that do nothing."""
        with self._lock:
            while self._idle and self._waiting and not self._closed:
                work = self._waiting.popleft()
                if work[0].set_running_or_notify_cancel():
                    self._start(self._idle.pop(), work)

    def _start(self, pool: ProcessPoolExecutor, work: Work) -> None:
        future, function, args, kwargs = work
        with _ctrl_c_held_back():  # which a new process inherits
            if pool not in self._processes:
                self._processes[pool] = _submit(pool, os.getpid)
            try:
                inner = pool.submit(function, *args, **kwargs)
            except BrokenProcessPool:  # it died while it had nothing to do
                pool = self._replaced(pool)
                self._processes[pool] = _submit(pool, os.getpid)
                inner = pool.submit(function, *args, **kwargs)
        inner.add_done_callback(functools.partial(self._done, pool, future))

    def _done(self, pool: ProcessPoolExecutor, outer: Future[Any], inner: Future[Any]) -> None:
        error = CancelledError() if inner.cancelled() else inner.exception()
        with self._lock:
            self._idle.append(self._replaced(pool) if isinstance(error, BrokenProcessPool) else pool)
        self._feed()
        if error is not None:
            outer.set_exception(error)
        else:
            outer.set_result(inner.result())

    def _replaced(self, pool: ProcessPoolExecutor) -> ProcessPoolExecutor:
        self._processes.pop(pool, None)
        pool.shutdown(wait=False)
        return self._pool()


def _submit(pool: ProcessPoolExecutor, function: Callable[[], int]) -> Future[int]:
    return pool.submit(function)


def _begin(threads: int) -> None:
    """Prepare a worker process, before it imports what computes."""
    os.environ["NUMBA_NUM_THREADS"] = str(threads)
    if "numba" in sys.modules:  # the user's own script imports it: then it is too late for more than it has begun with
        numba = sys.modules["numba"]
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    with contextlib.suppress(ValueError):  # not the main thread: somebody else's executor
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this process when the other end of the sentinel does: nobody would read what it is computing."""
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


@contextlib.contextmanager
def _ctrl_c_held_back():  # type: ignore[no-untyped-def]
    """Block SIGINT in this thread, and in processes begun meanwhile, which would die of it while they import."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
