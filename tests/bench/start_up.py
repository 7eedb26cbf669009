"""Seconds to the first result of `axsim run` in a new process, with kernels compiled before (warm) and not (cold).

Run from the checkout: python tests/bench/start_up.py [--rounds N]. Cold is a process whose Numba cache is an empty
folder; warm are the ones after it.
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


def seconds(folder):
    """Wall-clock and CPU time of one `axsim run` of a single image, start of Python included."""
    command = [sys.executable, "-m", "axsim", "run", str(WEIGHTS / "cifar10_resnet20.h5")]
    command += ["--images", str(WEIGHTS / "cifar10_test1000.h5"), "--limit", "1", "--multiplier", "mitchell"]
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
    print(f"cold, all kernels compiled: {cold[0]:.1f} s, of CPU time {cold[1]:.1f} s")
    walls, used = ([each[i] for each in warm] for i in (0, 1))
    print(f"warm: best {min(walls):.2f} s, median {statistics.median(walls):.2f} s, of CPU time {min(used):.2f} s")


if __name__ == "__main__":
    main()
