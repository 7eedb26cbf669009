"""Iterative logarithmic multiplier (ILM): Mitchell's without the carry, and its error multiplied the same way again.

    w = 2^k1 + r1,  x = 2^k2 + r2:     w x = 2^(k1+k2) + r1 2^k2 + r2 2^k1 + r1 r2
                                             basic block                     the next block's product

`ecc` error-correction circuits follow the basic block, each a basic block on the operands without their leading one:

    w     1 0 1 1 0 1      ecc = 2: what is left after three leading ones of w or of x are gone is not multiplied
    r1        1 1 0 1
    r1'         1 0 1

The error is never positive, at worst 1/4^(ecc+1) of the product; zero once an operand has no more than ecc + 1 ones.

Z. Babić, A. Avramović, P. Bulić, "An Iterative Logarithmic Multiplier", Microprocessors and Microsystems 35(1), 2011,
doi:10.1016/j.micpro.2010.07.001.
"""

from ..compilation import elementwise
from .bits import leading_one
from .family import Family, Parameter


@elementwise
def ilm(w, x, ecc):
    """ILM product of unsigned operands of any width up to 31 bits with `ecc` error-correction circuits."""
    total = 0
    for _ in range(ecc + 1):
        if w == 0 or x == 0:
            break
        p1 = 1 << leading_one(w)
        p2 = 1 << leading_one(x)
        w -= p1
        x -= p2
        total += p1 * p2 + w * p2 + x * p1
    return total


FAMILY = Family(
    product=ilm,
    parameters=(Parameter("ecc", "error-correction circuits", 0, lambda width: width - 1),),
    signed=False,
    citation="Babić, Avramović, Bulić, Microprocessors and Microsystems 35(1), 2011, doi:10.1016/j.micpro.2010.07.001",
    summary="iterative logarithmic: the error multiplied the same way, ecc times",
    examples=({"ecc": 0}, {"ecc": 1}, {"ecc": 2}),
)
