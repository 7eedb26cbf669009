"""What compensation gives back: top-1 before and after, and the way chosen, for many multipliers on one network.

    python tests/bench/compensation.py NETWORK --images TEST --calibration OTHERS --store FILE
        [--statistics FILE] [--count N] [--seed N] [--calibration-limit N] [options for pictures, as of axsim run]

Multipliers are drawn at random from those that serve the network (all of them unasked); those that lose 2 points or
more on the test images are compensated by `axsim.compensate_best`, which sees the calibration images only and no
label. Finished rows are kept in the store, and a stopped run goes on from them. Prints a row a multiplier; then, for
losses of 2 to 40 points and above, the median share of the lost top-1 that is recovered, and the multipliers that ended
worse by more than the interval of the difference (95 %, from the images that changed sides).
"""

import argparse
import dataclasses
import math
import random

import numpy as np

import axsim
from axsim.code_digest import code_digest
from axsim.commands.arguments import add_network_and_images, count, fitting, network_and_images
from axsim.commands.study import serving
from axsim.images import ImageSet, load_images
from axsim.line_store import LineStore
from axsim.progress import ProgressDisplay
from axsim.statistics.file import load_statistics
from axsim.study.runner import digest_of_statistics

LEAST_LOSS, HEAVY = 0.02, 0.40


def right(network, images, multiplier):
    return axsim.run(network, images.images, multiplier).logits.argmax(axis=1) == images.labels


def lost(row):
    return row["exact"] - row["before"]


def row_of(network, images, multiplier, exact, calibration, statistics):
    before = right(network, images, multiplier)
    row = {"multiplier": multiplier.name, "exact": float(exact.mean()), "before": float(before.mean())}
    if lost(row) < LEAST_LOSS:
        return row
    choice = axsim.compensate_best(network, multiplier, calibration, statistics)
    after = right(choice.network, images, multiplier)
    changed = after.astype(int) - before
    half = 1.96 * math.sqrt(max(0.0, (changed**2).mean() - changed.mean() ** 2) / len(changed))
    divergences = {way: each.divergence for way, each in choice.candidates.items()}
    return {**row, "after": float(after.mean()), "way": choice.way, "half": half, "divergences": divergences}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_network_and_images(parser)
    parser.add_argument("--calibration", required=True)
    parser.add_argument("--calibration-limit", type=count, default=128)
    parser.add_argument("--statistics")
    parser.add_argument("--store", required=True)
    parser.add_argument("--count", type=count, help="multipliers drawn (all)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    network, images = network_and_images(given, ProgressDisplay(enabled=False))
    recipe = fitting(given, network.preprocessing)
    calibration = load_images(
        given.calibration, given.calibration_limit, dataclasses.replace(network, preprocessing=recipe)
    ).images[:]
    statistics = None if given.statistics is None else load_statistics(given.statistics, network)
    images = ImageSet(images.images[:], images.labels)
    drawn = serving(network)
    random.Random(given.seed).shuffle(drawn)
    about = {
        "sources": code_digest("compensation", "inference", "multipliers", "networks", "predict", "statistics"),
        "network": network.digest,
        "images": images.digest[:16],
        "calibration": ImageSet(calibration).digest[:16],
        "statistics": None if statistics is None else digest_of_statistics(statistics),
    }
    store = LineStore(given.store, "compensation", about)
    exact = right(network, images, None)
    print(f"{network.name}: {len(images)} images, exact {100 * exact.mean():.1f} %, {len(calibration)} for calibration")
    rows = []
    for multiplier in drawn[: given.count]:
        if multiplier.digest not in store.pieces:
            store.add(multiplier.digest, row_of(network, images, multiplier, exact, calibration, statistics))
        row = store.pieces[multiplier.digest]
        rows.append(row)
        after = f"{100 * row['after']:6.1f} %  {row['way']}" if "after" in row else "   loses less than 2 points"
        print(f"{row['multiplier']:32} {100 * row['before']:6.1f} % {after}", flush=True)
    compensated = [row for row in rows if "after" in row]
    for words, is_heavy in (("2 to 40 points", False), ("more", True)):
        some = [row for row in compensated if (lost(row) > HEAVY) == is_heavy]
        if some:
            shares = [(row["after"] - row["before"]) / lost(row) for row in some]
            print(f"lose {words}: {len(some)}, recovered in the median {100 * np.median(shares):.0f} %")
    worse = [row["multiplier"] for row in compensated if row["after"] < row["before"] - row["half"]]
    print(f"left as they are: {sum(row['way'] == 'as it is' for row in compensated)} of {len(compensated)}")
    print(f"worse by more than the interval: {', '.join(worse) or 'none'}")


if __name__ == "__main__":
    main()
