"""MBM: the minimally biased multiplier, Mitchell's with a constant that removes its mean error.

With w = 2^k1 (1 + x1), x = 2^k2 (1 + x2) and the correction C = c / 2^q:

    P = 2^(k1+k2)   (1 + x1 + x2 + C)     if x1 + x2 < 1
        2^(k1+k2+1) (x1 + x2 + C/2)       otherwise; without C/2 where (x1 + x2 - 1) + C/2 >= 1 would overflow

rounded down to an integer. The hardware's constant is C = 2^-4 + 2^-6 = 0.078125 (0.0001010b for 1/12), c = 10 in units
of 2^-7: the defaults. c is the error's configuration: C = 0 is Mitchell's multiplier, whose mean error is
-2^(k1+k2)/12; the mean error grows by C 2^(k1+k2). MBM-t shortens the fractions of width - 1 bits: the t lowest are
cleared and the lowest kept one, bit t, is set to 1 (t > 0):

    fraction, width 16, t = 4     f f f f f f f f f f 1 0 0 0 0

H. Saadat, H. Bokhari, S. Parameswaran, "Minimally Biased Multipliers for Approximate Integer and Floating-Point
Multiplication", IEEE TCAD 37(11), 2018, doi:10.1109/TCAD.2018.2857262.

The paper says that operands with a small k1 + k2 lose bits of the correction and need special handling, without giving
the circuit: here the product is rounded down, which reproduces its 8-bit figures but for ten pairs of small operands
(3 x 3 and its multiples by powers of two).
"""

from ..compilation import elementwise
from .bits import fraction, leading_one
from .family import Family, Parameter, Rule


@elementwise
def mbm(w, x, width, t, c, q):
    """MBM-t product of unsigned operands of `width` bits (up to 16); 0 where an operand is 0."""
    if w == 0 or x == 0:
        return 0
    f1 = fraction(w, width)
    f2 = fraction(x, width)
    if t > 0:
        f1 = ((f1 >> t) | 1) << t
        f2 = ((f2 >> t) | 1) << t
    one = 1 << (width - 1)
    fractions = f1 + f2
    # In units of 2^(k1+k2) / (2^q one): C is an integer. Up to 2^(3 + q + 3 (width - 1)), within int64 for q <= 14.
    correction = c * one
    if fractions < one:
        scaled = ((one + fractions) << q) + correction
    else:
        scaled = fractions << (q + 1)
        if scaled + correction < one << (q + 2):
            scaled += correction
    return (scaled << (leading_one(w) + leading_one(x))) >> (width - 1 + q)


FAMILY = Family(
    product=mbm,
    parameters=(
        Parameter("t", "fraction bits cut", 0, lambda width: max(0, width - 8), default=0),
        Parameter("c", "correction constant in units of 2^-q", 0, lambda width: 1 << 14, default=10),
        Parameter("q", "fraction bits of the correction constant", 0, lambda width: 14, default=7),
    ),
    signed=False,
    citation="Saadat, Bokhari, Parameswaran, IEEE TCAD 37(11), 2018, doi:10.1109/TCAD.2018.2857262",
    summary="minimally biased: Mitchell's with a constant correction",
    examples=({}, {"c": 5}, {"c": 12}),
    rules=(Rule("c of at most 2^q", lambda c, q: c <= 1 << q),),
)
