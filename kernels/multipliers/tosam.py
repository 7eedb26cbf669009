"""TOSAM(h, t): truncated and rounded fractions; a small exact product of h + 1 bits beside sums of t bits.

    operand    0 1 f f f f f f       1 + Y, leading one at k
    (Y)_t        . f f f 0 0 0       t = 3 fraction bits, cut off: added
    (Y)_APX      . f 1               h = 1 fraction bits and a 1: multiplied, h + 1 bits each

    P = 2^(k1+k2) (1 + (Y1)_t + (Y2)_t + (Y1)_APX (Y2)_APX),  rounded down

S. Vahdat, M. Kamal, A. Afzali-Kusha, M. Pedram, "TOSAM: An Energy-Efficient Truncation- and Rounding-Based Scalable
Approximate Multiplier", IEEE TVLSI 27(5), 2019, doi:10.1109/TVLSI.2018.2890712. The paper's signed multiplier takes
absolute values by one's complement; this is its unsigned core.
"""

from ..compilation import elementwise
from .bits import fraction, leading_one
from .family import Family, Parameter, Rule


@elementwise
def tosam(w, x, h, t, width):
    """TOSAM(h, t) product of unsigned operands of `width` bits (up to 16); 0 where an operand is 0."""
    if w == 0 or x == 0:
        return 0
    bits = width - 1
    f1 = fraction(w, width)
    f2 = fraction(x, width)
    added = (f1 >> (bits - t)) + (f2 >> (bits - t))  # in units of 2^-t
    multiplied = (((f1 >> (bits - h)) << 1) | 1) * (((f2 >> (bits - h)) << 1) | 1)  # in units of 2^-(2h+2)
    unit = max(t, 2 * h + 2)  # at most 2 bits: below 2^(2 + 4 bits), within int64 for 16-bit operands
    scaled = (1 << unit) + (added << (unit - t)) + (multiplied << (unit - 2 * h - 2))
    return (scaled << (leading_one(w) + leading_one(x))) >> unit


FAMILY = Family(
    product=tosam,
    parameters=(
        Parameter("h", "fraction bits multiplied", 0, lambda width: width - 2),
        Parameter("t", "fraction bits added", 1, lambda width: width - 1),
    ),
    signed=False,
    citation="Vahdat, Kamal, Afzali-Kusha, Pedram, IEEE TVLSI 27(5), 2019, doi:10.1109/TVLSI.2018.2890712",
    summary="truncated fractions added, rounded ones of h + 1 bits multiplied",
    examples=({"h": 0, "t": 2}, {"h": 1, "t": 5}, {"h": 2, "t": 6}, {"h": 3, "t": 7}),
    rules=(Rule("t above h", lambda h, t: t > h),),
)
