"""Networks quantized by ONNX Runtime's `quantize_static`, imported: every integer of every tensor beside its own.

Run from the checkout: python tests/bench/quantize_static.py [--only WORDS] [--images N]. Needs the test-data folder
(shared_data.py) and onnxruntime. QDQ and QOperator, s8 and u8 activations; calibrated on the first four test images.
Prints a row a model, with the number of nodes of which the model has no tensor; exits with 1 where anything differs.
`tests/validation/test_validate_networks.py` does the same on a few images.
"""

import argparse
import pathlib
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "validation"))
from quantized_models import FORMS, quantize
from shared_data import shared_data
from test_validate_networks import NETWORKS, pictures

import axsim
from axsim.conversion.calibrate import preprocess
from axsim.text import text_table

VARIANTS = ("s8 s8 per channel", "u8 s8 per channel")
HEAD = [
    "network",
    "form",
    "activations, weights",
    "images",
    "integers equal",
    "of",
    "logits equal",
    "of",
    "not compared",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="only networks whose name contains these words")
    parser.add_argument("--images", type=int, default=100, help="test images of each network (100)")
    given = parser.parse_args()
    rows = []
    for name in NETWORKS:
        if given.only.lower() in name:
            for form in FORMS:
                for variant in VARIANTS:
                    rows.append(compared(name, form, variant, given.images))
                    print(*rows[-1], file=sys.stderr, flush=True)
    print(text_table(HEAD, rows, right_from=3))
    sys.exit(any(row[4] != row[5] or row[6] != row[7] for row in rows))


def compared(name, form, variant, count):
    """Row of one model."""
    model, recipe = NETWORKS[name]
    images = pictures(name, count)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "quantized.onnx"
        batches = preprocess(np.asarray(images[:4]), recipe)[:, None]
        quantize(shared_data(f"models/{model}"), path, form, variant, batches)
        found = axsim.validate(axsim.import_quantized(path, recipe), images, path)
    counts = found.integers - found.differing, found.integers, found.logits_equal, found.logits
    return [name, form, variant, str(len(images)), *(f"{number:,}" for number in counts), str(len(found.not_compared))]


if __name__ == "__main__":
    main()
