"""Broken-array multiplier: an array multiplier without its h lowest rows and v lowest columns of partial products.

    P = sum over i >= h and i + j >= v of  s_i s_j w_i x_j 2^(i+j)

with s = -1 for the sign bit of a two's complement operand and +1 elsewhere. Rows belong to w, columns to the weight
i + j of a partial product. For 4 bits, h = 1, v = 3 (o kept, . omitted):

    column     6 5 4 3 2 1 0
    row 0            . . . .      w_0: below h
    row 1          o o . .
    row 2        o o o .
    row 3      o o o o

Unsigned, the result is never above the product. The error has rank <= 8.

H. R. Mahdiani, A. Ahmadi, S. M. Fakhraie, C. Lucas, "Bio-Inspired Imprecise Computational Blocks for Efficient VLSI
Implementation of Soft-Computing Applications", IEEE TCAS-I 57(4), 2010, doi:10.1109/TCSI.2009.2027626. The paper's HBL
and VBL are h and v.
"""

from ..compilation import elementwise, kernel
from .family import Family, Parameter


@kernel
def kept_partial_products(w, x, h, v, width, signed):
    """Sum of the partial products in rows i >= h and columns i + j >= v; see the module for the formula."""
    total = 0
    for i in range(h, width):
        if (w >> i) & 1:
            # Clearing the low bits of x drops its columns; an arithmetic shift keeps the sign bit's weight.
            dropped = max(0, v - i)
            row = ((x >> dropped) << dropped) << i if dropped < width else 0
            total += -row if signed and i == width - 1 else row
    return total


@elementwise
def broken_array(w, x, h, v, width, signed):
    """Broken-array product of operands of `width` bits (up to 16), unsigned or two's complement."""
    return kept_partial_products(w, x, h, v, width, signed)


FAMILY = Family(
    product=broken_array,
    parameters=(
        Parameter("h", "rows of w omitted (HBL)", 0, lambda width: width, default=0),
        Parameter("v", "columns omitted (VBL)", 0, lambda width: 2 * width - 1, default=0),
    ),
    signed=True,
    citation="Mahdiani, Ahmadi, Fakhraie, Lucas, IEEE TCAS-I 57(4), 2010, doi:10.1109/TCSI.2009.2027626",
    summary="array multiplier without its h lowest rows and v lowest columns",
    examples=({"h": 0, "v": 4}, {"h": 2, "v": 5}, {"h": 2, "v": 5, "signed": 1}),
    commutes=False,
)
