"""Sums in an accumulator of few bits, which wraps or saturates: one addition after the other, portable."""

import numpy as np
from numba import prange

from .compilation import kernel

PIXELS_A_TILE = 2048  # as in gemm.py


@kernel(parallel=True)
def accumulator_gemm(w, x, groups, table, bits, saturate, taps, out):
    """
    out[m, n] = sum_t A_t,     A_t = (..((0 + P(w[m, k0], x[g K + k0, n])) + P(w[m, k0 + 1], ..)) + ..),  k0 = t taps

    A_t is an accumulator of `bits` bits, two's complement, which takes the products of `taps` taps one after the other,
    k ascending: after each addition it is saturated, or else wrapped at the end (wrapping after each addition gives the
    same). The sum over t is exact. Everything in int32: the caller has checked that no exact sum leaves it, so that no
    narrower one does.

    w uint8 [M, K] and x uint8 [groups K, N] are bit patterns, g = m // (M / groups); table int32 [256, 256]; bits 1 to
    32; out int32 [M, N], written.
    """
    rows, depth = w.shape
    pixels = x.shape[1]
    tiles = (pixels + PIXELS_A_TILE - 1) // PIXELS_A_TILE
    rows_a_group = max(1, rows // groups)
    high = np.int32((1 << (bits - 1)) - 1)
    low = np.int32(-(1 << (bits - 1)))
    shift = np.int32(32 - bits)
    for task in prange(rows * tiles):
        m = task // tiles
        first = (task % tiles) * PIXELS_A_TILE
        last = min(pixels, first + PIXELS_A_TILE)
        base = (m // rows_a_group) * depth
        total = out[m, first:last]
        total[:] = 0
        accumulator = np.empty(last - first, np.int32)
        for start in range(0, depth, taps):
            accumulator[:] = 0
            for k in range(start, min(depth, start + taps)):
                products = table[w[m, k]]
                column = x[base + k, first:last]
                if saturate:
                    for n in range(accumulator.size):
                        accumulator[n] = min(max(np.int32(accumulator[n] + products[column[n]]), low), high)
                else:
                    for n in range(accumulator.size):
                        accumulator[n] += products[column[n]]
            for n in range(accumulator.size):
                # To the top of the int32 and back, with its sign: what the lowest `bits` bits stand for.
                total[n] += accumulator[n] if saturate else np.int32(np.int32(accumulator[n] << shift) >> shift)
