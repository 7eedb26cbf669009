"""What a sweep costs besides its runs, and what a second worker brings.

python tests/bench/sweep_costs.py tasks [--rows N]       time and memory of driver and store, over tasks that do nothing
python tests/bench/sweep_costs.py workers [--images N]   40 runs of ResNet-20 on one worker and on two
"""

import argparse
import functools
import pathlib
import resource
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from sweeps import outcome_of, pretended_tasks

from axsim.bench import machine
from axsim.commands.study import serving
from axsim.networks.network_file import load
from axsim.sweep.driver import drive
from axsim.sweep.session import sweep
from axsim.sweep.store import Store
from axsim.sweep.workers.local import LocalWorkers

RUNS = 40


def tasks(rows: int) -> None:
    """Milliseconds a task and MiB of the driver, for each tenth of the rows."""
    print(f"{'rows':>8} {'ms a task':>10} {'CPU ms':>8} {'resident MiB':>13}")
    workers = LocalWorkers(2, threads=1)
    before = (0, time.perf_counter(), time.process_time())

    def show(done: int) -> None:
        nonlocal before
        rows_before = before[0]
        if done - rows_before >= rows // 10:
            now = (done, time.perf_counter(), time.process_time())
            each = [1e3 * (now[i] - before[i]) / (done - rows_before) for i in (1, 2)]
            print(f"{done:8} {each[0]:10.2f} {each[1]:8.2f} {resident():13.1f}", flush=True)
            before = now

    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        with Store(pathlib.Path(folder, "s.db")) as store:
            drive(pretended_tasks(rows), store, workers, work=outcome_of, progress=show)
            assert len(store) == rows
        workers.close()
        seconds = time.perf_counter() - begun
        size = pathlib.Path(folder, "s.db").stat().st_size
    print(f"{rows} tasks: {1e3 * seconds / rows:.2f} ms a task in all, {size / rows:.0f} bytes a row in the store")


def resident() -> float:
    """MiB of this process that are in memory now; the most that ever were where /proc does not tell."""
    try:
        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def workers(images: int) -> None:
    """Seconds of the same 40 runs on one and on two workers, everything included that `axsim sweep` does."""
    names = [each.name for each in serving(load("resnet20-cifar10"))][:RUNS]
    text = f'multipliers = {names}\n[[networks]]\nfile = "resnet20-cifar10"\n[[networks.images]]\nlimit = {images}\n'
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        description = pathlib.Path(folder, "s.toml")
        description.write_text(text)
        for count, threads in ((1, 1), (2, 1), (1, 2)):
            begun = time.perf_counter()
            done = sweep(
                description, pathlib.Path(folder, f"{count}-{threads}.db"),
                functools.partial(LocalWorkers, count, threads),
            )  # fmt: skip
            seconds[count, threads] = time.perf_counter() - begun
            assert done.summary.done == RUNS, done.summary
            name = f"{count} worker{'s' * (count > 1)} of {threads} thread{'s' * (threads > 1)}"
            print(f"{name:<24} {seconds[count, threads]:7.1f} s", flush=True)
    print(f"two workers are {seconds[1, 1] / seconds[2, 1]:.2f} times as fast as one of one thread,")
    print(f"and {seconds[1, 2] / seconds[2, 1]:.2f} times as fast as one of two")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("tasks", "workers"))
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=800)
    given = parser.parse_args()
    print(machine()["cpu"], f"{machine()['cores']} cores")
    if given.what == "tasks":
        tasks(given.rows)
    else:
        workers(given.images)
