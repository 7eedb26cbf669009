"""Truncation, the oldest approximation: of the operands (t), of the product's columns (v), or of both.

    operands, t = 2     w7 w6 w5 w4 w3 w2 0 0     the t lowest bits of both cleared, product exact
    product,  v = 6     partial products of the v lowest columns (i + j < v) are not formed, no correction

Operand truncation maps both operands, so its table has rank 1; product truncation is a broken array with h = 0.

M. J. Schulte, E. E. Swartzlander, "Truncated Multiplication with Correction Constant", VLSI Signal Processing VI, 1993,
doi:10.1109/VLSISP.1993.404467 (here without its correction constant).
"""

from ..compilation import elementwise
from .broken_array import kept_partial_products
from .family import Family, Parameter


@elementwise
def truncated(w, x, t, v, width, signed):
    """Product of operands of `width` bits (up to 16) without their t low bits, without its v low columns."""
    if t >= width:  # nothing is left; a shift would leave the sign of a negative operand
        return 0
    w = (w >> t) << t
    x = (x >> t) << t
    if v == 0:
        return w * x
    return kept_partial_products(w, x, 0, v, width, signed)


FAMILY = Family(
    product=truncated,
    parameters=(
        Parameter("t", "low bits of both operands cleared", 0, lambda width: width, default=0),
        Parameter("v", "low columns of the product not formed", 0, lambda width: 2 * width - 1, default=0),
    ),
    signed=True,
    citation="Schulte, Swartzlander, VLSI Signal Processing VI, 1993, doi:10.1109/VLSISP.1993.404467",
    summary="t low bits of the operands cleared, v low columns of the product not formed",
    examples=({"t": 1}, {"t": 2}, {"v": 6}, {"t": 1, "signed": 1}),
)
