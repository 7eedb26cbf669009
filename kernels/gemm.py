"""GEMM through a product table, and the exact int8 GEMM: portable Numba, for any CPU.

Both compute, for every group g of `groups` (1 for an ordinary layer, the number of channels for a depthwise one),

    out[m, n] = sum_k P(w[m, k], x[g K + k, n]),     g = m // (M / groups)

with P the table's product or the exact one, in int32. The caller has checked that no sum leaves int32, and all shapes.
"""

import numpy as np
from numba import prange

from .compilation import kernel

PIXELS_A_TILE = 2048  # int32 sums of one tile: 8 KiB, beside four table rows of 1 KiB in the L1 cache


@kernel(parallel=True)
def table_gemm(w, x, groups, table, out):
    """w uint8 [M, K] and x uint8 [groups K, N] are bit patterns; table int32 [256, 256]; out int32 [M, N], written."""
    rows, depth = w.shape
    pixels = x.shape[1]
    tiles = (pixels + PIXELS_A_TILE - 1) // PIXELS_A_TILE
    rows_a_group = max(1, rows // groups)
    for task in prange(rows * tiles):
        m = task // tiles
        first = (task % tiles) * PIXELS_A_TILE
        last = min(pixels, first + PIXELS_A_TILE)
        base = (m // rows_a_group) * depth
        sums = out[m, first:last]
        sums[:] = 0
        k = 0
        # Four taps at a time: one load and one store of the sum for four look-ups.
        while k + 4 <= depth:
            p0, p1 = table[w[m, k]], table[w[m, k + 1]]
            p2, p3 = table[w[m, k + 2]], table[w[m, k + 3]]
            x0, x1 = x[base + k, first:last], x[base + k + 1, first:last]
            x2, x3 = x[base + k + 2, first:last], x[base + k + 3, first:last]
            for n in range(last - first):
                sums[n] += p0[x0[n]] + p1[x1[n]] + p2[x2[n]] + p3[x3[n]]
            k += 4
        while k < depth:
            p0 = table[w[m, k]]
            x0 = x[base + k, first:last]
            for n in range(last - first):
                sums[n] += p0[x0[n]]
            k += 1


@kernel(parallel=True)
def exact_gemm(w, x, groups, out):
    """w int32 [M, K] and x int8 or uint8 [groups K, N] are values; out int32 [M, N], written."""
    rows, depth = w.shape
    pixels = x.shape[1]
    tiles = (pixels + PIXELS_A_TILE - 1) // PIXELS_A_TILE
    rows_a_group = max(1, rows // groups)
    for task in prange(rows * tiles):
        m = task // tiles
        first = (task % tiles) * PIXELS_A_TILE
        last = min(pixels, first + PIXELS_A_TILE)
        base = (m // rows_a_group) * depth
        sums = out[m, first:last]
        sums[:] = 0
        k = 0
        while k + 4 <= depth:
            w0, w1, w2, w3 = w[m, k], w[m, k + 1], w[m, k + 2], w[m, k + 3]
            x0, x1 = x[base + k, first:last], x[base + k + 1, first:last]
            x2, x3 = x[base + k + 2, first:last], x[base + k + 3, first:last]
            for n in range(last - first):
                sums[n] += w0 * np.int32(x0[n]) + w1 * np.int32(x1[n]) + w2 * np.int32(x2[n]) + w3 * np.int32(x3[n])
            k += 4
        while k < depth:
            w0 = w[m, k]
            x0 = x[base + k, first:last]
            for n in range(last - first):
                sums[n] += w0 * np.int32(x0[n])
            k += 1
