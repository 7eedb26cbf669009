"""Models of the logarithmic families: fractions behind the leading one, added."""

import functools
import math
from fractions import Fraction

import numpy as np


@functools.cache
def fraction_text(value, width):
    """Position of the leading one, and the width - 1 bits behind it."""
    text = format(value, "b")
    return len(text) - 1, text[1:].ljust(width - 1, "0")


@functools.cache
def logarithm(value, width, t=0):
    """Position of the leading one, and the fraction behind it, of width - 1 bits; its bits t..0 made 10..0 if t > 0."""
    k, fraction = fraction_text(value, width)
    if t > 0:
        fraction = fraction[: width - 2 - t] + "1" + "0" * t
    return k, Fraction(int(fraction, 2), 2 ** (width - 1))


def antilogarithm(k, fractions):
    return math.floor(2**k * (1 + fractions) if fractions < 1 else 2 ** (k + 1) * fractions)


def mitchell(w, x, width, signed):
    if w == 0 or x == 0:
        return 0
    (k1, x1), (k2, x2) = logarithm(w, width), logarithm(x, width)
    return 2 ** (k1 + k2) * (1 + x1 + x2) if x1 + x2 < 1 else 2 ** (k1 + k2 + 1) * (x1 + x2)


def mbm(w, x, width, signed, t=0, c=0b1010, q=7):
    if w == 0 or x == 0:
        return 0
    correction = Fraction(c, 2**q)
    (k1, x1), (k2, x2) = logarithm(w, width, t), logarithm(x, width, t)
    if x1 + x2 < 1:
        return math.floor(2 ** (k1 + k2) * (1 + x1 + x2 + correction))
    overflow = (x1 + x2 - 1) + correction / 2 >= 1
    return math.floor(2 ** (k1 + k2 + 1) * (x1 + x2 + (0 if overflow else correction / 2)))


def mbm_configurable(w, x, width, signed, t=0, c=10):
    return mbm(w, x, width, signed, t, c, 7)


@functools.cache
def realm_correction(m, i, j, q):
    """
    Mean relative error of Mitchell's product over a segment's mean 1 / p, rounded to q bits.

    Off the antidiagonal in closed form, x y / ((1 + x)(1 + y)) or (1 - x)(1 - y) / ((1 + x)(1 + y)) in factors; on it
    by the midpoint rule on 2000 x 2000 points.
    """
    (a, b), (c, d) = (i / m, (i + 1) / m), (j / m, (j + 1) / m)
    areas = math.log((1 + b) / (1 + a)) * math.log((1 + d) / (1 + c))
    if i + j == m - 1:
        midpoints = (np.arange(2000) + 0.5) / (2000 * m)
        x, y = a + midpoints[:, None], c + midpoints[None, :]
        lost = np.where(x + y < 1, x * y, (1 - x) * (1 - y)) / ((1 + x) * (1 + y))
        total = lost.mean() / m**2
    elif i + j < m - 1:
        total = (1 / m - math.log((1 + b) / (1 + a))) * (1 / m - math.log((1 + d) / (1 + c)))
    else:
        total = (2 * math.log((1 + b) / (1 + a)) - 1 / m) * (2 * math.log((1 + d) / (1 + c)) - 1 / m)
    return Fraction(math.floor(total / areas * 2**q + 0.5), 2**q)


def realm(w, x, width, signed, m, t=0, q=6):
    if w == 0 or x == 0:
        return 0
    (k1, x1), (k2, x2) = logarithm(w, width), logarithm(x, width)
    correction = realm_correction(m, math.floor(x1 * m), math.floor(x2 * m), q)
    (_, x1), (_, x2) = logarithm(w, width, t), logarithm(x, width, t)
    if x1 + x2 < 1:
        return math.floor(2 ** (k1 + k2) * (1 + x1 + x2 + correction))
    return math.floor(2 ** (k1 + k2 + 1) * (x1 + x2 + correction / 2))


@functools.cache
def without_leading_ones(value, count):
    for _ in range(count):
        value -= 2 ** (value.bit_length() - 1) if value else 0
    return value


def ilm(w, x, width, signed, ecc):
    """The error is the product of what is left of the operands when each block has taken a leading one of both."""
    return w * x - without_leading_ones(w, ecc + 1) * without_leading_ones(x, ecc + 1)


def alm_soa(w, x, width, signed, m):
    if w == 0 or x == 0:
        return 0
    (k1, a), (k2, b) = fraction_text(w, width), fraction_text(x, width)
    kept = width - 1 - m
    carry = m > 0 and a[kept] == b[kept] == "1"
    upper = int("0" + a[:kept], 2) + int("0" + b[:kept], 2) + carry
    return antilogarithm(k1 + k2, Fraction(int(format(upper, "b") + "1" * m, 2), 2 ** (width - 1)))


def dr_alm(w, x, width, signed, t):
    if w == 0 or x == 0:
        return 0
    (k1, a), (k2, b) = fraction_text(w, width), fraction_text(x, width)
    total = int(a[: t - 2] + "1", 2) + int(b[: t - 2] + "1", 2) + 1
    return antilogarithm(k1 + k2, Fraction(total, 2 ** (t - 1)))


def mitch_w(w, x, width, signed, bits):
    if w == 0 or x == 0:
        return 0
    (k1, a), (k2, b) = fraction_text(w, width), fraction_text(x, width)
    return antilogarithm(k1 + k2, Fraction(int(a[: bits - 1], 2) + int(b[: bits - 1], 2), 2 ** (bits - 1)))


MODELS = {
    "alm_soa": alm_soa,
    "dr_alm": dr_alm,
    "ilm": ilm,
    "mbm": mbm,
    "mbm_configurable": mbm_configurable,
    "mitch_w": mitch_w,
    "mitchell": mitchell,
    "realm": realm,
}
