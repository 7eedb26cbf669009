"""Fixed-point multipliers, as TFLite derives them from the scales of tensors: rounding "fixed".

How they are applied stands in `kernels/fixed_point.py`.
"""

import numpy as np
import numpy.typing as npt

from ..errors import NetworkError

Integers32 = npt.NDArray[np.int32]
SMALLEST_SHIFT, LARGEST_SHIFT = -31, 30
SUM_BITS = 20  # by which the terms of a sum are shifted left before they are rescaled


def quantize_multiplier(real: npt.ArrayLike) -> tuple[Integers32, Integers32]:
    """
    Round positive real multipliers to integers m and shifts s, real = m 2^(s - 31), both int32 of the same shape.

    m is 2^30 to 2^31 - 1, halves rounded away from zero; 0, with shift 0, for a multiplier below 2^-32.

    Raises
    ------
    NetworkError
        If a multiplier is not positive and finite, or 2^30 and more.
    """
    real = np.asarray(real, np.float64)
    if not np.isfinite(real).all() or (real <= 0).any():
        raise NetworkError(f"scales must give a positive finite multiplier, got {real.tolist()}")
    fraction, exponent = np.frexp(real)
    multiplier = np.floor(fraction * 2.0**31 + 0.5).astype(np.int64)
    shift = exponent.astype(np.int64)
    full = multiplier == 2**31
    multiplier, shift = np.where(full, 2**30, multiplier), shift + full
    if (shift > LARGEST_SHIFT).any():
        raise NetworkError(f"scales must give a multiplier below 2^{LARGEST_SHIFT}, got {real.max():g}")
    tiny = shift < SMALLEST_SHIFT
    return np.where(tiny, 0, multiplier).astype(np.int32), np.where(tiny, 0, shift).astype(np.int32)


def mean_multiplier(real: float, count: int) -> tuple[int, int]:
    """
    Multiplier and shift of the mean of `count` numbers, rescaled by `real`: the division goes into the multiplier.

    The quotient is truncated, with as many bits as the count leaves.
    """
    multiplier, shift = (int(value) for value in quantize_multiplier(real))
    up = min(count.bit_length() - 1, 32, shift - SMALLEST_SHIFT)
    return (multiplier << up) // count, shift - up


def sum_multipliers(scales: tuple[float, float], output: float) -> tuple[tuple[Integers32, Integers32], ...]:
    """
    Multiplier and shift of each of two terms, and of their sum; scales float32.

    Terms are shifted left by SUM_BITS and brought to twice the larger scale; their sum is brought to the output's.
    """
    common = 2.0 * max(scales)
    reals = (scales[0] / common, scales[1] / common, common / (2.0**SUM_BITS * output))
    return tuple(quantize_multiplier(real) for real in reals)
