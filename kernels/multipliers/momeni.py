"""Approximate 4-2 compressors of Momeni and others in a Dadda tree.

A compressor takes x1..x4 of one column, and Design 1 a carry from the column before:

    Design 1    sum = not cin ((x1 xnor x2) + (x3 xnor x4)),   carry = cin,   cout = (x1 + x2)(x3 + x4)
    Design 2    sum = (x1 xnor x2) + (x3 xnor x4),             carry = (x1 + x2)(x3 + x4)         no cin, no cout

(+ is OR.) Design 1 is wrong in 12 of 32 cases, Design 2 in 4 of 16, both for four zeros: 0 x 0 is not 0.

    Dadda tree, 8 bits       1 2 3 4 5 6 7 8 7 6 5 4 3 2 1 bits a column -> at most 4 -> at most 2 -> exact adder

The `columns` lowest columns are approximate, in all others addition is exact. The paper's multipliers: 1 and 2 are
Designs 1 and 2 in all columns, 3 and 4 the same in the width - 1 lowest.

A. Momeni, J. Han, P. Montuschi, F. Lombardi, "Design and Analysis of Approximate Compressors for Multiplication", IEEE
TC 64(4), 2015, doi:10.1109/TC.2014.2308214. The equations are inferred from the paper's counts of errors, and the
wiring of its tree (Fig. 9) is not known: Multiplier 4 comes out as published, the others near it only. The wiring here,
ours: column by column from the lowest, bits in the order of w's rows and then of their arrival, from the first on; as
long as the column has 3 bits too many a compressor, 2 a full adder, 1 a half adder, these two exact; what leaves a
stage's cells enters the next stage only; the n-th cout of a column is the cin of the next one's n-th compressor, or an
ordinary bit where there is none.
"""

import numpy as np

from ..compilation import elementwise, kernel
from .family import Family, Parameter

COLUMNS = 34


@kernel
def push(bits, heights, column, bit):
    """Append a bit to a column."""
    bits[column] |= bit << heights[column]
    heights[column] += 1


@kernel
def compress(x1, x2, x3, x4, cin, design):
    """Sum, carry and cout of four bits by Design 1 or 2; Design 2 takes no cin and gives no cout."""
    total = ((x1 ^ x2) ^ 1) | ((x3 ^ x4) ^ 1)
    carry = (x1 | x2) & (x3 | x4)
    if design == 1:
        return total & (cin ^ 1), cin, carry
    return total, carry, 0


@kernel
def reduce_columns(bits, heights, columns, target, design):
    """
    One stage: reduce the lowest columns to at most `target` bits each; returns the value of what leaves them.

    bits, heights int64 [COLUMNS]: each column's bits, the first lowest, and how many; overwritten.
    """
    reduced = np.zeros(COLUMNS, np.int64)
    reduced_heights = np.zeros(COLUMNS, np.int64)
    couts = 0  # of the column before, the first lowest
    cout_count = 0
    for column in range(columns):
        left = bits[column]
        height = heights[column]
        next_couts = 0
        next_count = 0
        while True:
            excess = height + reduced_heights[column] + max(0, cout_count - next_count) - target
            if excess <= 0 or height < 2:
                break
            x1 = left & 1
            x2 = (left >> 1) & 1
            x3 = (left >> 2) & 1
            x4 = (left >> 3) & 1
            if excess >= 3 and height >= 4:
                total, carry, cout = compress(x1, x2, x3, x4, (couts >> next_count) & 1, design)
                if design == 1:
                    next_couts |= cout << next_count
                    next_count += 1
                used = 4
            elif excess >= 2 and height >= 3:
                total = x1 ^ x2 ^ x3
                carry = (x1 & x2) | (x1 & x3) | (x2 & x3)
                used = 3
            else:
                total = x1 ^ x2
                carry = x1 & x2
                used = 2
            left >>= used
            height -= used
            push(reduced, reduced_heights, column, total)
            push(reduced, reduced_heights, column + 1, carry)
        for n in range(next_count, cout_count):
            push(reduced, reduced_heights, column, (couts >> n) & 1)
        for n in range(height):
            push(reduced, reduced_heights, column, (left >> n) & 1)
        couts = next_couts
        cout_count = next_count
    outside = 0
    for n in range(cout_count):
        outside += (couts >> n) & 1
    for n in range(reduced_heights[columns]):
        outside += (reduced[columns] >> n) & 1
    for column in range(columns):
        bits[column] = reduced[column]
        heights[column] = reduced_heights[column]
    return outside << columns


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
    target = 1
    while 2 * target < width:
        target *= 2
    while target >= 2:
        product += reduce_columns(bits, heights, columns, target, design)
        target //= 2
    for column in range(columns):
        for n in range(heights[column]):
            product += ((bits[column] >> n) & 1) << column
    return product


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
