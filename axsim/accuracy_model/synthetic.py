"""Error tables made at random: no multiplier's, but with the structure that errors of multipliers have.

A model fitted on errors without such structure does not know how a table's errors line up over the channels of a layer:
they follow its weights. Each table mixes five parts with random weights: a constant, one that grows with either operand
(as truncated columns do), a share of the product, a share that changes between powers of two (as logarithmic and
rounding multipliers have), and one without structure. Half of the tables are odd in both operands, as those are that
serve signed operands by sign and magnitude.
"""

import numpy as np
import numpy.typing as npt

from ..formats import Format, exact_products, pattern_values
from ..multipliers.product_table import Multiplier

SIZE = 400.0  # root mean square of the error over all pairs, LSB: large enough that rounding to integers is nothing


def random_multiplier(operands: tuple[Format, Format], rng: np.random.Generator) -> Multiplier:
    """Return a multiplier for these operands whose error table is drawn at random."""
    w, x = (pattern_values(fmt).astype(np.float64) for fmt in operands)
    w, x = w[:, None], x[None, :]
    sign = np.where(w < 0, -1, 1) * np.where(x < 0, -1, 1)
    symmetric = rng.random() < 0.5
    weights = rng.lognormal(0, 1.5, 5) * rng.choice([-1, 1], 5)
    parts: list[npt.NDArray[np.float64]] = [
        np.ones((256, 256)),
        rng.random() * np.abs(w) + rng.random() * np.abs(x),
        np.abs(w * x),
        np.abs(w * x) * (_between_powers(w, rng) + _between_powers(x, rng)),
        rng.normal(size=(256, 256)),
    ]
    error = np.zeros((256, 256))
    for weight, part in zip(weights, parts, strict=True):
        error += weight * part / np.sqrt((part**2).mean())
    if symmetric:
        error = error * sign
    else:
        # A share of the product keeps the product's sign, whatever the other parts do.
        error += (sign - 1) * weights[2] * parts[2] / np.sqrt((parts[2] ** 2).mean())
    error *= SIZE / np.sqrt((error**2).mean())
    return Multiplier("synthetic", exact_products(*operands) + np.rint(error).astype(np.int64), operands)


def _between_powers(values: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a wave over the logarithm of the magnitude, one period an octave."""
    return np.sin(2 * np.pi * (np.log2(np.maximum(np.abs(values), 1)) + rng.random()))
