"""Multiplier of Venkatachalam and Ko: partial products altered in pairs, then approximate adders and compressors.

In a column of more than three partial products, a_mn = w_m x_n and a_nm are replaced by

    propagate  p_mn = a_mn | a_nm       one bit of the column for each pair, beside a_mm
    generate   g_mn = a_mn & a_nm       at most four of them ORed into one bit of the column; each is 1 in 1/16 of cases

and the columns are reduced by

    half adder      sum = a | b                             carry = a b
    full adder      sum = (a | b) ^ c                       carry = (a | b) c
    4-2 compressor  sum = (a ^ b) | (c ^ d) | a b c d       carry = a b | c d          no cin, no cout

In the `columns` lowest columns, that is; all others are exact. The paper's Multiplier 1 is approximate in all columns,
Multiplier 2 in the width - 1 lowest.

S. Venkatachalam, S.-B. Ko, "Design of Power and Area Efficient Approximate Multipliers", IEEE TVLSI 25(5), 2017,
doi:10.1109/TVLSI.2016.2643639. The wiring of its tree is not known; with ours (dadda.py) the mean relative error at 16
bits is 7.2 and 0.023 %, published 7.6 and 0.02 %. The bits of an altered column are in the order a_mm, propagate bits
by row m > n, generate bits. In unaltered columns the adders do not commute.
"""

import numpy as np

from ..compilation import elementwise
from .dadda import COLUMNS, VENKATACHALAM, push, tree_sum
from .family import Family, Parameter


@elementwise
def venkatachalam(w, x, columns, width):
    """Product of unsigned operands of `width` bits (up to 16), approximate in the `columns` lowest columns."""
    bits = np.zeros(COLUMNS, np.int64)
    heights = np.zeros(COLUMNS, np.int64)
    product = 0
    for column in range(2 * width - 1):
        first = max(0, column - width + 1)  # rows first..last
        last = min(column, width - 1)
        altered = column < columns and last - first + 1 > 3
        generated = 0
        pairs = 0
        for m in range(first, last + 1):
            n = column - m
            bit = (w >> m) & (x >> n) & 1
            other = (w >> n) & (x >> m) & 1
            if column >= columns:
                product += bit << column
            elif not altered or m == n:
                push(bits, heights, column, bit)
            elif m > n:
                push(bits, heights, column, bit | other)
                generated |= (bit & other) << (pairs // 4)
                pairs += 1
        for group in range((pairs + 3) // 4):
            push(bits, heights, column, (generated >> group) & 1)
    return product + tree_sum(bits, heights, columns, width, VENKATACHALAM)


FAMILY = Family(
    product=venkatachalam,
    parameters=(Parameter("columns", "lowest columns that are approximate", 0, lambda width: 2 * width - 1),),
    signed=False,
    citation="Venkatachalam, Ko, IEEE TVLSI 25(5), 2017, doi:10.1109/TVLSI.2016.2643639",
    summary="partial products altered in pairs, approximate adders and compressors",
    examples=({"columns": 7}, {"columns": 15}),
    commutes=False,
)
