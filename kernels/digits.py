"""Sums of products with numbers of several bytes, put together from those of their digits."""

import numpy as np
from numba import prange

from .compilation import kernel

PIXELS_A_STRIP = 1024


@kernel(parallel=True)
def weigh_digits(sums, digits, rows_a_group, unit, out):
    """
    out[g R + r, n] = unit sum_p 256^p sums[(g P + p) R + r, n],   added in float64, p descending

    sums int32 [G P R, N] of P = `digits` digits, the lowest first, and R = rows_a_group rows in each of G groups; out
    float32 [G R, N], written.
    """
    rows, pixels = out.shape
    for m in prange(rows):
        group, r = m // rows_a_group, m % rows_a_group
        total = np.empty(PIXELS_A_STRIP)
        for first in range(0, pixels, PIXELS_A_STRIP):
            count = min(PIXELS_A_STRIP, pixels - first)
            total[:count] = 0.0
            for p in range(digits - 1, -1, -1):
                row = sums[(group * digits + p) * rows_a_group + r, first : first + count]
                for i in range(count):
                    total[i] = 256.0 * total[i] + row[i]
            to = out[m, first : first + count]
            for i in range(count):
                to[i] = np.float32(unit * total[i])
