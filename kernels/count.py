"""What a run is asked to count: operand histograms, sums over error matrices that no size makes overflow, high bits."""

import numpy as np
from numba import prange

from .compilation import kernel

BYTES_A_BLOCK = 65536


@kernel(parallel=True)
def add_histograms(x, counts):
    """counts[t, p] += number of n with x[t, n] = p; x uint8 [T, N], counts int64 [T, 256]."""
    for t in prange(x.shape[0]):
        for n in range(x.shape[1]):
            counts[t, x[t, n]] += 1


@kernel(parallel=True)
def add_error_sums(exact, approximate, sums, halves):
    """
    Add, per output channel m, sum(E), sum(E^2) and sum(C^2) over the pixels, E = approximate - exact, C = exact.

    exact, approximate int32 [M, N]; sums int64 [M] takes sum(E); halves uint64 [M, 4] takes the sums of the low and
    high 32 bits of E^2 (columns 0, 1) and of C^2 (2, 3): a square is below 2^64, and 2^32 halves fit uint64, so that
    the result is exact and does not depend on how the pixels came in batches.
    """
    mask = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    for m in prange(exact.shape[0]):
        for n in range(exact.shape[1]):
            product = np.int64(exact[m, n])
            error = np.int64(approximate[m, n]) - product
            sums[m] += error
            square = np.uint64(abs(error)) * np.uint64(abs(error))
            halves[m, 0] += square & mask
            halves[m, 1] += square >> half
            square = np.uint64(product * product)
            halves[m, 2] += square & mask
            halves[m, 3] += square >> half


@kernel
def sum_by_pattern(x, values, sums):
    """sums[m] = sum_k values[x[m, k]]; x uint8 [M, K], values int64 [256], sums int64 [M], written."""
    for m in range(x.shape[0]):
        total = np.int64(0)
        for k in range(x.shape[1]):
            total += values[x[m, k]]
        sums[m] = total


@kernel(parallel=True)
def all_below_128(x):
    """Whether all of x, uint8 [size], are below 128."""
    blocks = (x.size + BYTES_A_BLOCK - 1) // BYTES_A_BLOCK
    met = np.zeros(blocks, np.uint8)
    for block in prange(blocks):
        bits = np.uint8(0)
        for value in x[block * BYTES_A_BLOCK : (block + 1) * BYTES_A_BLOCK]:
            bits |= value
        met[block] = bits
    return met.size == 0 or met.max() < 128
