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


@kernel(parallel=True, reassociate=True)
def quadratic_forms(rows, covariance, out):
    """
    out[g, m] = s S s',   s = rows[g, m], S = covariance[g], symmetric: only its lower triangle is read

    rows float32 [groups, M, K]; covariance float32 [groups, K, K]; out float64 [groups, M], written. Four rows share
    each row of S that is read.
    """
    groups, count, depth = rows.shape
    blocks = (count + 3) // 4
    for task in prange(groups * blocks):
        group, first = task // blocks, 4 * (task % blocks)
        matrix = covariance[group]
        # The last block takes rows twice rather than fewer of them.
        m0, m1 = first, min(first + 1, count - 1)
        m2, m3 = min(first + 2, count - 1), min(first + 3, count - 1)
        r0, r1, r2, r3 = rows[group, m0], rows[group, m1], rows[group, m2], rows[group, m3]
        t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
        for k in range(depth):
            line = matrix[k]
            a0, a1, a2, a3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for j in range(k):
                value = line[j]
                a0 += value * r0[j]
                a1 += value * r1[j]
                a2 += value * r2[j]
                a3 += value * r3[j]
            own = line[k]
            t0 += np.float64(r0[k]) * (2.0 * a0 + own * r0[k])
            t1 += np.float64(r1[k]) * (2.0 * a1 + own * r1[k])
            t2 += np.float64(r2[k]) * (2.0 * a2 + own * r2[k])
            t3 += np.float64(r3[k]) * (2.0 * a3 + own * r3[k])
        out[group, m3], out[group, m2], out[group, m1], out[group, m0] = t3, t2, t1, t0


@kernel(parallel=True, reassociate=True)
def operand_moments(weights, error, activations, out):
    """
    out[l] = (E e, E e^2),   e = error[w, x], w and x independent with the probabilities weights[l], activations[l]

    weights, activations float64 [L, 256]; error float64 [256, 256]; out float64 [L, 2], written.
    """
    for layer in prange(weights.shape[0]):
        mean, square = 0.0, 0.0
        p = activations[layer]
        for w in range(256):
            share = weights[layer, w]
            if share > 0:
                e = error[w]
                first, second = 0.0, 0.0
                for x in range(256):
                    first += p[x] * e[x]
                    second += p[x] * e[x] * e[x]
                mean += share * first
                square += share * second
        out[layer, 0] = mean
        out[layer, 1] = square
