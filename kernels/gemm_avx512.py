"""The GEMMs of `gemm.py` with AVX-512 instructions: the same arguments, the same sums. Only for CPUs that have them."""

import numpy as np
from numba import prange

from .compilation import kernel
from .requantize import requantize_row
from .simd.copies import copy_bytes, copy_sums
from .simd.dot_products import interleave_four, make_dot_products
from .simd.look_ups import make_sum_of_look_ups

TAPS_A_BLOCK = 256  # the most bytes that a 16-bit lane can add
WIDE, NARROW = 256, 64  # pixels of a tile
ROWS_A_TASK = 32
DOT_ROWS_A_TASK = 64

_wide_one_half, _wide_one_full = make_sum_of_look_ups(4, 128, 1), make_sum_of_look_ups(4, 256, 1)
_wide_two_half, _wide_two_full = make_sum_of_look_ups(4, 128, 2), make_sum_of_look_ups(4, 256, 2)
_narrow_one_half, _narrow_one_full = make_sum_of_look_ups(1, 128, 1), make_sum_of_look_ups(1, 256, 1)
_narrow_two_half, _narrow_two_full = make_sum_of_look_ups(1, 128, 2), make_sum_of_look_ups(1, 256, 2)
_dot_four, _dot_one = make_dot_products(4, 4), make_dot_products(1, 4)


@kernel
def sum_wide_tile(w, at_w, x, at_x, offsets, taps, tables, base, add, out, at_out):
    """
    out[n] (+)= base + sum_k sum_p 256^p tables[w[k], p, x[offsets[k] + n]]  for 256 neighbouring pixels n

    Arrays as in `plane_gemm`, offsets int64 [taps], all from their elements at_w, at_x and at_out on, whatever their
    shape.
    """
    for k in range(0, taps, TAPS_A_BLOCK):
        some, start, adds = min(TAPS_A_BLOCK, taps - k), base if k == 0 else np.int32(0), add or k > 0
        if tables.shape[1] == 1:
            if tables.shape[2] == 128:
                _wide_one_half(w, at_w + k, x, at_x, offsets, k, tables, some, start, out, at_out, adds)
            else:
                _wide_one_full(w, at_w + k, x, at_x, offsets, k, tables, some, start, out, at_out, adds)
        elif tables.shape[2] == 128:
            _wide_two_half(w, at_w + k, x, at_x, offsets, k, tables, some, start, out, at_out, adds)
        else:
            _wide_two_full(w, at_w + k, x, at_x, offsets, k, tables, some, start, out, at_out, adds)


@kernel
def sum_narrow_tile(w, at_w, x, at_x, offsets, taps, tables, base, add, out, at_out):
    """Do what `sum_wide_tile` does for 64 pixels."""
    for k in range(0, taps, TAPS_A_BLOCK):
        some, start, adds = min(TAPS_A_BLOCK, taps - k), base if k == 0 else np.int32(0), add or k > 0
        if tables.shape[1] == 1:
            if tables.shape[2] == 128:
                _narrow_one_half(w, at_w + k, x, at_x, offsets, k, tables, some, start, out, at_out, adds)
            else:
                _narrow_one_full(w, at_w + k, x, at_x, offsets, k, tables, some, start, out, at_out, adds)
        elif tables.shape[2] == 128:
            _narrow_two_half(w, at_w + k, x, at_x, offsets, k, tables, some, start, out, at_out, adds)
        else:
            _narrow_two_full(w, at_w + k, x, at_x, offsets, k, tables, some, start, out, at_out, adds)


@kernel
def aligned_bytes(size):
    """Uninitialized uint8 [size or more] at an address that is a multiple of 64."""
    buffer = np.empty(size + 64, np.uint8)
    return buffer[(-buffer.ctypes.data) & 63 :]


@kernel
def pack_tile(x, first_row, rows, n, count, packed, width):
    """packed[k width + i] = x[first_row + k, n + i]  for `rows` rows k and i below count; 0 from there to `width`."""
    pixels = x.shape[1]
    for k in range(rows):
        if count < width:
            packed[k * width : (k + 1) * width] = 0
        copy_bytes(x, (first_row + k) * pixels + n, packed, k * width, count)


@kernel(parallel=True)
def plane_gemm(w, x, groups, tables, base, add, out, bias, multiplier, limits, codes):
    """
    sums[m, n] = base[m] + sum_k sum_p 256^p tables[w[m, k], p, x[g K + k, n]],   g = m // (M / groups)

    w uint8 [M, K]; x uint8 [groups K, N]; tables uint8 [256, planes, entries], 64-byte aligned, planes 1 or 2, entries
    256, or 128 where all of x is below 128; base int32 [M].

    `add`: whether to add what out, int32 [M, N], holds. Where codes, uint8 [M, N], is not empty, it takes the sums
    requantized with bias, multiplier and limits as by `requantize.requantize`; else out takes the sums.
    """
    rows, depth = w.shape
    pixels = x.shape[1]
    rows_a_group = max(1, rows // groups)
    tiles = (pixels + WIDE - 1) // WIDE
    row_blocks = (rows_a_group + ROWS_A_TASK - 1) // ROWS_A_TASK
    for task in prange(groups * tiles * row_blocks):
        group = task // (tiles * row_blocks)
        n = (task // row_blocks) % tiles * WIDE
        first = group * rows_a_group + task % row_blocks * ROWS_A_TASK
        last = min((group + 1) * rows_a_group, first + ROWS_A_TASK)
        count = min(WIDE, pixels - n)
        width = NARROW if count <= NARROW else WIDE
        # Rows of x lie far apart: the tile's part of them is copied once for all rows of w, and filled up to `width`.
        packed = aligned_bytes(min(depth, TAPS_A_BLOCK) * width)
        offsets = np.arange(min(depth, TAPS_A_BLOCK)) * width
        sums = np.empty(ROWS_A_TASK * width, np.int32)
        for k in range(0, depth, TAPS_A_BLOCK):
            taps = min(TAPS_A_BLOCK, depth - k)
            pack_tile(x, group * depth + k, taps, n, count, packed, width)
            for m in range(first, last):
                start, at_sums = base[m] if k == 0 else np.int32(0), (m - first) * width
                if width == WIDE:
                    sum_wide_tile(w, m * depth + k, packed, 0, offsets, taps, tables, start, k > 0, sums, at_sums)
                else:
                    sum_narrow_tile(w, m * depth + k, packed, 0, offsets, taps, tables, start, k > 0, sums, at_sums)
        for m in range(first, last):
            total = sums[(m - first) * width : (m - first) * width + count]
            if add:
                before = out[m, n : n + count]
                for i in range(count):
                    total[i] += before[i]
            store_row(total, m, n, out, bias, multiplier, limits, codes)


@kernel
def store_row(sums, m, n, out, bias, multiplier, limits, codes):
    """Store sums int32 [count] of row m, pixels n.., as codes where those are asked for, else as they are."""
    if codes.shape[0] > 0:
        requantize_row(sums, bias[m], multiplier[m], limits, codes[m, n : n + sums.size])
    else:
        copy_sums(sums, 0, out, m * out.shape[1] + n, sums.size)


@kernel(parallel=True)
def dot_gemm(w, x, depth, groups, lifted, base, out, bias, multiplier, limits, codes):
    """
    sums[m, n] = base[m] + sum_r sum_k w[m, r, k] lifted[r, x[g K + k, n]],   g = m // (M / groups)

    w int32 [M, terms ceil(K / 4)], four signed bytes each, the last of each term filled up with zeros; x uint8
    [groups K, N], K = `depth`; lifted uint8 [terms, 256], 64-byte aligned, unsigned: for signed values they are 128
    more, and base, int32 [M], holds -128 sum_k w[m, k]. out, bias, multiplier, limits and codes as in `plane_gemm`.
    """
    rows, quads = w.shape
    terms = lifted.shape[0]
    quads_a_term = quads // terms
    pixels = x.shape[1]
    rows_a_group = max(1, rows // groups)
    tiles = (pixels + NARROW - 1) // NARROW
    row_blocks = (rows_a_group + DOT_ROWS_A_TASK - 1) // DOT_ROWS_A_TASK
    for task in prange(groups * tiles * row_blocks):
        group = task // (tiles * row_blocks)
        n = (task // row_blocks) % tiles * NARROW
        first = group * rows_a_group + task % row_blocks * DOT_ROWS_A_TASK
        last = min((group + 1) * rows_a_group, first + DOT_ROWS_A_TASK)
        count = min(NARROW, pixels - n)
        packed = aligned_bytes(quads * 4 * NARROW)
        whole = depth // 4 if count == NARROW else 0  # quads that are read where they stand
        for quad in range(whole):
            for term in range(terms):
                at = (group * depth + 4 * quad) * pixels + n
                at_packed = (term * quads_a_term + quad) * 4 * NARROW
                interleave_four(x, at, pixels, lifted[term], packed, at_packed)
        if whole < quads_a_term:
            left = aligned_bytes((quads_a_term - whole) * 4 * NARROW)
            pack_tile(x, group * depth + 4 * whole, depth - 4 * whole, n, count, left, NARROW)
            # What stands in the rows that fill up the last quad is multiplied by weights of zero.
            for quad in range(whole, quads_a_term):
                for term in range(terms):
                    at_packed = (term * quads_a_term + quad) * 4 * NARROW
                    interleave_four(left, (quad - whole) * 4 * NARROW, NARROW, lifted[term], packed, at_packed)
        if codes.shape[0] == 0 and count == NARROW:
            m = first
            while m + 4 <= last:
                _dot_four(w, m * quads, quads, packed, 0, 4 * NARROW, quads, base, m, out, m * pixels + n, pixels)
                m += 4
            while m < last:
                _dot_one(w, m * quads, quads, packed, 0, 4 * NARROW, quads, base, m, out, m * pixels + n, pixels)
                m += 1
            continue
        sums = np.empty(DOT_ROWS_A_TASK * NARROW, np.int32)
        m = first
        while m + 4 <= last:
            at_sums = (m - first) * NARROW
            _dot_four(w, m * quads, quads, packed, 0, 4 * NARROW, quads, base, m, sums, at_sums, NARROW)
            m += 4
        while m < last:
            at_sums = (m - first) * NARROW
            _dot_one(w, m * quads, quads, packed, 0, 4 * NARROW, quads, base, m, sums, at_sums, NARROW)
            m += 1
        for m in range(first, last):
            total = sums[(m - first) * NARROW : (m - first) * NARROW + count]
            store_row(total, m, n, out, bias, multiplier, limits, codes)
