"""How much of a study's error of top-1 is sampling noise of its images: from the hits of measured and predicted runs.

    python tests/bench/study_noise.py NETWORK --images IMAGES --limit N --statistics FILE --store FILE [--first 15]

The arguments are those of the study, `--first` how many of the multipliers by which predictions are judged. Each is run
again and its predicted errors are injected again, which must give the store's accuracies. A share q of the images is
hit by one run and missed by the other, and d is the difference of their top-1. Were the prediction right on average, d
would be normal with a standard error of sqrt((q - d^2) / N), and its mean absolute value sqrt(2 / pi) of that.
Prints a line a multiplier, then both means in points.
"""

import argparse
import json
import math
import pathlib

import numpy as np

import axsim
from axsim.commands.arguments import add_network_and_images, network_and_images
from axsim.injection import inject
from axsim.predict import Predictor
from axsim.progress import ProgressDisplay
from axsim.statistics.file import load_statistics
from axsim.study.rows import Row, is_judged
from axsim.study.runner import SEED, predicted_errors


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_network_and_images(parser)
    parser.add_argument("--statistics", required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--first", type=int)
    given = parser.parse_args()
    display = ProgressDisplay()
    network, images = network_and_images(given, display)
    display.close()
    assert images.labels is not None
    predictor = Predictor(load_statistics(given.statistics, network))
    pieces = [json.loads(line)["value"] for line in pathlib.Path(given.store).read_text().splitlines()[1:]]
    rows = [Row.from_json(piece) for piece in pieces if "top1" in piece]
    exact = axsim.run(network, images.images).top1(images.labels)
    differences, errors = [], []
    for row in [row for row in rows if is_judged(exact - row.top1)][: given.first]:
        multiplier = axsim.multiplier(row.multiplier)
        measured = axsim.run(network, images.images, multiplier)
        predicted = inject(network, images.images, predicted_errors(predictor(multiplier)), seed=SEED)
        tops = measured.top1(images.labels), predicted.top1(images.labels)
        if tops != (row.top1, row.injected_top1):
            raise SystemExit(f"{row.multiplier}: {tops} is not what the store says; were the study's images others?")
        hits = [each.logits.argmax(axis=1) == images.labels for each in (measured, predicted)]
        difference, disagreement = tops[1] - tops[0], float((hits[0] != hits[1]).mean())
        differences.append(abs(difference))
        errors.append(math.sqrt((disagreement - difference**2) / len(images)))
        print(f"{row.multiplier}: {100 * difference:.2f} points, standard error {100 * errors[-1]:.2f}", flush=True)
    noise = math.sqrt(2 / math.pi) * float(np.mean(errors))
    print(
        f"{len(errors)} multipliers: {100 * float(np.mean(differences)):.2f} points, of noise alone {100 * noise:.2f}"
    )


if __name__ == "__main__":
    main()
