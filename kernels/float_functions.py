"""Functions of real numbers on bit patterns: float64 inside, one rounding to float32, then ONNX's QuantizeLinear."""

import numpy as np
from numba import prange

from .compilation import kernel

PIXELS_A_BLOCK = 1024  # of which one thread sums the channels


@kernel(parallel=True)
def softmax_rows(x, flip, exponentials, scale, zero_point, low, high, out):
    """
    out = clamp(round_half_even(float32(exp(x - max) / sum exp(x - max)) / scale) + zero_point) along each row

    x uint8 [R, N] patterns; flip uint8, 128 for signed codes (their order is that of the patterns with the sign bit
    turned), else 0; exponentials float64 [256], exp(-input scale d) for a code d below the largest of its row; the sum
    in order; scale float32; zero_point, low, high int64 codes; out uint8 [R, N], written.
    """
    lowest, highest = np.float32(low - zero_point), np.float32(high - zero_point)
    for row in prange(x.shape[0]):
        largest = np.uint8(0)
        for n in range(x.shape[1]):
            largest = max(largest, x[row, n] ^ flip)
        total = 0.0
        for n in range(x.shape[1]):
            total += exponentials[largest - (x[row, n] ^ flip)]
        for n in range(x.shape[1]):
            real = np.float32(exponentials[largest - (x[row, n] ^ flip)] / total)
            steps = min(max(np.float32(real / scale), lowest), highest)
            out[row, n] = np.uint8(np.int32(np.rint(steps)) + np.int32(zero_point))


@kernel(parallel=True)
def layer_norm(x, flip, offset, input_scale, gamma, beta, epsilon, scale, zero_point, low, high, out):
    """
    out = clamp(round_half_even(float32(gamma s (x - mean) / sqrt(s^2 variance + epsilon) + beta) / scale) + zero_point)

    Mean and variance over the C channels of each pixel, from exact sums: mean = S1 / C, variance = (C S2 - S1^2) / C^2.
    x uint8 [C, N] patterns, of code minus input zero point = (x ^ flip) - offset, flip uint8, offset int32; s =
    input_scale, epsilon float64; gamma, beta float64 [C]; scale float32; zero_point, low, high int64 codes; out uint8
    [C, N], written.
    """
    channels, pixels = x.shape
    lowest, highest = np.float32(low - zero_point), np.float32(high - zero_point)
    blocks = (pixels + PIXELS_A_BLOCK - 1) // PIXELS_A_BLOCK
    for block in prange(blocks):
        first = block * PIXELS_A_BLOCK
        last = min(pixels, first + PIXELS_A_BLOCK)
        sums, squares = np.zeros(last - first, np.int64), np.zeros(last - first, np.int64)
        for c in range(channels):
            row = x[c, first:last]
            for n in range(row.size):
                value = np.int64(np.int32(row[n] ^ flip) - offset)
                sums[n] += value
                squares[n] += value * value
        means, factors = np.empty(last - first), np.empty(last - first)
        for n in range(sums.size):
            means[n] = sums[n] / channels
            variance = (channels * squares[n] - sums[n] * sums[n]) / (channels * channels)
            factors[n] = input_scale / np.sqrt(input_scale * input_scale * variance + epsilon)
        for c in range(channels):
            row, target = x[c, first:last], out[c, first:last]
            for n in range(row.size):
                value = np.int32(row[n] ^ flip) - offset
                real = np.float32(gamma[c] * ((value - means[n]) * factors[n]) + beta[c])
                steps = min(max(np.float32(real / scale), lowest), highest)
                target[n] = np.uint8(np.int32(np.rint(steps)) + np.int32(zero_point))
