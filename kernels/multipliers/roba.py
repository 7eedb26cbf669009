"""RoBA: operands rounded to the nearest power of two, and the one product that is hard left out.

    w x = wr x + xr w - wr xr + (wr - w)(xr - x)        the last term is not formed

    bits of w   1 0 1 . . .   rounds down to the leading one           wr = 2^k
                1 1 . . . .   rounds up, the tie 110..0 too            wr = 2^(k+1)
                1 1           3 alone rounds down, to 2

    P = wr x + xr w - wr xr

The error -(wr - w)(xr - x) has rank 1 and is at most 1/9 of the product. The value is also that of the logarithmic
multiplier with a nearest-one detector of M. S. Ansari, B. F. Cockburn, J. Han, "An Improved Logarithmic Multiplier for
Energy-Efficient Neural Computing", IEEE TC 70(4), 2021, doi:10.1109/TC.2020.2992113, whose figures are near but not the
same: it is not a family of its own here.

R. Zendegani, M. Kamal, M. Bahadori, A. Afzali-Kusha, M. Pedram, "RoBA Multiplier: A Rounding-Based Approximate
Multiplier for High-Speed yet Energy-Efficient Digital Signal Processing", IEEE TVLSI 25(2), 2017,
doi:10.1109/TVLSI.2016.2587696. This is U-RoBA; S-RoBA serves signed operands by sign-magnitude; AS-RoBA negates by
one's complement, without the + 1.
"""

from ..compilation import elementwise, kernel
from .bits import leading_one
from .family import Family


@kernel
def nearest_power(value):
    """Round to the nearest power of two; of two as near to the upper, but 3 to 2, and 0 to 0."""
    if value <= 3:
        return value & 1 if value < 2 else 2
    k = leading_one(value)
    return 1 << (k + ((value >> (k - 1)) & 1))


@elementwise
def roba(w, x):
    """P = wr x + xr w - wr xr for unsigned operands of any width up to 30 bits; 0 where an operand is 0."""
    wr = nearest_power(w)
    xr = nearest_power(x)
    return wr * x + xr * w - wr * xr


FAMILY = Family(
    product=roba,
    parameters=(),
    signed=False,
    citation="Zendegani, Kamal, Bahadori, Afzali-Kusha, Pedram, IEEE TVLSI 25(2), 2017, doi:10.1109/TVLSI.2016.2587696",
    summary="operands rounded to powers of two, product of the remainders left out",
    examples=({},),
)
