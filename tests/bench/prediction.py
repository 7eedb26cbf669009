"""Time to predict one multiplier on a network, beside the time to simulate 1,000 images: both in one run.

    python tests/bench/prediction.py NETWORK IMAGES [--statistics FILE] [--multipliers NAME ...] [--images-timed N]

Statistics are gathered first (or read), and not timed: they are measured once for a network. Each multiplier is made
anew before it is predicted, so that nothing of it is known. The simulation is `axsim.run` on N images (64), scaled.
"""

import argparse
import time

import numpy as np

import axsim
from axsim.statistics.file import load_statistics

NAMES = ["mul8s_1KVL", "mul8u_17KS", "mitchell", "drum:k=4", "truncated:v=6"]
ROUNDS = 9


def main() -> None:
    """Print one line a multiplier: milliseconds to predict, seconds to simulate, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network")
    parser.add_argument("images")
    parser.add_argument("--statistics")
    parser.add_argument("--multipliers", nargs="+", default=NAMES)
    parser.add_argument("--images-timed", type=int, default=64)
    given = parser.parse_args()
    network = axsim.load(given.network)
    images = axsim.load_images(given.images, given.images_timed, network).images
    if given.statistics:
        statistics = load_statistics(given.statistics, network)
    else:
        statistics = axsim.gather_statistics(network, images[:16])
    predictor = axsim.Predictor(statistics)
    predictor(axsim.multiplier("exact"))
    print(f"{network.name}, {len(network.layers)} layers; median of {ROUNDS} predictions, best of 3 runs")
    for name in given.multipliers:
        multiplier = axsim.multiplier(name)
        axsim.run(network, images[:2], multiplier)  # its plan, and the kernels, are made once
        predict, simulate = [], []
        for _ in range(ROUNDS):
            fresh = axsim.Multiplier(multiplier.name, multiplier.table, multiplier.operands)
            start = time.perf_counter()
            predictor(fresh)
            predict.append(time.perf_counter() - start)
        for _ in range(3):
            start = time.perf_counter()
            axsim.run(network, images, multiplier)
            simulate.append((time.perf_counter() - start) * 1000 / len(images))
        milliseconds, seconds = 1000 * np.median(predict), min(simulate)
        ratio = 1000 * seconds / milliseconds
        print(f"{name:24} predict {milliseconds:7.1f} ms   1,000 images {seconds:7.2f} s   {ratio:6.0f}x")


if __name__ == "__main__":
    main()
