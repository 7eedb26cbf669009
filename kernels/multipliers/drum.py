"""DRUM-k: the k leading bits of each operand, made unbiased, through a small exact multiplier.

    bit       7 6 5 4 3 2 1 0
    operand   0 1 a b c d e f      leading one at t = 6
    k = 4     0 1 a b 1 0 0 0      bits t..t-k+1 kept, bit t-k+1 set to 1, zeros below; t < k: the operand as it is

Setting the lowest kept bit stands for the expected value of what is cut off, hence the small mean error.

S. Hashemi, R. I. Bahar, S. Reda, "DRUM: A Dynamic Range Unbiased Multiplier for Approximate Applications", ICCAD 2015,
doi:10.1109/ICCAD.2015.7372600, section III.

Closed form: the product is exact in the mapped operands, so the table has rank 1; k = width is the exact multiplier.
"""

from ..compilation import elementwise, kernel
from .bits import leading_one
from .family import Family, Parameter


@kernel
def keep_leading_bits(value, k):
    """DRUM's operand map: keep the k bits from the leading one down, the lowest of them set; value as is below 2^k."""
    leading = leading_one(value)
    if leading < k:
        return value
    shift = leading - k + 1
    return ((value >> shift) | 1) << shift


@elementwise
def drum(w, x, k):
    """P = map_k(w) map_k(x) for unsigned operands of any width up to 31 bits."""
    return keep_leading_bits(w, k) * keep_leading_bits(x, k)


FAMILY = Family(
    product=drum,
    parameters=(Parameter("k", "leading bits kept of each operand", 2, lambda width: width),),
    signed=False,
    citation="Hashemi, Bahar, Reda, ICCAD 2015, doi:10.1109/ICCAD.2015.7372600",
    summary="dynamic range: k leading bits of each operand, lowest kept bit set",
    examples=({"k": 3}, {"k": 4}, {"k": 5}, {"k": 6}),
)
