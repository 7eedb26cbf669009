"""Mitchell's logarithmic multiplier: add the operands' approximate logarithms, take the approximate antilogarithm.

With w = 2^k1 (1 + x1) and x = 2^k2 (1 + x2), log2(1 + f) ~ f gives

    P = 2^(k1+k2)   (1 + x1 + x2)    if x1 + x2 < 1
        2^(k1+k2+1) (x1 + x2)        otherwise

In integers, with the fractions f1 = w - 2^k1 and f2 = x - 2^k2 and s = f1 2^k2 + f2 2^k1, that is 2^(k1+k2) + s where
s < 2^(k1+k2), else 2 s: no bit is lost. The error is never positive: -x1 x2 2^(k1+k2) or -(1-x1)(1-x2) 2^(k1+k2), at
worst -1/9 of the product, -1/12 2^(k1+k2) on average.

J. N. Mitchell, "Computer Multiplication and Division Using Binary Logarithms", IRE Transactions on Electronic
Computers EC-11(4), 1962, doi:10.1109/TEC.1962.5219391.
"""

from ..compilation import elementwise
from .bits import leading_one
from .family import Family


@elementwise
def mitchell(w, x):
    """Mitchell's product of unsigned operands of any width up to 31 bits; 0 where an operand is 0."""
    if w == 0 or x == 0:
        return 0
    k1 = leading_one(w)
    k2 = leading_one(x)
    one = 1 << (k1 + k2)
    fractions = ((w - (1 << k1)) << k2) + ((x - (1 << k2)) << k1)
    if fractions < one:
        return one + fractions
    return 2 * fractions


FAMILY = Family(
    product=mitchell,
    parameters=(),
    signed=False,
    citation="Mitchell, IRE Trans. EC-11(4), 1962, doi:10.1109/TEC.1962.5219391",
    summary="logarithmic: adds approximate logarithms, never above the exact product",
    examples=({},),
)
