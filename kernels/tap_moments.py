"""Moments of a multiplier's error at every weight of a network, each tap under its own distribution of activations."""

import numpy as np
from numba import prange

from .compilation import kernel


@kernel(parallel=True, reassociate=True)
def tap_moments(
    weight, error, values, first_tap, depth, starts, lows, probability, mean, variance, bounds, slope, rows
):
    """
    For every row (a filter of any layer), with e = error[w, x], x distributed as at each of its taps:

        rows[r] = (sum_k E e, sum_k Var e, sum_k (Var e - slope^2 Var x))        slope[i] = Cov(e, x) / Var x

    weight uint8 [sum of depths], the rows one behind the other; error float32 [256, 256], columns in ascending order of
    the activation's value; values float32 [256], these activations; first_tap, depth int64 [R]: row r has the taps
    first_tap[r], first_tap[r] + 1, ...; starts int64 [T + 1], lows int64 [T]: the activations of tap t are those from
    column lows[t] on, with probability[starts[t] : starts[t + 1]], float32; mean, variance float64 [T], of the
    activation; bounds int64: one thread takes the rows from one bound to the next; slope float32 and rows float64
    [R, 3], written. Where an activation is constant, the slope is 0.
    """
    ends = np.empty(depth.size + 1, np.int64)
    ends[0] = 0
    for r in range(depth.size):
        ends[r + 1] = ends[r] + depth[r]
    for part in prange(bounds.size - 1):
        for r in range(bounds[part], bounds[part + 1]):
            bias, noise, rest = 0.0, 0.0, 0.0
            for k in range(depth[r]):
                tap = first_tap[r] + k
                low = lows[tap]
                size = starts[tap + 1] - starts[tap]
                p = probability[starts[tap] : starts[tap + 1]]
                e = error[weight[ends[r] + k], low : low + size]
                v = values[low : low + size]
                total, square, with_x = np.float32(0), np.float32(0), np.float32(0)
                for x in range(size):
                    share = p[x] * e[x]
                    total += share
                    square += share * e[x]
                    with_x += share * v[x]
                own = np.float64(square) - np.float64(total) * np.float64(total)
                s = 0.0
                if variance[tap] > 1e-9:
                    s = (np.float64(with_x) - np.float64(total) * mean[tap]) / variance[tap]
                slope[ends[r] + k] = s
                bias += total
                noise += own
                rest += own - s * s * variance[tap]
            rows[r, 0] = bias
            rows[r, 1] = noise
            rows[r, 2] = rest
