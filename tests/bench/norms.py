"""Predicted norm(E) of each layer against the measured one: statistics and measurement on other images prepared alike.

    python tests/bench/norms.py NETWORK IMAGES [--multipliers NAME ...]

Every fifth image gives the statistics; the error matrices of each layer alone are measured on every twentieth, from the
third on, which are none of these. Multipliers are all EvoApproxLib circuits and examples of families that serve the
network. Prints a line a level: the share of the pairs of layer and multiplier above distortion 1e-4 whose prediction is
within 5 %, and the quartiles of predicted / measured. Minutes for ResNet-20, an hour for an ImageNet network.
"""

import argparse

import numpy as np

import axsim
from axsim.commands.study import serving
from axsim.predict import sampled_norms
from axsim.statistics.measure import measure
from axsim.study.findings import SMALLEST_DISTORTION

LEVELS = ("iid", "operand", "conditional", "covariance")
AT_ONCE = 7  # multipliers of which each layer's errors are held


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network")
    parser.add_argument("images")
    parser.add_argument("--multipliers", nargs="+")
    given = parser.parse_args()
    network = axsim.load(given.network)
    images = axsim.load_images(given.images, network=network).images
    used = [axsim.multiplier(name) for name in given.multipliers] if given.multipliers else serving(network)
    statistics = axsim.gather_statistics(network, images[::5], sampled_pixels=2048)
    predictor = axsim.Predictor(statistics)
    ratios: dict[str, list[float]] = {level: [] for level in (*LEVELS, "sampled")}
    for start in range(0, len(used), AT_ONCE):
        some = used[start : start + AT_ONCE]
        for multiplier, errors in zip(
            some, measure(network, images[2::20], some, statistics=False).errors, strict=True
        ):
            predicted, sampled = predictor(multiplier), sampled_norms(statistics, multiplier)
            for name, layer in errors.items():
                if layer.norm <= SMALLEST_DISTORTION * layer.exact_norm:
                    continue
                # A prediction is for as many pixels as the statistics have seen; the norm grows with their root.
                scale = np.sqrt(layer.pixels / statistics.layers[name].pixels) / layer.norm
                for level in LEVELS:
                    ratios[level].append(getattr(predicted.layers[name].norms, level) * scale)
                ratios["sampled"].append(sampled[name] * scale)
    counts = f"{len(images[::5])} images for statistics, {len(images[2::20])} measured, {len(used)} multipliers"
    print(f"{network.name}: {counts}")
    for level, values in ratios.items():
        within = np.mean(np.abs(np.array(values) - 1) <= 0.05)
        quartiles = ", ".join(f"{each:.3f}" for each in np.percentile(values, [25, 50, 75]))
        print(f"{level:12} within 5 % for {100 * within:5.1f} % of {len(values)} pairs   quartiles {quartiles}")


if __name__ == "__main__":
    main()
