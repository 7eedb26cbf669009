"""Seconds of `axsim --help`, and to the first result of `axsim run` in a new process, kernels compiled before or not.

Run from the checkout: python tests/bench/start_up.py [--rounds N]. Cold is a process whose Numba cache is an empty
folder, kernels compiled anew; warm are the ones after it.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from axsim.bench import machine

WEIGHTS = pathlib.Path(__file__).parents[2] / "weights"


RUN = ["run", str(WEIGHTS / "cifar10_resnet20.h5"), "--images", str(WEIGHTS / "cifar10_test1000.h5")]
RUN += ["--limit", "1", "--multiplier", "mitchell"]


def seconds(folder, arguments=RUN):
    """Wall-clock and CPU time of one `axsim` with these arguments, start of Python included."""
    command = [sys.executable, "-m", "axsim", *arguments]
    start, before = time.perf_counter(), os.times()
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, used


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        cold = seconds(folder)
        warm = [seconds(folder) for _ in range(given.rounds)]
        helps = [seconds(folder, ["--help"])[0] for _ in range(given.rounds)]
    print(f"--help: best {min(helps):.2f} s, median {statistics.median(helps):.2f} s")
    print(f"cold, all kernels compiled: {cold[0]:.1f} s, of CPU time {cold[1]:.1f} s")
    walls, used = ([each[i] for each in warm] for i in (0, 1))
    print(f"warm: best {min(walls):.2f} s, median {statistics.median(walls):.2f} s, of CPU time {min(used):.2f} s")


if __name__ == "__main__":
    main()
