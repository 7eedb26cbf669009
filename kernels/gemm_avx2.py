"""The GEMMs of `gemm_avx512.py` with AVX2 instructions: the same sums, packed otherwise. For x86 without AVX-512."""

import numpy as np
from numba import prange

from .compilation import kernel
from .requantize import requantize_row
from .simd.dot_products import make_dot_products
from .simd.look_ups import make_sum_of_look_ups
from .simd.vectors import AVX2_LANES

TAPS_A_BLOCK = 256  # the most bytes that a 16-bit lane can add
PIXELS_A_TILE = 64
ROWS_A_TASK = 32
PIXELS_A_DOT = 16  # of a tile, whose sums four rows keep in registers
DOT_ROWS_A_TASK = 64

_one_half, _one_full = make_sum_of_look_ups(2, 128, 1, AVX2_LANES), make_sum_of_look_ups(2, 256, 1, AVX2_LANES)
_two_half, _two_full = make_sum_of_look_ups(2, 128, 2, AVX2_LANES), make_sum_of_look_ups(2, 256, 2, AVX2_LANES)
_dot_four, _dot_one = make_dot_products(4, 2, AVX2_LANES), make_dot_products(1, 2, AVX2_LANES)


@kernel
def aligned_bytes(size):
    """Uninitialized uint8 [size or more] at an address that is a multiple of 64."""
    buffer = np.empty(size + 64, np.uint8)
    return buffer[(-buffer.ctypes.data) & 63 :]


@kernel
def store_row(sums, m, n, out, bias, multiplier, limits, codes):
    """Store sums int32 [count] of row m, pixels n.., as codes where those are asked for, else as they are."""
    if codes.shape[0] > 0:
        requantize_row(sums, bias[m], multiplier[m], limits, codes[m, n : n + sums.size])
    else:
        out[m, n : n + sums.size] = sums


@kernel(parallel=True)
def plane_gemm(w, x, groups, tables, base, add, out, bias, multiplier, limits, codes):
    """Do what `gemm_avx512.plane_gemm` does, with the tables stepped as `simd.look_ups` says."""
    rows, depth = w.shape
    pixels = x.shape[1]
    rows_a_group = max(1, rows // groups)
    tiles = (pixels + PIXELS_A_TILE - 1) // PIXELS_A_TILE
    row_blocks = (rows_a_group + ROWS_A_TASK - 1) // ROWS_A_TASK
    for task in prange(groups * tiles * row_blocks):
        group = task // (tiles * row_blocks)
        n = (task // row_blocks) % tiles * PIXELS_A_TILE
        first = group * rows_a_group + task % row_blocks * ROWS_A_TASK
        last = min((group + 1) * rows_a_group, first + ROWS_A_TASK)
        count = min(PIXELS_A_TILE, pixels - n)
        packed = aligned_bytes(min(depth, TAPS_A_BLOCK) * PIXELS_A_TILE)
        if count < PIXELS_A_TILE:
            packed[:] = 0
        offsets = np.arange(min(depth, TAPS_A_BLOCK)) * PIXELS_A_TILE
        sums = np.empty(ROWS_A_TASK * PIXELS_A_TILE, np.int32)
        for k in range(0, depth, TAPS_A_BLOCK):
            taps = min(TAPS_A_BLOCK, depth - k)
            for tap in range(taps):
                target = packed[tap * PIXELS_A_TILE : tap * PIXELS_A_TILE + count]
                source = x[group * depth + k + tap, n : n + count]
                for i in range(count):
                    target[i] = source[i]
            for m in range(first, last):
                start, adds, at, at_w = (
                    base[m] if k == 0 else np.int32(0),
                    k > 0,
                    (m - first) * PIXELS_A_TILE,
                    m * depth + k,
                )
                if tables.shape[1] == 1:
                    if tables.shape[2] == 128:
                        _one_half(w, at_w, packed, 0, offsets, 0, tables, taps, start, sums, at, adds)
                    else:
                        _one_full(w, at_w, packed, 0, offsets, 0, tables, taps, start, sums, at, adds)
                elif tables.shape[2] == 128:
                    _two_half(w, at_w, packed, 0, offsets, 0, tables, taps, start, sums, at, adds)
                else:
                    _two_full(w, at_w, packed, 0, offsets, 0, tables, taps, start, sums, at, adds)
        for m in range(first, last):
            total = sums[(m - first) * PIXELS_A_TILE : (m - first) * PIXELS_A_TILE + count]
            if add:
                before = out[m, n : n + count]
                for i in range(count):
                    total[i] += before[i]
            store_row(total, m, n, out, bias, multiplier, limits, codes)


@kernel
def pack_pairs(x, first_row, depth, n, count, values, packed, first_pair):
    """
    packed[first_pair + q, i] = values[x[2 q, n + i]] + 2^16 values[x[2 q + 1, n + i]]  for rows from `first_row` on

    each half modulo 2^16; x uint8, values int32 [256], packed int32 [pairs PIXELS_A_TILE]; pixels i below count, and a
    last row without a partner is paired with itself, for weights of 0.
    """
    for q in range((depth + 1) // 2):
        low = x[first_row + 2 * q, n : n + count]
        high = x[first_row + min(2 * q + 1, depth - 1), n : n + count]
        target = packed[(first_pair + q) * PIXELS_A_TILE : (first_pair + q) * PIXELS_A_TILE + count]
        for i in range(count):
            target[i] = (values[low[i]] & 0xFFFF) | (values[high[i]] << 16)


@kernel(parallel=True)
def dot_gemm(w, x, depth, groups, values, base, out, bias, multiplier, limits, codes):
    """
    sums[m, n] = base[m] + sum_r sum_k w[m, r, k] values[r, x[g K + k, n]],   g = m // (M / groups)

    w int32 [M, terms ceil(K / 2)], two 16-bit numbers each, the last of each term filled up with a zero; x uint8
    [groups K, N], K = `depth`; values int32 [terms, 256], each within 16 bits; base int32 [M]. out, bias, multiplier,
    limits and codes as in `plane_gemm`.
    """
    rows, pairs = w.shape
    terms = values.shape[0]
    pairs_a_term = pairs // terms
    pixels = x.shape[1]
    rows_a_group = max(1, rows // groups)
    tiles = (pixels + PIXELS_A_TILE - 1) // PIXELS_A_TILE
    row_blocks = (rows_a_group + DOT_ROWS_A_TASK - 1) // DOT_ROWS_A_TASK
    for task in prange(groups * tiles * row_blocks):
        group = task // (tiles * row_blocks)
        n = (task // row_blocks) % tiles * PIXELS_A_TILE
        first = group * rows_a_group + task % row_blocks * DOT_ROWS_A_TASK
        last = min((group + 1) * rows_a_group, first + DOT_ROWS_A_TASK)
        count = min(PIXELS_A_TILE, pixels - n)
        packed = aligned_bytes(pairs * 4 * PIXELS_A_TILE)
        for term in range(terms):
            whole = packed[: pairs * 4 * PIXELS_A_TILE].view(np.int32)
            pack_pairs(x, group * depth, depth, n, count, values[term], whole, term * pairs_a_term)
        sums = np.empty(DOT_ROWS_A_TASK * PIXELS_A_TILE, np.int32)
        for part in range(0, count, PIXELS_A_DOT):
            m = first
            while m + 4 <= last:
                at = (m - first) * PIXELS_A_TILE + part
                _dot_four(
                    w, m * pairs, pairs, packed, 4 * part, 4 * PIXELS_A_TILE, pairs, base, m, sums, at, PIXELS_A_TILE
                )
                m += 4
            while m < last:
                at = (m - first) * PIXELS_A_TILE + part
                _dot_one(
                    w, m * pairs, pairs, packed, 4 * part, 4 * PIXELS_A_TILE, pairs, base, m, sums, at, PIXELS_A_TILE
                )
                m += 1
        for m in range(first, last):
            total = sums[(m - first) * PIXELS_A_TILE : (m - first) * PIXELS_A_TILE + count]
            store_row(total, m, n, out, bias, multiplier, limits, codes)
