"""ALM-SOA: Mitchell's logarithmic multiplier whose fractions are added by a set-one adder.

    fractions, width 8, m = 3      f f f f a g g
                                 + f f f f b g g
    sum                          c s s s s 1 1 1      the m low bits are 1; carry into bit m: a & b, the bits m - 1

m = 0 is Mitchell's multiplier. The product is rounded down.

W. Liu, J. Xu, D. Wang, C. Wang, P. Montuschi, F. Lombardi, "Design and Evaluation of Approximate Logarithmic
Multipliers for Low Power Error-Tolerant Applications", IEEE TCAS-I 65(9), 2018, doi:10.1109/TCSI.2018.2792902. The
paper adds whole logarithms; the adder's approximate part is taken to lie within the fractions, as in its behavioural
models.
"""

from ..compilation import elementwise
from .bits import antilogarithm, fraction, leading_one
from .family import Family, Parameter


@elementwise
def alm_soa(w, x, m, width):
    """ALM-SOA-m product of unsigned operands of `width` bits (up to 16); 0 where an operand is 0."""
    if w == 0 or x == 0:
        return 0
    f1 = fraction(w, width)
    f2 = fraction(x, width)
    carry = ((f1 & f2) >> (m - 1)) & 1 if m > 0 else 0
    fractions = (((f1 >> m) + (f2 >> m) + carry) << m) | ((1 << m) - 1)
    return antilogarithm(leading_one(w) + leading_one(x), fractions, width)


FAMILY = Family(
    product=alm_soa,
    parameters=(Parameter("m", "low bits of the sum of fractions set to 1", 0, lambda width: width - 1),),
    signed=False,
    citation="Liu, Xu, Wang, Wang, Montuschi, Lombardi, IEEE TCAS-I 65(9), 2018, doi:10.1109/TCSI.2018.2792902",
    summary="logarithmic, the m low bits of the sum of fractions set to 1",
    examples=({"m": 3}, {"m": 4}, {"m": 5}),
)
