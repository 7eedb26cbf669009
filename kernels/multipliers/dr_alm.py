"""DR-ALM-t: Mitchell's logarithmic multiplier on t bits of each operand from its leading one, with compensation.

    fraction, width 8, t = 4      f f f f f f f
    kept                          f f 1 0 0 0 0      t - 1 bits, the lowest of them set to 1
    sum of fractions              kept + kept + 2^-(t-1)

then Mitchell's antilogarithm, rounded down.

P. Yin, C. Wang, H. Waris, W. Liu, Y. Han, F. Lombardi, "Design and Analysis of Energy-Efficient Dynamic Range
Approximate Logarithmic Multipliers for Machine Learning", IEEE Transactions on Sustainable Computing 6(4), 2021,
doi:10.1109/TSUSC.2020.3004980. The paper's circuit is known here through a public behavioural model only (RatkoFri/
MulApprox); its published error for t = 6 is reproduced.
"""

from ..compilation import elementwise
from .bits import antilogarithm, fraction, leading_one
from .family import Family, Parameter


@elementwise
def dr_alm(w, x, t, width):
    """DR-ALM-t product of unsigned operands of `width` bits (up to 16); 0 where an operand is 0."""
    if w == 0 or x == 0:
        return 0
    cut = width - t
    f1 = ((fraction(w, width) >> cut) | 1) << cut
    f2 = ((fraction(x, width) >> cut) | 1) << cut
    return antilogarithm(leading_one(w) + leading_one(x), f1 + f2 + (1 << cut), width)


FAMILY = Family(
    product=dr_alm,
    parameters=(Parameter("t", "bits kept of each operand", 3, lambda width: width),),
    signed=False,
    citation="Yin, Wang, Waris, Liu, Han, Lombardi, IEEE TSUSC 6(4), 2021, doi:10.1109/TSUSC.2020.3004980",
    summary="logarithmic on t leading bits of each operand, lowest kept bit set, compensated",
    examples=({"t": 4}, {"t": 5}, {"t": 6}),
)
