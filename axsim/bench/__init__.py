"""Kernels measured side by side in one process: ours on each tier, NumPy's float32, ONNX Runtime's exact int8.

Contenders of a shape take turns, round after round, so that what else the machine does falls on all of them alike; only
BLAS, whose threads keep spinning after a call, is timed after the others. With one thread it is the thread's CPU time
that counts, which other processes disturb less than time on the clock.
Weights are Laplace-distributed, as trained ones are; activations are those behind a relu in a symmetric network (0 to
127), but for the random table, which gets all 256 patterns.
"""

import dataclasses
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numba
import numpy as np

from ..errors import AxsimError
from ..inference.tier import tier
from ..kernels.simd.vectors import features
from ..multipliers.catalog import multiplier
from .contenders import BLAS, OUTSIDE, TABLES, contenders_of, random_table
from .workloads import WORKLOADS, Workload

SECONDS_A_SHAPE = 0.6  # that each contender may take in all


@dataclasses.dataclass(frozen=True)
class Timing:
    """GMAC/s of one contender on one workload: best and median of `rounds`; `plan` is how a table was multiplied."""

    workload: str
    threads: int
    contender: str
    plan: str
    best: float
    median: float
    rounds: int


def machine() -> dict[str, Any]:
    """Name of the CPU, its features that matter here, and versions."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), name)
    except OSError:
        pass
    kept = ("avx2", "avx512f", "avx512bw", "avx512vbmi", "avx512vnni", "neon")
    return {
        "cpu": name,
        "cores": os.cpu_count(),
        "features": [name for name in kept if name in features()],
        "tier": tier(),
        "numba": numba.__version__,
        "numpy": np.__version__,
    }


def bench(
    workloads: Sequence[Workload] = WORKLOADS,
    threads: Sequence[int] = (1, 2),
    seconds: float = SECONDS_A_SHAPE,
    progress: Callable[[int, int], None] | None = None,
) -> list[Timing]:
    """
    Time every workload through every table and against every other contender.

    Raises
    ------
    AxsimError
        If more threads are asked for than Numba was started with.
    """
    most = numba.config.NUMBA_NUM_THREADS
    if not threads or any(not 1 <= count <= most for count in threads):
        raise AxsimError(f"threads must be from 1 to {most} on this machine, got {', '.join(map(str, threads))}")
    before = numba.get_num_threads()
    timings: list[Timing] = []
    done, total = 0, len(workloads) * len(threads)
    try:
        for workload in workloads:
            for count in threads:
                numba.set_num_threads(count)
                timings += _timings(workload, count, seconds)
                if progress is not None:
                    done += 1
                    progress(done, total)
    finally:
        numba.set_num_threads(before)
    return timings


def _timings(workload: Workload, threads: int, seconds: float) -> Iterator[Timing]:
    contenders = dict(contenders_of(workload, threads))
    for name, (call, _) in contenders.items():
        if name != BLAS:
            call()  # compile, allocate, and fill the caches
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    clock = time.thread_time if threads == 1 else time.perf_counter
    # BLAS keeps its threads spinning for a while after each call, on the cores of whoever comes next: it is timed last.
    for turn in (contenders.keys() - {BLAS}, contenders.keys() & {BLAS}):
        names = [name for name in contenders if name in turn]
        # All take as many turns as the slowest needs to fill its time, three at least.
        while names and (len(taken[names[0]]) < 3 or max(sum(taken[name]) for name in names) < seconds):
            for name in names:
                start = (time.perf_counter if name == BLAS else clock)()
                contenders[name][0]()
                taken[name].append((time.perf_counter if name == BLAS else clock)() - start)
    work = workload.multiplications / 1e9
    for name, (_, how) in contenders.items():
        values = taken[name]
        yield Timing(
            workload.name, threads, name, how, work / min(values), work / statistics.median(values), len(values)
        )


def compile_all() -> None:
    """Compile what the demo needs: the families, and the kernels of convolutions, residual adds and measurements."""
    from ..demo import IMAGES, NETWORK, shipped
    from ..images import load_images
    from ..multipliers.catalog import examples
    from ..networks.network_file import load
    from ..statistics.measure import measure

    for name in examples():
        multiplier(name)
    network, some = load(shipped(NETWORK)), load_images(shipped(IMAGES), 1).images
    measure(network, some, [multiplier("mitchell"), multiplier("drum:k=4")])


__all__ = [
    "BLAS",
    "OUTSIDE",
    "TABLES",
    "WORKLOADS",
    "Timing",
    "Workload",
    "bench",
    "compile_all",
    "contenders_of",
    "machine",
    "random_table",
]
