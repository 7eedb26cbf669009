"""Mitch-w: Mitchell's logarithmic multiplier on the w leading bits of each operand, the rest cut off.

    fraction, width 8, w = 4      f f f 0 0 0 0      w - 1 bits kept, nothing set in their place

The product is rounded down and never above the exact one; w = width is Mitchell's multiplier.

M. S. Kim, A. A. Del Barrio, L. T. Oliveira, R. Hermida, N. Bagherzadeh, "Efficient Mitchell's Approximate Log
Multipliers for Convolutional Neural Networks", IEEE TC 68(5), 2019, doi:10.1109/TC.2018.2880742. The paper's signed
multiplier negates by one's complement; this is its unsigned core.
"""

from ..compilation import elementwise
from .bits import antilogarithm, fraction, leading_one
from .family import Family, Parameter


@elementwise
def mitch_w(w, x, bits, width):
    """Mitch-w product, w = `bits`, of unsigned operands of `width` bits (up to 16); 0 where an operand is 0."""
    if w == 0 or x == 0:
        return 0
    cut = width - bits
    f1 = (fraction(w, width) >> cut) << cut
    f2 = (fraction(x, width) >> cut) << cut
    return antilogarithm(leading_one(w) + leading_one(x), f1 + f2, width)


FAMILY = Family(
    product=mitch_w,
    parameters=(Parameter("bits", "bits kept of each operand (w)", 2, lambda width: width),),
    signed=False,
    citation="Kim, Del Barrio, Oliveira, Hermida, Bagherzadeh, IEEE TC 68(5), 2019, doi:10.1109/TC.2018.2880742",
    summary="logarithmic on the w leading bits of each operand",
    examples=({"bits": 4}, {"bits": 5}, {"bits": 6}),
)
