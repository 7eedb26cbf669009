"""OU(L): optimally approximated, unbiased: the product linearised in each of 2^L x 2^L segments of the operands.

    w       w7 w6 w5 w4 w3 w2 w1 w0      L = 3
    centre  w7 w6 w5  1  0  0  0  0      cw: the upper L bits, then the middle of their segment

    P = max(0, w cx + x cw - cw cx) = max(0, w x - (w - cw)(x - cx))

Within a segment the error -(w - cw)(x - cx) has rank 1 and is next to unbiased. A product with an operand of 0 need not
be 0.

C. Chen, S. Yang, W. Qian, M. Imani, X. Yin, C. Zhuo, "Optimally Approximated and Unbiased Floating-Point Multiplier
with Runtime Configurability", ICCAD 2020, doi:10.1145/3400302.3415702. The paper's multiplies mantissas; this is its
integer version as published with ApproxFlow.
"""

from ..compilation import elementwise, kernel
from .family import Family, Parameter


@kernel
def segment_centre(value, level, width):
    """Middle, rounded up, of the one of 2^level segments of 0..2^width - 1 that holds `value`."""
    shift = width - level
    return ((value >> shift) << shift) | (1 << (shift - 1))


@elementwise
def ou(w, x, l, width):  # noqa: E741 (the literature's name)
    """P = max(0, w cx + x cw - cw cx) for unsigned operands of `width` bits (up to 30)."""
    cw = segment_centre(w, l, width)
    cx = segment_centre(x, l, width)
    return max(0, w * cx + x * cw - cw * cx)


FAMILY = Family(
    product=ou,
    parameters=(Parameter("l", "level: 2^l segments of each operand (L)", 0, lambda width: width - 1),),
    signed=False,
    citation="Chen, Yang, Qian, Imani, Yin, Zhuo, ICCAD 2020, doi:10.1145/3400302.3415702",
    summary="product linearised in each of 2^l x 2^l segments of the operands",
    examples=({"l": 1}, {"l": 3}),
    keeps_zero=False,
)
