"""The workers of a Dask cluster, wherever its scheduler is: https://distributed.dask.org.

Through `Client.get_executor`, because the driver is then the same as for processes of this machine: it keeps what is in
flight bounded, and nothing of Dask's own graphs or collections is of use for independent runs. The scheduler moves the
run of a worker that died to another (`distributed.scheduler.allowed-failures` times), and its dashboard shows them all.
"""

import contextlib
import logging
import os
import re
import time

from ...errors import AxsimError, first_line

CONNECTING = 5  # seconds until a scheduler is said to be unreachable
FORM = "what `dask scheduler` prints, such as tcp://host:8786, or the file of its --scheduler-file"
COUNTED_AFTER = 5.0  # seconds between looks at how many workers there are: clusters grow and shrink


class DaskWorkers:
    """
    The workers that a Dask scheduler has, now or later.

    Each needs this axsim, and the files at the paths that they have here; one thread, since a run takes those of Numba.

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
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said in one line, by us
        try:
            where = {"scheduler_file": address} if file else {"address": address}
            self._client = Client(**where, timeout=CONNECTING, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise AxsimError(
                f"no Dask scheduler answers at {address} within {CONNECTING} s ({first_line(error)}); is it running? "
                f"The address is {FORM}"
            ) from None
        self.executor = self._client.get_executor(pure=False)
        self.deaths: tuple[type[BaseException], ...] = (KilledWorker,)
        self._counted, self._threads = -COUNTED_AFTER, 1

    @property
    def dashboard(self) -> str:
        """Address of the cluster's dashboard."""
        return str(self._client.dashboard_link)

    def capacity(self) -> int:
        """See Workers: one run for each thread, and one that waits for it."""
        if time.monotonic() - self._counted > COUNTED_AFTER:
            self._counted = time.monotonic()
            with contextlib.suppress(OSError):  # the connection is lost; the runs in flight will tell
                self._threads = max(1, sum(self._client.nthreads().values()))
        return 2 * self._threads

    def close(self, abandon: bool = False) -> None:
        """See Workers: the cluster goes on, without what is in flight if `abandon`."""
        if abandon and self._client.status == "running":
            self.executor.shutdown(wait=False)
        self._client.close(timeout=CONNECTING)
