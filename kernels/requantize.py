"""From int32 sums back to 8-bit codes: the float rule of ONNX."""

import numpy as np
from numba import prange

from .compilation import kernel


@kernel(parallel=True)
def requantize(sums, bias, multiplier, zero_point, low, high, out):
    """
    out = clamp(round_half_even(float32(sums + bias) multiplier) + zero_point, low, high), as bit patterns

    sums int32 [M, N]; bias int32 [M]; multiplier float32 [M], input scale times weight scale over output scale;
    zero_point, low, high int64 codes of the output format; out uint8 [M, N], written. sums + bias fits int32 (checked
    by the caller). The bounds are whole numbers, so that clamping before the rounding gives the same code as after it
    and no float leaves the range in which its conversion to an integer is defined.
    """
    lowest = np.float32(low - zero_point)
    highest = np.float32(high - zero_point)
    offset = np.int32(zero_point)
    for m in prange(sums.shape[0]):
        scale = multiplier[m]
        shift = bias[m]
        for n in range(sums.shape[1]):
            real = np.float32(np.int32(sums[m, n] + shift)) * scale
            real = min(max(real, lowest), highest)
            out[m, n] = np.uint8(np.int32(np.rint(real)) + offset)
