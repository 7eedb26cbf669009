"""Predicted norm(E) of each layer against the measured one, statistics and measurement on different images.

    python tests/bench/norms.py NETWORK --images IMAGES --limit N --statistics FILE [--count N | --only NAME ...]
        [options for pictures, as of axsim run]

The statistics are of `axsim statistics ... --sampled-pixels 2048`, best of other images prepared alike; the error
matrices of each layer alone are measured on IMAGES. Multipliers are drawn at random (`drawing.py`), or named. Prints a
line a level: the share of the pairs of layer and multiplier above distortion 1e-4 whose prediction is within 5 %, and
the quartiles of predicted / measured; then the same by layer, at the covariance level.
"""

import argparse

import numpy as np
from drawing import drawn

import axsim
from axsim.commands.arguments import add_network_and_images, count, network_and_images
from axsim.predict import sampled_norms
from axsim.progress import ProgressDisplay
from axsim.statistics.file import load_statistics
from axsim.statistics.measure import measure
from axsim.study.findings import SMALLEST_DISTORTION, TOLERANCE

LEVELS = ("iid", "operand", "conditional", "covariance")
AT_ONCE = 7  # multipliers of which each layer's errors are held


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_network_and_images(parser)
    parser.add_argument("--statistics", required=True)
    parser.add_argument("--count", type=count, help="multipliers drawn (all)")
    parser.add_argument("--only", nargs="+", help="multipliers, instead of drawing")
    given = parser.parse_args()
    display = ProgressDisplay()
    network, images = network_and_images(given, display)
    statistics = load_statistics(given.statistics, network)
    predictor = axsim.Predictor(statistics)
    used = [axsim.multiplier(name) for name in given.only or drawn(network, given.count)]
    ratios: dict[str, list[float]] = {level: [] for level in (*LEVELS, "sampled")}
    by_layer: dict[str, list[float]] = {name: [] for name in statistics.layers}
    for start in range(0, len(used), AT_ONCE):
        some = used[start : start + AT_ONCE]
        show = display.phase(f"{start}/{len(used)} multipliers")
        measured = measure(network, images.images, some, statistics=False, progress=show).errors
        for multiplier, errors in zip(some, measured, strict=True):
            predicted, sampled = predictor(multiplier), sampled_norms(statistics, multiplier)
            for name, layer in errors.items():
                if layer.norm <= SMALLEST_DISTORTION * layer.exact_norm:
                    continue
                # A prediction is for as many pixels as the statistics have seen; the norm grows with their root.
                scale = np.sqrt(layer.pixels / statistics.layers[name].pixels) / layer.norm
                for level in LEVELS:
                    ratios[level].append(getattr(predicted.layers[name].norms, level) * scale)
                ratios["sampled"].append(sampled[name] * scale)
                by_layer[name].append(ratios["covariance"][-1])
    display.close()
    counts = f"{statistics.images} images for statistics, {len(images)} measured, {len(used)} multipliers"
    print(f"{network.name}: {counts}")
    for word, values in ratios.items():
        print(line_of(word, values))
    print("covariance level, by layer:")
    for word, values in by_layer.items():
        print(line_of(word, values))


def line_of(word: str, values: list[float]) -> str:
    if not values:
        return f"{word:24} no pair above distortion {SMALLEST_DISTORTION:g}"
    within = np.mean(np.abs(np.array(values) - 1) <= TOLERANCE)
    quartiles = ", ".join(f"{each:.3f}" for each in np.percentile(values, [25, 50, 75]))
    return f"{word:24} within 5 % for {100 * within:5.1f} % of {len(values)} pairs   quartiles {quartiles}"


if __name__ == "__main__":
    main()
