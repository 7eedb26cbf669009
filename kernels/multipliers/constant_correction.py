"""Truncated multiplication with correction constant: n + k columns of 2n are formed, a constant makes up for the rest.

    column    15 14 13 12 11 10  9  8 |  7  6  5  4 |  3  2  1  0      n = 8, k = 4
              product, n bits         | dropped     |  not formed

    P = 2^n floor((S + C) / 2^n),   S = sum over i + j >= n - k of w_i x_j 2^(i+j)

C is the multiple of 2^(n-k) next to minus the expected error (bits are 1 half of the time) of both steps, m = n - k:

    not formed:  -(1/4) sum over q < m of (q + 1) 2^q = -((m - 1) 2^m + 1) / 4
    dropped:     -(1/2) (2^n - 2^m)

The result keeps its place: a multiple of 2^n. k = n is the exact product, rounded to n bits.

M. J. Schulte, E. E. Swartzlander, "Truncated Multiplication with Correction Constant", VLSI Signal Processing VI, 1993,
doi:10.1109/VLSISP.1993.404467. (Correction that depends on the operands, King and Swartzlander 1997, is not here.)
"""

from ..compilation import elementwise
from .broken_array import kept_partial_products
from .family import Family, Parameter


@elementwise
def constant_correction(w, x, k, width):
    """Product of unsigned operands of `width` bits (up to 16), a multiple of 2^width; formula in the module."""
    m = width - k
    expected = (((m - 1) << m) + 1) + 2 * ((1 << width) - (1 << m))  # in quarters
    constant = ((expected + (2 << m)) >> (m + 2)) << m
    kept = kept_partial_products(w, x, 0, m, width, 0)
    return ((kept + constant) >> width) << width


FAMILY = Family(
    product=constant_correction,
    parameters=(Parameter("k", "columns formed below the n of the result", 0, lambda width: width),),
    signed=False,
    citation="Schulte, Swartzlander, VLSI Signal Processing VI, 1993, doi:10.1109/VLSISP.1993.404467",
    summary="n + k columns formed, a constant for the rest, rounded to the upper n bits",
    examples=({"k": 2}, {"k": 4}, {"k": 8}),
    keeps_zero=False,
)
