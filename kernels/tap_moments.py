"""Moments of a multiplier's error at every weight of a network, each tap under its own distribution of activations."""

import numpy as np
from numba import prange

from .compilation import kernel

TAPS = 8  # whose tables, of 8 KiB each but read only at codes that occur, stay near while all rows are added up


@kernel(reassociate=True)
def _moments_of_codes(codes, error, low, p, values, mean, variance, table):
    """
    table[w] = (E e, Var e, Var e - s^2 Var x, s),   s = Cov(e, x) / Var x,   e = error[w, x], for each w in codes

    Four codes share the activations that are read; the last four take codes twice rather than fewer of them.
    """
    size, last = p.size, codes.size - 1
    v = values[low : low + size]
    for i in range(0, codes.size, 4):
        c0, c1 = codes[i], codes[min(i + 1, last)]
        c2, c3 = codes[min(i + 2, last)], codes[min(i + 3, last)]
        e0, e1 = error[c0, low : low + size], error[c1, low : low + size]
        e2, e3 = error[c2, low : low + size], error[c3, low : low + size]
        t0, t1, t2, t3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        q0, q1, q2, q3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        x0, x1, x2, x3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for x in range(size):
            s0, s1, s2, s3 = p[x] * e0[x], p[x] * e1[x], p[x] * e2[x], p[x] * e3[x]
            t0 += s0
            t1 += s1
            t2 += s2
            t3 += s3
            q0 += s0 * e0[x]
            q1 += s1 * e1[x]
            q2 += s2 * e2[x]
            q3 += s3 * e3[x]
            x0 += s0 * v[x]
            x1 += s1 * v[x]
            x2 += s2 * v[x]
            x3 += s3 * v[x]
        for code, total, square, with_x in ((c0, t0, q0, x0), (c1, t1, q1, x1), (c2, t2, q2, x2), (c3, t3, q3, x3)):
            first = np.float64(total)
            own = np.float64(square) - first * first
            slope = (np.float64(with_x) - first * mean) / variance if variance > 1e-9 else 0.0
            table[code, 0] = first
            table[code, 1] = own
            table[code, 2] = own - slope * slope * variance
            table[code, 3] = slope


@kernel(parallel=True, reassociate=True)
def tap_moments(
    weight,
    with_exact,
    pieces,
    bounds,
    error,
    values,
    code_starts,
    codes,
    starts,
    lows,
    probability,
    mean,
    variance,
    slope,
    sums,
):
    """
    For every piece, rows (filters of one layer) over some of their taps, with e = error[w, x], x as at each tap:

        sums[row] = (sum_k E e, sum_k Var e, sum_k (Var e - s_k^2 Var x), sum_k s_k with_exact[k])

    s_k = Cov(e, x) / Var x is written to slope; where an activation is constant, it is 0. What a tap's table has at a
    code is computed once for all rows, and only at codes that some row has there.

    weight uint8, with_exact, slope float32 [W], the rows one behind the other; pieces int64 [P, 6]: first tap, number
    of taps, first row of sums, number of rows, index in weight of the first row's first tap, and step to the next row;
    bounds int64: one thread takes the pieces from one bound to the next; error float32 [256, 256], columns in ascending
    order of the activation's value; values float32 [256], these activations; code_starts int64 [T + 1], codes uint8:
    the weights at tap t are codes[code_starts[t] : code_starts[t + 1]], at least one; starts int64 [T + 1], lows int64
    [T]: its activations are those from column lows[t] on, with probability[starts[t] : starts[t + 1]], float32; mean,
    variance float64 [T], of the activation; sums float64 [R, 4], written.
    """
    for part in prange(bounds.size - 1):
        tables = np.empty((TAPS, 256, 4))
        for piece in range(bounds[part], bounds[part + 1]):
            first_tap, taps, row, rows, first, step = pieces[piece]
            sums[row : row + rows] = 0.0
            for block in range(0, taps, TAPS):
                count = min(TAPS, taps - block)
                for k in range(count):
                    tap = first_tap + block + k
                    _moments_of_codes(
                        codes[code_starts[tap] : code_starts[tap + 1]],
                        error,
                        lows[tap],
                        probability[starts[tap] : starts[tap + 1]],
                        values,
                        mean[tap],
                        variance[tap],
                        tables[k],
                    )
                for m in range(rows):
                    at = first + m * step + block
                    bias, noise, rest, cross = 0.0, 0.0, 0.0, 0.0
                    for k in range(count):
                        w = weight[at + k]
                        bias += tables[k, w, 0]
                        noise += tables[k, w, 1]
                        rest += tables[k, w, 2]
                        s = tables[k, w, 3]
                        slope[at + k] = s
                        cross += s * with_exact[at + k]
                    sums[row + m, 0] += bias
                    sums[row + m, 1] += noise
                    sums[row + m, 2] += rest
                    sums[row + m, 3] += cross


@kernel(parallel=True, reassociate=True)
def quadratic_forms(rows, matrices, blocks, bounds, out):
    """
    For every row of every block, with the block's matrix, whose rows are called lines here:

        out = sum_i row[i] (line_i . row)     of a lower triangle L: the form row L row'
        out = sum_i (line_i . row)^2          of a factor F: the form row F' F row'

    rows, matrices float32, each row and each line `width` long, filled up with zeros to a multiple of 16; blocks int64
    [B, 7]: index in rows of the first row, number of rows, width, index in matrices of the first line, number of lines
    (even), whether they are of a triangle, and index in out of the first row; bounds int64: one thread takes the blocks
    from one bound to the next; out float64, written. Four rows share two lines.
    """
    for part in prange(bounds.size - 1):
        for block in range(bounds[part], bounds[part + 1]):
            first, count, width, first_line, line_count, triangle, at = blocks[block]
            out[at : at + count] = 0.0
            for i in range(0, line_count, 2):
                # Behind its diagonal a line of a triangle is 0.
                size = (i + 17) // 16 * 16 if triangle else width
                start = first_line + i * width
                line0, line1 = matrices[start : start + size], matrices[start + width : start + width + size]
                if count == 1:
                    row = rows[first : first + size]
                    a, b = np.float32(0), np.float32(0)
                    for j in range(size):
                        a += line0[j] * row[j]
                        b += line1[j] * row[j]
                    x, y = (row[i], row[i + 1]) if triangle else (a, b)
                    out[at] += np.float64(x) * a + np.float64(y) * b
                    continue
                for m in range(0, count, 4):
                    # The last four take rows twice rather than fewer of them.
                    m0, m1, m2, m3 = m, min(m + 1, count - 1), min(m + 2, count - 1), min(m + 3, count - 1)
                    r0 = rows[first + m0 * width : first + m0 * width + size]
                    r1 = rows[first + m1 * width : first + m1 * width + size]
                    r2 = rows[first + m2 * width : first + m2 * width + size]
                    r3 = rows[first + m3 * width : first + m3 * width + size]
                    a0, a1, a2, a3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
                    b0, b1, b2, b3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
                    for j in range(size):
                        a0 += line0[j] * r0[j]
                        a1 += line0[j] * r1[j]
                        a2 += line0[j] * r2[j]
                        a3 += line0[j] * r3[j]
                        b0 += line1[j] * r0[j]
                        b1 += line1[j] * r1[j]
                        b2 += line1[j] * r2[j]
                        b3 += line1[j] * r3[j]
                    if triangle:
                        x0, x1, x2, x3 = r0[i], r1[i], r2[i], r3[i]
                        y0, y1, y2, y3 = r0[i + 1], r1[i + 1], r2[i + 1], r3[i + 1]
                    else:
                        x0, x1, x2, x3 = a0, a1, a2, a3
                        y0, y1, y2, y3 = b0, b1, b2, b3
                    out[at + m0] += np.float64(x0) * a0 + np.float64(y0) * b0
                    if m + 1 < count:
                        out[at + m1] += np.float64(x1) * a1 + np.float64(y1) * b1
                    if m + 2 < count:
                        out[at + m2] += np.float64(x2) * a2 + np.float64(y2) * b2
                    if m + 3 < count:
                        out[at + m3] += np.float64(x3) * a3 + np.float64(y3) * b3


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
