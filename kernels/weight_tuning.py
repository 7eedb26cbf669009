"""Coordinate descent over the weight codes of each row: see axsim/compensation/weight_tuning.py for what falls."""

import numpy as np
from numba import prange

from .compilation import kernel


@kernel(parallel=True)
def tune_rows(codes, choices, rows_a_group, slope, rest, covariance, wanted, off_covariance, passes):
    """
    Change codes, a tap at a time, so that a S a' + sum_k rest[k, codes[k]] falls, with a = slope[k, codes[k]] - wanted.

    codes uint8 [M, K], changed; choices int64, the patterns allowed; rows_a_group = M / groups; slope, rest float32
    [groups K, 256]; covariance float32 [groups, K, K], S; wanted float64 [M, K]; off_covariance float64 [M, K], a S for
    the codes given, changed; at most `passes` over the taps.
    """
    rows, depth = codes.shape
    for m in prange(rows):
        group = m // rows_a_group
        first = group * depth
        line = off_covariance[m]
        for _ in range(passes):
            changed = False
            for k in range(depth):
                own = np.float64(covariance[group, k, k])
                slopes, rests = slope[first + k], rest[first + k]
                code = codes[m, k]
                off = slopes[code] - wanted[m, k]
                others = line[k] - off * own
                least = (off * own + 2 * others) * off + rests[code]
                least -= 1e-9 * abs(least)
                best = np.int64(code)
                for choice in choices:
                    a = slopes[choice] - wanted[m, k]
                    cost = (a * own + 2 * others) * a + rests[choice]
                    if cost < least:
                        least, best = cost, choice
                if best != code:
                    change = np.float64(slopes[best]) - slopes[code]
                    codes[m, k] = best
                    for j in range(depth):
                        line[j] += change * covariance[group, k, j]
                    changed = True
            if not changed:
                break
