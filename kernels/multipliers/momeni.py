"""Approximate 4-2 compressors of Momeni and others in a Dadda tree.

A compressor takes x1..x4 of one column, and Design 1 a carry from the column before:

    Design 1    sum = not cin ((x1 xnor x2) + (x3 xnor x4)),   carry = cin,   cout = (x1 + x2)(x3 + x4)
    Design 2    sum = (x1 xnor x2) + (x3 xnor x4),             carry = (x1 + x2)(x3 + x4)         no cin, no cout

(+ is OR.) Design 1 is wrong in 12 of 32 cases, Design 2 in 4 of 16, both for four zeros: 0 x 0 is not 0.

The `columns` lowest columns are approximate, in all others addition is exact. The paper's multipliers: 1 and 2 are
Designs 1 and 2 in all columns, 3 and 4 the same in the width - 1 lowest.

A. Momeni, J. Han, P. Montuschi, F. Lombardi, "Design and Analysis of Approximate Compressors for Multiplication", IEEE
TC 64(4), 2015, doi:10.1109/TC.2014.2308214. The equations are
inferred from the paper's counts of errors, and the wiring of its tree (Fig. 9) is not known: with ours (dadda.py)
Multiplier 4 comes out as published, the others near it only.
"""

import numpy as np

from ..compilation import elementwise
from .dadda import COLUMNS, push, tree_sum
from .family import Family, Parameter


@elementwise
def momeni(w, x, design, columns, width):
    """Dadda tree product of unsigned operands of `width` bits (up to 16); see the module for the wiring."""
    bits = np.zeros(COLUMNS, np.int64)
    heights = np.zeros(COLUMNS, np.int64)
    product = 0
    for i in range(width):
        for j in range(width):
            bit = (w >> i) & (x >> j) & 1
            if i + j < columns:
                push(bits, heights, i + j, bit)
            else:
                product += bit << (i + j)
    return product + tree_sum(bits, heights, columns, width, design)


FAMILY = Family(
    product=momeni,
    parameters=(
        Parameter("design", "1 or 2, the compressor", 1, lambda width: 2),
        Parameter("columns", "lowest columns with approximate compressors", 0, lambda width: 2 * width - 1),
    ),
    signed=False,
    citation="Momeni, Han, Montuschi, Lombardi, IEEE TC 64(4), 2015, doi:10.1109/TC.2014.2308214",
    summary="approximate 4-2 compressors in the lowest columns of a Dadda tree",
    examples=({"design": 1, "columns": 7}, {"design": 2, "columns": 7}, {"design": 2, "columns": 15}),
    commutes=False,
    keeps_zero=False,
)
