"""Enhanced static segment method (ESSM): SSM with a third segment, half-way between the two, for m = width / 2.

    bit       7 6 5 4 3 2 1 0
    upper     o o o o . . . .      if bit 7 or 6 is set          shift width - m
    middle    . . o o o o . .      else if bit 5 or 4 is set     shift (width - m) / 2
    lower     . . . . o o o o      else                          no shift

Closed form: an exact product of mapped operands, so the table has rank 1; never above the exact product.

S. Narayanamoorthy, H. A. Moghaddam, Z. Liu, T. Park, N. S. Kim, "Energy-Efficient Approximate Multiplication for
Digital Signal Processing and Classification Applications", IEEE TVLSI 23(6), 2015, doi:10.1109/TVLSI.2014.2333366. The
paper names a multiplier by m; it follows from the width.
"""

from ..compilation import elementwise, kernel
from .family import Family, Parameter, Rule


@kernel
def enhanced_segment(value, m, width):
    """Keep the m bits of `value`, in place, of the lowest of the three segments that holds its leading one."""
    half = (width - m) >> 1
    if value >> (m + half):
        return (value >> (2 * half)) << (2 * half)
    if value >> m:
        return (value >> half) << half
    return value


@elementwise
def essm(w, x, m, width):
    """P = segment(w) segment(x) for unsigned operands of `width` bits (up to 31)."""
    return enhanced_segment(w, m, width) * enhanced_segment(x, m, width)


FAMILY = Family(
    product=essm,
    parameters=(Parameter("m", "bits of a segment, half the width", 2, lambda width: width // 2),),
    signed=False,
    citation="Narayanamoorthy, Moghaddam, Liu, Park, Kim, IEEE TVLSI 23(6), 2015, doi:10.1109/TVLSI.2014.2333366",
    summary="static segments at three places, of half the width",
    examples=({"m": 4},),
    rules=(
        Rule(
            "m of half the width, and a width that is a multiple of 4", lambda m, width: 2 * m == width and m % 2 == 0
        ),
    ),
)
