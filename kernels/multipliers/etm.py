"""Error-tolerant multiplier (ETM): upper halves multiplied, lower halves only looked at.

    w             w7 w6 w5 w4 | w3 w2 w1 w0
    x             x7 x6 x5 x4 | x3 x2 x1 x0
    upper result  exact product of the upper halves, `width` bits
    lower result  from bit 3 down: w_i | x_i until the first 1, from there on 1; and 1111 below if there was a 1

    example       w = 0101 0010, x = 0011 0100:  5 x 3 = 15, then 0 1 1 1 and 1 1 1 1  ->  0000 1111 0111 1111

Where both upper halves are 0, the lower halves are multiplied exactly instead. A product with one operand 0 need not be
0: the other's lower half shows in the lower result.

K. Y. Kyaw, W. L. Goh, K. S. Yeo, "Low-Power High-Speed Multiplier for Error-Tolerant Application", EDSSC 2010,
doi:10.1109/EDSSC.2010.5713751.
"""

from ..compilation import elementwise
from .bits import leading_one
from .family import Family, Rule


@elementwise
def etm(w, x, width):
    """ETM product of unsigned operands of even `width` (up to 30)."""
    half = width // 2
    if (w | x) >> half == 0:
        return w * x
    ones = (1 << half) - 1
    low = (w | x) & ones
    lower = 0
    if low > 0:
        lower = (((2 << leading_one(low)) - 1) << half) | ones
    return ((w >> half) * (x >> half) << width) | lower


FAMILY = Family(
    product=etm,
    parameters=(),
    signed=False,
    citation="Kyaw, Goh, Yeo, EDSSC 2010, doi:10.1109/EDSSC.2010.5713751",
    summary="error-tolerant: upper halves multiplied, lower halves filled with ones",
    examples=({},),
    rules=(Rule("an even width", lambda width: width % 2 == 0),),
    keeps_zero=False,
)
