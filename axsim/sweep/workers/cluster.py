"""The workers of a Dask cluster, wherever its scheduler is: https://distributed.dask.org.

Futures of `Client.submit`, each behind one of `concurrent.futures`: the driver is then the same as for processes of
this machine, and nothing of Dask's graphs or collections is of use for runs that do not depend on each other. Dask's
own `Client.get_executor` would do, but that its futures never end when the scheduler dies while a result is on its way.
The scheduler gives the run of a worker that died to another (`distributed.scheduler.allowed-failures` times).
"""

import contextlib
import logging
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from typing import Any

from ...errors import AxsimError, first_line

CONNECTING = 5  # seconds until a scheduler is said to be unreachable
COUNTED_AFTER = 5.0  # seconds between looks at how many workers there are: clusters grow and shrink
# Silenced: what matters of what goes wrong with a cluster is said in one line, by us.
LOGGERS = ("distributed", "distributed.client", "distributed.core", "distributed.utils", "tornado.application")
FORM = "what `dask scheduler` prints, such as tcp://host:8786, or the file of its --scheduler-file"


class DaskWorkers(Executor):
    """
    The workers that a Dask scheduler has, now or later.

    Each needs this axsim, and the files at the paths that they have here; one thread, since a run takes those of Numba.

    Parameters
    ----------
    address : str
        Of the scheduler, or the file in which it says where it is.

    Raises
    ------
    AxsimError
        If `distributed` is missing, or the scheduler cannot be reached within some seconds.
    """

    attempts = 1  # the scheduler has tried several workers before it gives up
    can_recall = False  # what waits at the scheduler cannot be told from what is running

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client, KilledWorker
        except ImportError:
            raise AxsimError("a Dask cluster needs distributed: pip install 'axsim[dask]'") from None
        file = os.path.isfile(address)
        if not file and not re.fullmatch(r"(\w+://)?[^\s/]+:\d{1,5}", address):
            raise AxsimError(f"address of a Dask scheduler must be {FORM}, got {address!r}")
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            where = {"scheduler_file": address} if file else {"address": address}
            self._client = Client(**where, timeout=CONNECTING, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise AxsimError(
                f"no Dask scheduler answers at {address} within {CONNECTING} s ({first_line(error)}); is it running? "
                f"The address is {FORM}"
            ) from None
        self.deaths: tuple[type[BaseException], ...] = (KilledWorker,)
        self._counted, self._threads = -COUNTED_AFTER, 1
        self._remote: dict[Future[Any], Any] = {}  # Dask forgets a run whose future nobody holds

    @property
    def executor(self) -> "DaskWorkers":
        """See Workers."""
        return self

    def __str__(self) -> str:
        threads = sum(self._client.nthreads().values())
        return f"a Dask cluster of {threads} {'thread' if threads == 1 else 'threads'}, {self._client.dashboard_link}"

    def capacity(self) -> int:
        """See Workers: one run for each thread, and one that waits for it."""
        if time.monotonic() - self._counted > COUNTED_AFTER:
            self._counted = time.monotonic()
            with contextlib.suppress(OSError):  # the connection is lost; the runs in flight will tell
                self._threads = max(1, sum(self._client.nthreads().values()))
        return 2 * self._threads

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See concurrent.futures.Executor; a future ends in CancelledError where the scheduler is lost."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        remote = self._client.submit(fn, *args, **kwargs, pure=False)  # not pure: equal arguments, and still two runs
        self._remote[future] = remote
        remote.add_done_callback(lambda done: self._hand_over(future, done))
        return future

    def _hand_over(self, future: Future[Any], remote: Any) -> None:
        self._remote.pop(future, None)
        try:
            if remote.status == "cancelled":
                raise CancelledError
            future.set_result(remote.result())
        except OSError as error:
            future.set_exception(error if remote.status == "error" else CancelledError())
        except Exception as error:
            future.set_exception(error)
        except BaseException:  # asyncio's way to say that it was cancelled
            future.set_exception(CancelledError())

    def close(self, abandon: bool = False) -> None:
        """See Workers: the cluster goes on, without what is in flight if `abandon`."""
        with contextlib.suppress(Exception):  # a scheduler that is gone has nothing to be told
            if abandon and self._client.status == "running":
                self._client.cancel(list(self._remote.values()))
        with contextlib.suppress(Exception):
            self._client.close()
