"""Random errors from a counter-based generator: each element's bits follow from its place and the key alone.

Philox 4x32 with 10 rounds (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
DOI 10.1145/2063384.2063405). The pixels of an image are drawn in tiles of 64: lane l of 16 has the counter
(16 tile + l, row, image, stream), which gives four words, for the pixels l, 16 + l, 32 + l and 48 + l of the tile. A
word's upper half picks one of 65,536 equally probable values of a distribution; its lower half decides whether the
error is rounded up or down, so that the mean of what is added is the mean asked for, however small. So the bits depend
neither on threads nor on batches.
"""

import numpy as np
from numba import prange

from .compilation import kernel

LANES = 16
TILE = 4 * LANES  # pixels
TAP_BITS = 20  # of the stream's number, below those of the layer's


@kernel(inline=True)
def philox(c0, c1, c2, c3, k0, k1):
    """Four random 32-bit words of a counter of four and a key of two, all as uint64 below 2^32."""
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    c0, c1, c2, c3, k0, k1 = c0 & mask, c1 & mask, c2 & mask, c3 & mask, k0 & mask, k1 & mask
    for _ in range(10):
        first = np.uint64(0xD2511F53) * c0
        second = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (second >> half) ^ c1 ^ k0, second & mask, (first >> half) ^ c3 ^ k1, first & mask
        k0 = (k0 + np.uint64(0x9E3779B9)) & mask
        k1 = (k1 + np.uint64(0xBB67AE85)) & mask
    return c0, c1, c2, c3


@kernel
def draw_words(first, row, image, stream, k0, k1, words):
    """
    Write into words, uint64 [64], the four words of each of 16 counters, the first of which is `first`.

    A function by itself, as are `pick` and `add_line`: LLVM makes vectors of the lanes of each, but not of all in one.
    """
    for lane in range(LANES):
        c0, c1, c2, c3 = philox(np.uint64(first + lane), np.uint64(row), np.uint64(image), np.uint64(stream), k0, k1)
        words[lane], words[LANES + lane], words[2 * LANES + lane], words[3 * LANES + lane] = c0, c1, c2, c3


@kernel
def pick(words, values, out, dither):
    """Split the words into picked values and numbers above 0 and below 1; arrays as in `draw_tile`."""
    low, half = np.uint64(0xFFFF), np.uint64(16)
    for i in range(TILE):
        out[i] = values[words[i] >> half]
        dither[i] = (np.float32(words[i] & low) + np.float32(0.5)) / np.float32(65536)


@kernel
def draw_tile(tile, row, image, stream, k0, k1, values, words, out, dither):
    """
    Write into out, float32 [64], one of `values`, float32 [65536], for each pixel of a tile, and into dither, float32
    [64], a uniform number above 0 and below 1; words uint64 [64] is room to work in.
    """
    draw_words(tile * LANES, row, image, stream, k0, k1, words)
    pick(words, values, out, dither)


@kernel
def add_line(sums, base, mean, gain, spread, drawn, dither, bound):
    """
    sums[i] += around(mean + gain base[i] + spread[i] drawn[i]),   kept within -bound .. bound

    sums int32 [n], changed, with n up to 64; base [n]; spread float32 [n], or [1] where it is one for all.
    """
    wide = len(spread) > 1
    for i in range(len(sums)):
        s = spread[i] if wide else spread[0]
        error = mean + gain * base[i] + np.float64(s) * drawn[i]
        total = np.floor(error + dither[i]) + np.float64(sums[i])
        sums[i] = np.int32(min(max(total, -bound), bound))


@kernel(parallel=True)
def add_accumulator_errors(sums, base, first_image, image_size, layer, k0, k1, mean, gain, spread, values, limit):
    """
    sums[m, n] += around(mean[m] + gain[m] base[m, n] + spread[m, n] v[m, n]),   kept within -limit[m] .. limit[m]

    sums int32 [M, N], changed; base int32 or float32 [M, N], may be sums itself; the columns are the pixels of whole
    images, image_size each, from number first_image on; layer its number, below 2^12; k0, k1 uint64, the key; mean,
    gain float64 [M]; spread float32 [M, N], or [M, 1] where it is one for all pixels; values float32 [65536], of mean 0
    and variance 1; limit int64 [M].
    """
    rows, pixels = sums.shape
    stream = np.int64(layer) << TAP_BITS
    wide = spread.shape[1] > 1
    for m in prange(rows):
        drawn, dither, words = np.empty(TILE, np.float32), np.empty(TILE, np.float32), np.empty(TILE, np.uint64)
        bound = np.float64(limit[m])
        for image in range(pixels // image_size):
            for first in range(0, image_size, TILE):
                draw_tile(first // TILE, m, first_image + image, stream, k0, k1, values, words, drawn, dither)
                at = image * image_size + first
                end = at + min(TILE, image_size - first)
                spreads = spread[m, at:end] if wide else spread[m]
                add_line(sums[m, at:end], base[m, at:end], mean[m], gain[m], spreads, drawn, dither, bound)


@kernel(parallel=True)
def add_product_errors(sums, w, x, groups, first_image, image_size, layer, k0, k1, mean, std, relative, values, limit):
    """
    sums[m, n] += around(sum_k p (mean + std v[m, k, n])),   p = w[m, k] x[g K + k, n] if relative, else 1

    w float32 [M, K] and x float32 [groups K, N] are codes, g = m // (M / groups); K below 2^20; the rest as in
    `add_accumulator_errors`.
    """
    rows, pixels = sums.shape
    depth = w.shape[1]
    rows_a_group = max(1, rows // groups)
    for m in prange(rows):
        drawn, dither, words = np.empty(TILE, np.float32), np.empty(TILE, np.float32), np.empty(TILE, np.uint64)
        errors = np.empty(TILE)
        bound = np.float64(limit[m])
        base = (m // rows_a_group) * depth
        for image in range(pixels // image_size):
            for first in range(0, image_size, TILE):
                at = image * image_size + first
                count = min(TILE, image_size - first)
                errors[:] = 0.0
                for k in range(depth):
                    stream = (np.int64(layer) << TAP_BITS) + k
                    draw_tile(first // TILE, m, first_image + image, stream, k0, k1, values, words, drawn, dither)
                    if relative:
                        for i in range(count):
                            errors[i] += (mean + std * drawn[i]) * w[m, k] * x[base + k, at + i]
                    else:
                        for i in range(count):
                            errors[i] += mean + std * drawn[i]
                for i in range(count):
                    total = np.floor(errors[i] + dither[i]) + np.float64(sums[m, at + i])
                    sums[m, at + i] = np.int32(min(max(total, -bound), bound))
