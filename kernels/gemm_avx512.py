"""The GEMMs of `gemm.py` with AVX-512 instructions: the same arguments, the same sums. Only for CPUs that have them."""

import numpy as np
from numba import prange

from .compilation import kernel
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


@kernel(parallel=True)
def plane_gemm(w, x, groups, tables, base, add, out):
    """
    out[m, n] (+)= base[m] + sum_k sum_p 256^p tables[w[m, k], p, x[g K + k, n]],   g = m // (M / groups)

    w uint8 [M, K]; x uint8 [groups K, N]; tables uint8 [256, planes, entries], 64-byte aligned, planes 1 or 2, entries
    256, or 128 where all of x is below 128; base int32 [M]; `add` whether to add to `out`, int32 [M, N].
    """
    rows, depth = w.shape
    pixels = x.shape[1]
    rows_a_group = max(1, rows // groups)
    tiles = (pixels + WIDE - 1) // WIDE
    row_blocks = (rows_a_group + ROWS_A_TASK - 1) // ROWS_A_TASK
    for task in prange(groups * tiles * row_blocks):
        group = task // (tiles * row_blocks)
        n = (task // row_blocks) % tiles * WIDE
        block = task % row_blocks
        count = min(WIDE, pixels - n)
        width = NARROW if count <= NARROW else WIDE
        # Rows of x lie far apart: the tile's part of them is copied once for all rows of w, and filled up to `width`.
        packed = aligned_bytes(min(depth, TAPS_A_BLOCK) * width)
        offsets = np.arange(min(depth, TAPS_A_BLOCK)) * width
        sums = np.empty(width, np.int32)
        first = group * rows_a_group + block * ROWS_A_TASK
        last = min((group + 1) * rows_a_group, first + ROWS_A_TASK)
        for k in range(0, depth, TAPS_A_BLOCK):
            taps = min(TAPS_A_BLOCK, depth - k)
            for tap in range(taps):
                target, source = packed[tap * width :], x[group * depth + k + tap, n : n + count]
                if count == WIDE:
                    for i in range(WIDE):
                        target[i] = source[i]
                else:
                    for i in range(count):
                        target[i] = source[i]
                    for i in range(count, width):
                        target[i] = 0
            for m in range(first, last):
                start, adds = base[m] if k == 0 else np.int32(0), add or k > 0
                if count == WIDE:
                    at_out = m * pixels + n
                    sum_wide_tile(w, m * depth + k, packed, 0, offsets, taps, tables, start, adds, out, at_out)
                    continue
                if width == WIDE:
                    sum_wide_tile(w, m * depth + k, packed, 0, offsets, taps, tables, start, False, sums, 0)
                else:
                    sum_narrow_tile(w, m * depth + k, packed, 0, offsets, taps, tables, start, False, sums, 0)
                target = out[m, n : n + count]
                if adds:
                    for i in range(count):
                        target[i] += sums[i]
                else:
                    for i in range(count):
                        target[i] = sums[i]


@kernel(parallel=True)
def dot_gemm(w, x, depth, groups, codes, base, out):
    """
    out[m, n] = base[m] + sum_k w[m, k] codes[x[g K + k, n]],   g = m // (M / groups)

    w int32 [M, ceil(K / 4)], four signed bytes each, the last filled up with zeros; x uint8 [groups K, N], K = `depth`;
    codes uint8 [256], 64-byte aligned, unsigned: for signed values they are 128 more, and base, int32 [M], holds
    -128 sum_k w[m, k]; out int32 [M, N], written.
    """
    rows, quads = w.shape
    pixels = x.shape[1]
    rows_a_group = max(1, rows // groups)
    tiles = (pixels + NARROW - 1) // NARROW
    row_blocks = (rows_a_group + DOT_ROWS_A_TASK - 1) // DOT_ROWS_A_TASK
    for task in prange(groups * tiles * row_blocks):
        group = task // (tiles * row_blocks)
        tile = (task // row_blocks) % tiles
        block = task % row_blocks
        n = tile * NARROW
        count = min(NARROW, pixels - n)
        packed = aligned_bytes(quads * 4 * NARROW)
        for quad in range(quads):
            k = 4 * quad
            if count == NARROW and k + 4 <= depth:
                interleave_four(x, (group * depth + k) * pixels + n, pixels, codes, packed, quad * 4 * NARROW)
            else:
                for j in range(4):
                    for i in range(NARROW):
                        inside = k + j < depth and i < count
                        value = codes[x[group * depth + k + j, n + i]] if inside else np.uint8(0)
                        packed[quad * 4 * NARROW + 4 * i + j] = value
        first = group * rows_a_group + block * DOT_ROWS_A_TASK
        last = min((group + 1) * rows_a_group, first + DOT_ROWS_A_TASK)
        if count == NARROW:
            m = first
            while m + 4 <= last:
                _dot_four(w, m * quads, quads, packed, 0, 4 * NARROW, quads, base, m, out, m * pixels + n, pixels)
                m += 4
            while m < last:
                _dot_one(w, m * quads, quads, packed, 0, 4 * NARROW, quads, base, m, out, m * pixels + n, pixels)
                m += 1
        else:
            sums = np.empty(NARROW, np.int32)
            for m in range(first, last):
                _dot_one(w, m * quads, quads, packed, 0, 4 * NARROW, quads, base, m, sums, 0, NARROW)
                for i in range(count):
                    out[m, n + i] = sums[i]
