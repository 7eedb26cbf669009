"""Max and average pooling on bit patterns. Padding is left out of every window, which holds at least one pixel.

The loops over a window stand in each kernel: as a function of its own, the sum took 1.3 to 2 times as long.
"""

import numpy as np
from numba import prange

from .compilation import kernel


@kernel
def _span(index, stride, pad, length, size):
    """First pixel along one axis of the window of that index, and the one behind its last; padding is left out."""
    start = index * stride - pad
    return max(0, start), min(size, start + length)


@kernel(parallel=True)
def max_pool(x, flip, kernel_shape, strides, pads, out):
    """
    Largest code of each window.

    x uint8 [C, B, H, W] patterns; flip uint8, 128 for signed codes (the order of signed patterns, their sign bit
    turned, is that of unsigned ones), else 0; kernel_shape, strides (height, width); pads (top, left); out uint8
    [C, B, OH, OW], written.
    """
    _, batch, height, width = x.shape
    for c in prange(out.shape[0]):
        for b in range(batch):
            for oh in range(out.shape[2]):
                rows = _span(oh, strides[0], pads[0], kernel_shape[0], height)
                for ow in range(out.shape[3]):
                    columns = _span(ow, strides[1], pads[1], kernel_shape[1], width)
                    best = np.uint8(0)
                    for h in range(rows[0], rows[1]):
                        for w in range(columns[0], columns[1]):
                            best = max(best, x[c, b, h, w] ^ flip)
                    out[c, b, oh, ow] = best ^ flip


@kernel(parallel=True)
def average_pool(x, values, kernel_shape, strides, pads, multiplier, zero_point, low, high, out):
    """
    out = clamp(round_half_even(float32(sum) multiplier[count]) + zero_point, low, high), as bit patterns

    x uint8 [C, B, H, W] patterns; values int32 [256], code minus input zero point of each pattern; multiplier float32
    [kh kw + 1], input scale over output scale over what a window of `count` pixels is divided by; kernel_shape,
    strides (height, width); pads (top, left); zero_point, low, high int64 codes; out uint8 [C, B, OH, OW], written.
    """
    _, batch, height, width = x.shape
    lowest = np.float32(low - zero_point)
    highest = np.float32(high - zero_point)
    for c in prange(out.shape[0]):
        for b in range(batch):
            for oh in range(out.shape[2]):
                rows = _span(oh, strides[0], pads[0], kernel_shape[0], height)
                for ow in range(out.shape[3]):
                    columns = _span(ow, strides[1], pads[1], kernel_shape[1], width)
                    count = (rows[1] - rows[0]) * (columns[1] - columns[0])
                    total = np.int64(0)
                    for h in range(rows[0], rows[1]):
                        for w in range(columns[0], columns[1]):
                            total += values[x[c, b, h, w]]
                    real = min(max(np.float32(total) * multiplier[count], lowest), highest)
                    out[c, b, oh, ow] = np.uint8(np.int32(np.rint(real)) + np.int32(zero_point))


@kernel(parallel=True)
def average_pool_of_reals(x, reals, kernel_shape, strides, pads, divisors, scale, zero_point, low, high, out):
    """
    out = clamp(round_half_even(sum reals[x] / divisors[count] / scale + zero_point), low, high), as bit patterns

    All in float32, the sum row by row in the order of the window's pixels, each addition rounded.

    x uint8 [C, B, H, W] patterns; reals float32 [256], the number of each pattern; divisors float32 [kh kw + 1], by the
    pixels in the window; kernel_shape, strides (height, width); pads (top, left); scale, zero_point float32; low, high
    int64 codes; out uint8 [C, B, OH, OW], written.
    """
    _, batch, height, width = x.shape
    for c in prange(out.shape[0]):
        for b in range(batch):
            for oh in range(out.shape[2]):
                rows = _span(oh, strides[0], pads[0], kernel_shape[0], height)
                for ow in range(out.shape[3]):
                    columns = _span(ow, strides[1], pads[1], kernel_shape[1], width)
                    count = (rows[1] - rows[0]) * (columns[1] - columns[0])
                    total = np.float32(0)
                    for h in range(rows[0], rows[1]):
                        for w in range(columns[0], columns[1]):
                            total += reals[x[c, b, h, w]]
                    real = total / divisors[count] / scale + zero_point
                    real = min(max(real, np.float32(low)), np.float32(high))
                    out[c, b, oh, ow] = np.uint8(np.int32(np.rint(real)))


@kernel(parallel=True)
def average_pool_fixed(x, values, kernel_shape, strides, pads, low, high, out):
    """
    out = clamp(sum / count, low, high), the quotient rounded half away from zero, as bit patterns

    x uint8 [C, B, H, W] patterns; values int32 [256], the code of each pattern; kernel_shape, strides (height, width);
    pads (top, left); low, high codes; out uint8 [C, B, OH, OW], written.
    """
    _, batch, height, width = x.shape
    for c in prange(out.shape[0]):
        for b in range(batch):
            for oh in range(out.shape[2]):
                rows = _span(oh, strides[0], pads[0], kernel_shape[0], height)
                for ow in range(out.shape[3]):
                    columns = _span(ow, strides[1], pads[1], kernel_shape[1], width)
                    count = (rows[1] - rows[0]) * (columns[1] - columns[0])
                    total = np.int64(0)
                    for h in range(rows[0], rows[1]):
                        for w in range(columns[0], columns[1]):
                            total += values[x[c, b, h, w]]
                    size = (abs(total) + count // 2) // count
                    code = size if total > 0 else -size
                    out[c, b, oh, ow] = np.uint8(min(max(code, low), high))
