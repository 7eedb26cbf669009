"""Static segment method (SSM): each operand is its upper or its lower m bits, whichever holds the leading one.

    bit       7 6 5 4 3 2 1 0
    operand   0 0 1 a b c d e      m = 5: a bit above the lower 5 is set, so the upper 5 are taken ...
    taken     0 0 1 a b            ... and the product of the two segments is shifted back by width - m for each

    operand   0 0 0 1 a b c d      no bit above the lower 5 is set: the operand as it is

Closed form: an exact product of mapped operands, so the table has rank 1; never above the exact product. m = width is
exact.

S. Narayanamoorthy, H. A. Moghaddam, Z. Liu, T. Park, N. S. Kim, "Energy-Efficient Approximate Multiplication for
Digital Signal Processing and Classification Applications", IEEE TVLSI 23(6), 2015, doi:10.1109/TVLSI.2014.2333366.
"""

from ..compilation import elementwise, kernel
from .family import Family, Parameter, Rule


@kernel
def static_segment(value, m, width):
    """Upper m bits of `value` in place if any bit above the lower m is set, else `value`."""
    if value >> m:
        return (value >> (width - m)) << (width - m)
    return value


@elementwise
def ssm(w, x, m, width):
    """P = segment(w) segment(x) for unsigned operands of `width` bits (up to 31)."""
    return static_segment(w, m, width) * static_segment(x, m, width)


FAMILY = Family(
    product=ssm,
    parameters=(Parameter("m", "bits of a segment", 2, lambda width: width),),
    signed=False,
    citation="Narayanamoorthy, Moghaddam, Liu, Park, Kim, IEEE TVLSI 23(6), 2015, doi:10.1109/TVLSI.2014.2333366",
    summary="static segments: upper or lower m bits of each operand",
    examples=({"m": 4}, {"m": 5}, {"m": 6}),
    rules=(Rule("m of at least half the width", lambda m, width: 2 * m >= width),),
)
