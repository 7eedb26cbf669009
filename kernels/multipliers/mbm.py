"""MBM: the minimally biased multiplier, Mitchell's with a constant that removes its mean error.

With w = 2^k1 (1 + x1), x = 2^k2 (1 + x2) and c = 2^-4 + 2^-6 = 0.078125 (the hardware's 0.0001010b for 1/12):

    P = 2^(k1+k2)   (1 + x1 + x2 + c)     if x1 + x2 < 1
        2^(k1+k2+1) (x1 + x2 + c/2)       otherwise; without c/2 where (x1 + x2 - 1) + c/2 >= 1 would overflow

rounded down to an integer. MBM-t shortens the fractions of width - 1 bits: the t lowest are cleared and the lowest
kept one, bit t, is set to 1 (t > 0):

    fraction, width 16, t = 4     f f f f f f f f f f 1 0 0 0 0

H. Saadat, H. Bokhari, S. Parameswaran, "Minimally Biased Multipliers for Approximate Integer and Floating-Point
Multiplication", IEEE TCAD 37(11), 2018, doi:10.1109/TCAD.2018.2857262.

The paper says that operands with a small k1 + k2 lose bits of the correction and need special handling, without giving
the circuit: here the product is rounded down, which reproduces its 8-bit figures but for ten pairs of small operands
(3 x 3 and its multiples by powers of two).
"""

from ..compilation import elementwise
from .bits import leading_one
from .family import Family, Parameter


@elementwise
def mbm(w, x, width, t):
    """MBM-t product of unsigned operands of `width` bits (up to 16); 0 where an operand is 0."""
    if w == 0 or x == 0:
        return 0
    k1 = leading_one(w)
    k2 = leading_one(x)
    fraction_bits = width - 1
    f1 = (w - (1 << k1)) << (fraction_bits - k1)
    f2 = (x - (1 << k2)) << (fraction_bits - k2)
    if t > 0:
        f1 = ((f1 >> t) | 1) << t
        f2 = ((f2 >> t) | 1) << t
    one = 1 << fraction_bits
    fractions = f1 + f2
    # In units of 2^(k1+k2) / (64 one), so that c = 5/64 is an integer; fractions + c/2 >= 2 is the overflow.
    correction = 5 * one
    if fractions < one:
        scaled = 64 * (one + fractions) + correction
    elif 64 * fractions + correction // 2 >= 128 * one:
        scaled = 128 * fractions
    else:
        scaled = 128 * fractions + correction
    return (scaled << (k1 + k2)) >> (fraction_bits + 6)


FAMILY = Family(
    product=mbm,
    parameters=(Parameter("t", "fraction bits cut", 0, lambda width: width - 8, default=0),),
    signed=False,
    citation="Saadat, Bokhari, Parameswaran, IEEE TCAD 37(11), 2018, doi:10.1109/TCAD.2018.2857262",
    summary="minimally biased: Mitchell's with a constant correction",
    examples=({},),
)
