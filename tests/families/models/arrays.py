"""Models of the families that add partial products: bits of rows and columns, one by one."""

import functools
import math
from fractions import Fraction


@functools.cache
def bits(value, width):
    """Bits of `value` in two's complement of `width` bits, the lowest first."""
    return [int(digit) for digit in reversed(format(value % 2**width, "b").zfill(width))]


@functools.cache
def bits_set(value, width):
    """Positions of the ones of `value` in two's complement of `width` bits."""
    return [position for position, bit in enumerate(bits(value, width)) if bit]


def array_sum(w, x, width, signed, kept):
    """Sum of s_i s_j w_i x_j 2^(i+j) over the cells (i, j) that are kept; s = -1 for the sign bit, else 1."""
    weight = [2**i for i in range(width)]
    if signed:
        weight[-1] = -weight[-1]
    return sum(weight[i] * weight[j] for i in bits_set(w, width) for j in bits_set(x, width) if kept(i, j))


def exact(w, x, width, signed):
    return w * x


def truncated(w, x, width, signed, t, v):
    """No cell of the t lowest rows and columns of the operands, none of the v lowest columns of the product."""
    return array_sum(w, x, width, signed, lambda i, j: i >= t and j >= t and i + j >= v)


def broken_array(w, x, width, signed, h, v):
    return array_sum(w, x, width, signed, lambda i, j: i >= h and i + j >= v)


def perforation(w, x, width, signed, k, j=0):
    """Rows belong to x."""
    return array_sum(w, x, width, signed, lambda column, row: not j <= row < j + k)


@functools.cache
def correction_constant(n, k):
    """Minus the expected error of not forming n - k columns and of dropping k more, to the next multiple of 2^(n-k)."""
    not_formed = Fraction(1, 4) * sum((q + 1) * 2**q for q in range(n - k))
    dropped = Fraction(1, 2) * sum(2**q for q in range(n - k, n))
    return math.floor((not_formed + dropped) / 2 ** (n - k) + Fraction(1, 2)) * 2 ** (n - k)


def constant_correction(w, x, width, signed, k):
    kept = array_sum(w, x, width, signed, lambda i, j: i + j >= width - k)
    return (kept + correction_constant(width, k)) // 2**width * 2**width


def kulkarni(w, x, width, signed):
    """Cell by cell, by its three Boolean equations."""
    a, b, total = bits(w, width), bits(x, width), 0
    for i in range(0, width, 2):
        for j in range(0, width, 2):
            a0, a1, b0, b1 = a[i], a[i + 1], b[j], b[j + 1]
            total += ((a0 & b0) + 2 * (a0 & b1 | a1 & b0) + 4 * (a1 & b1)) << (i + j)
    return total


def sdlc(w, x, width, signed):
    a, total = bits(w, width), 0
    for pair in range(4):
        total += sum(
            (max(cells) if column <= 7 + pair else sum(cells)) << column
            for column, cells in pair_of_rows(a[2 * pair], a[2 * pair + 1], x, pair)
        )
    return total


@functools.cache
def pair_of_rows(even, odd, x, pair):
    """Bits of rows 2 pair and 2 pair + 1 by column."""
    b = bits(x, 8)
    cells = [(2 * pair + j, even & b[j]) for j in range(8)] + [(2 * pair + 1 + j, odd & b[j]) for j in range(8)]
    return [(column, [bit for where, bit in cells if where == column]) for column in range(2 * pair, 2 * pair + 9)]


BOOTH_ENCODERS = {  # of x_(2i+1), x_2i, x_(2i-1), w_j, w_(j-1)
    "exactly": lambda high, low, before, bit, below: (
        (low ^ before) & (high ^ bit) | (1 ^ low ^ before) & (high ^ low) & (high ^ below)
    ),
    "roughly_1": lambda high, low, before, bit, below: (low ^ before) & (high ^ bit),
    "roughly_2": lambda high, low, before, bit, below: high ^ bit,
}


def r4abm(w, x, width, signed, encoder, p):
    """Bit by bit, rows of width + 1 bits in two's complement, by the Boolean equations of the three encoders."""
    a, b, total = [*bits(w, width), bits(w, width)[-1]], [0, *bits(x, width)], 0
    for i in range(width // 2):
        before, low, high = b[2 * i : 2 * i + 3]
        for j in range(width + 1):
            encode = BOOTH_ENCODERS[f"roughly_{encoder}" if 2 * i + j < p else "exactly"]
            weight = 2 ** (2 * i + j) * (-1 if j == width else 1)
            total += weight * encode(high, low, before, a[j], a[j - 1] if j > 0 else 0)
        total += (high & (1 ^ (low & before))) << (2 * i)
    return total


MODELS = {
    "broken_array": broken_array,
    "constant_correction": constant_correction,
    "exact": exact,
    "kulkarni": kulkarni,
    "perforation": perforation,
    "r4abm": r4abm,
    "sdlc": sdlc,
    "truncated": truncated,
}
