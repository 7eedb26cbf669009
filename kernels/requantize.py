"""From int32 sums back to 8-bit codes: the weights' zero points, and the float rule of ONNX."""

import numpy as np
from numba import prange

from .compilation import kernel

PIXELS_A_BLOCK = 2048  # of which one thread sums the taps: 8 KiB of int32


@kernel(parallel=True)
def subtract_tap_sums(sums, columns, groups, values, zero_point):
    """
    sums[m, n] -= zero_point[m] sum_k values[columns[g K + k, n]],     g = m // (M / groups)

    sums int32 [M, N], changed; columns uint8 [groups K, N] patterns; values int32 [256], the code of each pattern;
    zero_point int32 [M], of each row's weights. Arithmetic is modulo 2^32: only what remains must fit int32 (checked by
    the caller).
    """
    depth = columns.shape[0] // groups
    rows = sums.shape[0] // groups
    blocks = (sums.shape[1] + PIXELS_A_BLOCK - 1) // PIXELS_A_BLOCK
    for task in prange(groups * blocks):
        group = task // blocks
        first = (task % blocks) * PIXELS_A_BLOCK
        last = min(sums.shape[1], first + PIXELS_A_BLOCK)
        totals = np.zeros(last - first, np.int32)
        for k in range(group * depth, (group + 1) * depth):
            column = columns[k, first:last]
            for n in range(totals.size):
                totals[n] += values[column[n]]
        for m in range(group * rows, (group + 1) * rows):
            row = sums[m, first:last]
            for n in range(totals.size):
                row[n] -= zero_point[m] * totals[n]


@kernel
def requantize_row(sums, bias, multiplier, limits, out):
    """Do what `requantize` does for one row: sums int32 [N], bias int32, multiplier float32, out uint8 [N], written."""
    zero_point, low, high = limits
    lowest = np.float32(low - zero_point)
    highest = np.float32(high - zero_point)
    offset = np.int32(zero_point)
    for n in range(sums.size):
        real = np.float32(np.int32(sums[n] + bias)) * multiplier
        real = min(max(real, lowest), highest)
        out[n] = np.uint8(np.int32(np.rint(real)) + offset)


@kernel(parallel=True)
def requantize(sums, bias, multiplier, limits, out):
    """
    out = clamp(round_half_even(float32(sums + bias) multiplier) + zero_point, low, high), as bit patterns

    sums int32 [M, N]; bias int32 [M]; multiplier float32 [M], input scale times weight scale over output scale; limits
    (zero_point, low, high), codes of the output format; out uint8 [M, N], written. sums + bias fits int32 (checked by
    the caller). The bounds are whole numbers, so that clamping before the rounding gives the same code as after it and
    no float leaves the range in which its conversion to an integer is defined.
    """
    for m in prange(sums.shape[0]):
        requantize_row(sums[m], bias[m], multiplier[m], limits, out[m])
