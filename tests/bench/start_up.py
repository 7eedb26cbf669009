"""Seconds to the first result of `axsim run` in a new process, with kernels compiled before (warm) and not (cold).

Run from the checkout: python tests/bench/start_up.py [--rounds N]. Cold is a process whose Numba cache is an empty
folder; warm are the ones after it.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from axsim.bench import machine

WEIGHTS = pathlib.Path(__file__).parents[2] / "weights"


def seconds(folder):
    """Wall-clock time of one `axsim run` of a single image, start of Python included."""
    command = [sys.executable, "-m", "axsim", "run", str(WEIGHTS / "cifar10_resnet20.h5")]
    command += ["--images", str(WEIGHTS / "cifar10_test1000.h5"), "--limit", "1", "--multiplier", "mitchell"]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "NUMBA_CACHE_DIR": folder})
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        print(f"cold, kernels compiled: {seconds(folder):.1f} s")
        warm = sorted(seconds(folder) for _ in range(given.rounds))
        print(f"warm: best {warm[0]:.2f} s, median {warm[len(warm) // 2]:.2f} s of {given.rounds}")


if __name__ == "__main__":
    main()
