"""From int32 sums back to 8-bit codes with integers only: the fixed-point rule of gemmlowp and of TFLite.

A real multiplier is a 32-bit integer m, read as m / 2^31, and a shift s: x m 2^(s - 31). It is rounded twice: the
doubled high half of the product with halves going up, the right shift that follows with halves going away from zero
(B. Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR
2018, section 2.2). TFLite can be built to round once instead, which changes a code by one now and then; LiteRT 2.3.0 on
PyPI rounds twice.
"""

import numpy as np
from numba import prange

from .compilation import elementwise, kernel

INT32_MAX = 2**31 - 1


def _rescale(x, multiplier, shift):
    # Where the left shift leaves int32, TFLite's result is undefined; here it saturates.
    left = min(max(np.int64(x) << max(np.int64(shift), 0), -INT32_MAX - 1), INT32_MAX)
    product = left * np.int64(multiplier)
    # Halves go up: 2.5 to 3, -2.5 to -2.
    high = (product + (1 << 30)) >> 31
    right = max(-np.int64(shift), 0)
    half_away = ((1 << right) >> 1) - (1 if high < 0 and right > 0 else 0)
    return (high + half_away) >> right


_rescaled = kernel(_rescale)


@elementwise
def rescale(x, multiplier, shift):
    """x multiplier 2^(shift - 31), rounded twice; x an int32 value, multiplier 0 or 2^30..2^31-1, shift -31..31."""
    return _rescaled(x, multiplier, shift)


@kernel(parallel=True)
def requantize_fixed(sums, bias, multiplier, shift, zero_point, low, high, out):
    """
    out = clamp(rescale(sums + bias, multiplier, shift) + zero_point, low, high), as bit patterns

    sums int32 [M, N]; bias int32 [M]; multiplier, shift int32 [M]; zero_point, low, high codes; out uint8 [M, N],
    written. sums + bias fits int32 (checked by the caller).
    """
    for m in prange(sums.shape[0]):
        for n in range(sums.shape[1]):
            code = _rescaled(sums[m, n] + bias[m], multiplier[m], shift[m]) + zero_point
            out[m, n] = np.uint8(min(max(code, low), high))


@kernel(parallel=True)
def requantize_float64(sums, bias, multiplier, zero_point, low, high, out):
    """
    out = clamp(round_half_away(float64(sums + bias) multiplier) + zero_point, low, high), as bit patterns

    LiteRT's reference kernel of fully connected layers does so since April 2025. multiplier float64 [M]; all else as in
    `requantize_fixed`.
    """
    for m in prange(sums.shape[0]):
        for n in range(sums.shape[1]):
            real = np.float64(sums[m, n] + bias[m]) * multiplier[m]
            real = min(max(real, -512.0), 512.0)  # beyond every code, and within what converts to an integer
            whole = np.trunc(real)
            if abs(real - whole) >= 0.5:
                whole += np.sign(real)
            out[m, n] = np.uint8(min(max(np.int64(whole) + zero_point, low), high))
