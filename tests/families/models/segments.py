"""Models of the families that map each operand to a shorter one: segments, roundings, centres."""

import functools
import math
from fractions import Fraction

from families.models.logarithmic import logarithm


@functools.cache
def drum_operand(value, k):
    text = format(value, "b")
    return value if len(text) <= k else int(text[: k - 1] + "1" + "0" * (len(text) - k), 2)


def drum(w, x, width, signed, k):
    return drum_operand(w, k) * drum_operand(x, k)


@functools.cache
def static_segment(value, width, m, starts):
    """The m bits from the first of the starts, counted from the upper end, above which there is no 1."""
    text = format(value, "b").zfill(width)
    start = max(start for start in starts if "1" not in text[:start])
    return int(text[start : start + m].ljust(width - start, "0"), 2)


def ssm(w, x, width, signed, m):
    starts = (0, width - m)
    return static_segment(w, width, m, starts) * static_segment(x, width, m, starts)


def essm(w, x, width, signed, m):
    starts = (0, (width - m) // 2, width - m)
    return static_segment(w, width, m, starts) * static_segment(x, width, m, starts)


@functools.cache
def dynamic_segment(value, m):
    text = format(value, "b")
    return int(text[:m].ljust(len(text), "0"), 2)


def dsm(w, x, width, signed, m):
    return dynamic_segment(w, m) * dynamic_segment(x, m)


@functools.cache
def tosam_operand(value, width, h, t):
    """Position of the leading one, fraction cut to t bits, and fraction of h bits with a 1 behind."""
    k, fraction = logarithm(value, width)
    cut = Fraction(math.floor(fraction * 2**t), 2**t)
    return k, cut, Fraction(2 * math.floor(fraction * 2**h) + 1, 2 ** (h + 1))


def tosam(w, x, width, signed, h, t):
    if w == 0 or x == 0:
        return 0
    (k1, cut1, rounded1), (k2, cut2, rounded2) = tosam_operand(w, width, h, t), tosam_operand(x, width, h, t)
    return math.floor(2 ** (k1 + k2) * (1 + cut1 + cut2 + rounded1 * rounded2))


@functools.cache
def nearest_power(value):
    if value in (0, 3):
        return {0: 0, 3: 2}[value]
    return min((2**p for p in range(value.bit_length() + 1)), key=lambda power: (abs(power - value), -power))


def roba(w, x, width, signed):
    return w * x - (nearest_power(w) - w) * (nearest_power(x) - x)


@functools.cache
def centre(value, width, l):  # noqa: E741
    return next(
        start + size // 2 for size in [2**width // 2**l] for start in range(0, 2**width, size) if value < start + size
    )


def ou(w, x, width, signed, l):  # noqa: E741
    return max(0, w * x - (w - centre(w, width, l)) * (x - centre(x, width, l)))


def etm(w, x, width, signed):
    half = width // 2
    a, b = format(w, "b").zfill(width), format(x, "b").zfill(width)
    if "1" not in a[:half] + b[:half]:
        return w * x
    lower, seen = "", False
    for left, right in zip(a[half:], b[half:], strict=True):
        seen = seen or left == "1" or right == "1"
        lower += "1" if seen else "0"
    return int(format(int(a[:half], 2) * int(b[:half], 2), "b") + lower + lower[-1] * half, 2)


MODELS = {
    "drum": drum,
    "dsm": dsm,
    "essm": essm,
    "etm": etm,
    "ou": ou,
    "roba": roba,
    "ssm": ssm,
    "tosam": tosam,
}
