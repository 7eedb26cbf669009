"""Dynamic segment method (DSM): the m bits from the leading one down, cut off, through a small exact multiplier.

    bit       7 6 5 4 3 2 1 0
    operand   0 1 a b c d e f      leading one at t = 6
    m = 4     0 1 a b c 0 0 0      bits t..t-m+1 kept, zeros below; t < m: the operand as it is

DRUM is this with its lowest kept bit set, which removes the mean error that cutting off leaves. Closed form: an exact
product of mapped operands, so the table has rank 1; never above the exact product. m = width is exact.

S. Narayanamoorthy, H. A. Moghaddam, Z. Liu, T. Park, N. S. Kim, "Energy-Efficient Approximate Multiplication for
Digital Signal Processing and Classification Applications", IEEE TVLSI 23(6), 2015, doi:10.1109/TVLSI.2014.2333366.
"""

from ..compilation import elementwise, kernel
from .bits import leading_one
from .family import Family, Parameter


@kernel
def dynamic_segment(value, m):
    """Keep the m bits of `value` from its leading one down, in place; `value` as it is below 2^m."""
    shift = max(0, leading_one(value) - m + 1)
    return (value >> shift) << shift


@elementwise
def dsm(w, x, m):
    """P = segment(w) segment(x) for unsigned operands of any width up to 31 bits."""
    return dynamic_segment(w, m) * dynamic_segment(x, m)


FAMILY = Family(
    product=dsm,
    parameters=(Parameter("m", "bits of a segment", 2, lambda width: width),),
    signed=False,
    citation="Narayanamoorthy, Moghaddam, Liu, Park, Kim, IEEE TVLSI 23(6), 2015, doi:10.1109/TVLSI.2014.2333366",
    summary="dynamic segments: m bits of each operand from the leading one down",
    examples=({"m": 4}, {"m": 5}, {"m": 6}),
)
