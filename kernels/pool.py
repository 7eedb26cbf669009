"""Max and average pooling on bit patterns."""

import numpy as np
from numba import prange

from .compilation import kernel


@kernel(parallel=True)
def max_pool(x, flip, kernel_shape, strides, pads, out):
    """
    Largest code of each window; padding is left out.

    x uint8 [C, B, H, W] patterns; flip uint8, 128 for signed codes (the order of signed patterns, their sign bit
    turned, is that of unsigned ones), else 0; kernel_shape, strides (height, width); pads (top, left); out uint8
    [C, B, OH, OW], written. Every window holds at least one pixel.
    """
    _, batch, height, width = x.shape
    for c in prange(out.shape[0]):
        for b in range(batch):
            for oh in range(out.shape[2]):
                top = oh * strides[0] - pads[0]
                for ow in range(out.shape[3]):
                    left = ow * strides[1] - pads[1]
                    best = np.uint8(0)
                    for h in range(max(0, top), min(height, top + kernel_shape[0])):
                        for w in range(max(0, left), min(width, left + kernel_shape[1])):
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
                top = oh * strides[0] - pads[0]
                for ow in range(out.shape[3]):
                    left = ow * strides[1] - pads[1]
                    total = np.int32(0)
                    count = 0
                    for h in range(max(0, top), min(height, top + kernel_shape[0])):
                        for w in range(max(0, left), min(width, left + kernel_shape[1])):
                            total += values[x[c, b, h, w]]
                            count += 1
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
                top = oh * strides[0] - pads[0]
                for ow in range(out.shape[3]):
                    left = ow * strides[1] - pads[1]
                    total = np.float32(0)
                    count = 0
                    for h in range(max(0, top), min(height, top + kernel_shape[0])):
                        for w in range(max(0, left), min(width, left + kernel_shape[1])):
                            total += reals[x[c, b, h, w]]
                            count += 1
                    real = total / divisors[count] / scale + zero_point
                    real = min(max(real, np.float32(low)), np.float32(high))
                    out[c, b, oh, ow] = np.uint8(np.int32(np.rint(real)))
