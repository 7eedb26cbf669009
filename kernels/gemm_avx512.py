"""The GEMMs of `gemm.py` with AVX-512 instructions: the same arguments, the same sums. Only for CPUs that have them."""

import numpy as np
from numba import prange

from .compilation import kernel
from .simd import interleave_four, make_dot_products, make_sum_of_look_ups

TAPS_A_BLOCK = 256  # the most bytes that a 16-bit lane can add
WIDE, NARROW = 256, 64  # pixels of a tile
ROWS_A_TASK = 16
DOT_ROWS_A_TASK = 64

_wide_one_half, _wide_one_full = make_sum_of_look_ups(4, 128, 1), make_sum_of_look_ups(4, 256, 1)
_wide_two_half, _wide_two_full = make_sum_of_look_ups(4, 128, 2), make_sum_of_look_ups(4, 256, 2)
_narrow_one_half, _narrow_one_full = make_sum_of_look_ups(1, 128, 1), make_sum_of_look_ups(1, 256, 1)
_narrow_two_half, _narrow_two_full = make_sum_of_look_ups(1, 128, 2), make_sum_of_look_ups(1, 256, 2)
_dot_four, _dot_one = make_dot_products(4, 4), make_dot_products(1, 4)


@kernel(parallel=True)
def plane_gemm(w, x, groups, tables, base, add, out):
    """
    out[m, n] (+)= base[m] + sum_k sum_p 256^p tables[w[m, k], p, x[g K + k, n]],   g = m // (M / groups)

    w uint8 [M, K]; x uint8 [groups K, N]; tables uint8 [256, planes, entries], 64-byte aligned, planes 1 or 2, entries
    256, or 128 where all of x is below 128; base int32 [M]; `add` whether to add to `out`, int32 [M, N].
    """
    rows, depth = w.shape
    pixels = x.shape[1]
    planes, entries = tables.shape[1], tables.shape[2]
    rows_a_group = max(1, rows // groups)
    wide = pixels // WIDE
    narrow = (pixels - wide * WIDE) // NARROW
    left = pixels - wide * WIDE - narrow * NARROW
    # What is left of the pixels goes through a copy that a whole narrow tile fits.
    ragged = np.zeros((x.shape[0] if left else 0, NARROW), np.uint8)
    if left:
        for row in range(x.shape[0]):
            for n in range(left):
                ragged[row, n] = x[row, pixels - left + n]
    ragged_out = np.empty((rows if left else 0, NARROW), np.int32)
    tiles = wide + narrow + (1 if left else 0)
    row_blocks = (rows + ROWS_A_TASK - 1) // ROWS_A_TASK
    for task in prange(tiles * row_blocks):
        tile = task // row_blocks
        block = task % row_blocks
        for m in range(block * ROWS_A_TASK, min(rows, (block + 1) * ROWS_A_TASK)):
            first_tap = (m // rows_a_group) * depth
            for k in range(0, depth, TAPS_A_BLOCK):
                taps = min(TAPS_A_BLOCK, depth - k)
                start = base[m] if k == 0 else np.int32(0)
                adds = add or k > 0
                at_w = m * depth + k
                if tile < wide:
                    n = tile * WIDE
                    at_x, at_out = (first_tap + k) * pixels + n, m * pixels + n
                    if planes == 1:
                        if entries == 128:
                            _wide_one_half(w, at_w, x, at_x, pixels, tables, taps, start, out, at_out, adds)
                        else:
                            _wide_one_full(w, at_w, x, at_x, pixels, tables, taps, start, out, at_out, adds)
                    elif entries == 128:
                        _wide_two_half(w, at_w, x, at_x, pixels, tables, taps, start, out, at_out, adds)
                    else:
                        _wide_two_full(w, at_w, x, at_x, pixels, tables, taps, start, out, at_out, adds)
                    continue
                if tile < wide + narrow:
                    n = wide * WIDE + (tile - wide) * NARROW
                    source, stride, at_x = x, pixels, (first_tap + k) * pixels + n
                    target, at_out = out, m * pixels + n
                else:
                    source, stride, at_x = ragged, NARROW, (first_tap + k) * NARROW
                    target, at_out = ragged_out, m * NARROW
                    adds = k > 0
                if planes == 1:
                    if entries == 128:
                        _narrow_one_half(w, at_w, source, at_x, stride, tables, taps, start, target, at_out, adds)
                    else:
                        _narrow_one_full(w, at_w, source, at_x, stride, tables, taps, start, target, at_out, adds)
                elif entries == 128:
                    _narrow_two_half(w, at_w, source, at_x, stride, tables, taps, start, target, at_out, adds)
                else:
                    _narrow_two_full(w, at_w, source, at_x, stride, tables, taps, start, target, at_out, adds)
    for m in range(ragged_out.shape[0]):
        for n in range(left):
            if add:
                out[m, pixels - left + n] += ragged_out[m, n]
            else:
                out[m, pixels - left + n] = ragged_out[m, n]


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
        buffer = np.empty(quads * 4 * NARROW + 64, np.uint8)
        packed = buffer[(-buffer.ctypes.data) & 63 :]
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
