"""The line through each channel's approximate sums over the wanted ones, and the sums with it undone."""

import numpy as np
from numba import prange

from .compilation import kernel


@kernel(parallel=True)
def line_moments(wanted, approximate, moments):
    """
    Means, variance and covariance of each row's pairs.

    wanted, approximate int32 [M, N], N > 0; moments float64 [M, 4], written: mean of wanted, mean of approximate,
    variance of wanted, covariance. Sums of N terms each, rounding below N 2^-53 of the sum of the absolute terms.
    """
    rows, count = wanted.shape
    for m in prange(rows):
        first = second = np.int64(0)
        for n in range(count):
            first += wanted[m, n]
            second += approximate[m, n]
        mean, other_mean = first / count, second / count
        variance = covariance = 0.0
        for n in range(count):
            off = wanted[m, n] - mean
            variance += off * off
            covariance += off * (approximate[m, n] - other_mean)
        moments[m, 0] = mean
        moments[m, 1] = other_mean
        moments[m, 2] = variance / count
        moments[m, 3] = covariance / count


@kernel(parallel=True)
def undo_lines(approximate, gain, shift, offset, room, out):
    """
    Undo approximate = (1 + gain) exact + shift in each row, to the nearest integer, ties to even.

    approximate, offset int32 [M, N]; gain, shift float64 [M]; room int64 [M]; out int32 [M, N], written: less the
    offset, kept from -room to room.
    """
    rows, count = approximate.shape
    for m in prange(rows):
        slope = 1 / (1 + gain[m])
        for n in range(count):
            value = np.rint((approximate[m, n] - shift[m]) * slope) - offset[m, n]
            out[m, n] = np.int32(min(max(value, -room[m]), room[m]))
