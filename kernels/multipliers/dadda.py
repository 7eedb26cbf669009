"""A Dadda tree whose lowest columns are made of approximate cells: compressors, full and half adders.

    8 bits       1 2 3 4 5 6 7 8 7 6 5 4 3 2 1 bits a column -> at most 4 -> at most 2 -> exact adder

The papers do not give their trees' wiring in a form that could be had; this one is ours. Each stage goes column by
column from the lowest, through the bits in their order, those that arrive from the column below behind the others. As
long as a column has 3 bits too many for the stage, its next 4 go through a compressor; 2 too many, 3 through a full
adder; 1 too many, 2 through a half adder. What leaves a cell enters the next stage only. The n-th cout of a column is
the cin of the next one's n-th compressor, or an ordinary bit where there is none. Above the approximate columns
addition is exact, however it is wired.
"""

import numpy as np

from ..compilation import kernel

MOMENI_1, MOMENI_2, VENKATACHALAM = 1, 2, 3  # whose cells

COLUMNS = 34


@kernel
def push(bits, heights, column, bit):
    """Append a bit to a column."""
    bits[column] |= bit << heights[column]
    heights[column] += 1


@kernel
def compress(x1, x2, x3, x4, cin, cells):
    """Sum, carry and cout of four bits; only MOMENI_1 takes a cin and gives a cout."""
    if cells == VENKATACHALAM:
        return (x1 ^ x2) | (x3 ^ x4) | (x1 & x2 & x3 & x4), (x1 & x2) | (x3 & x4), 0
    total = ((x1 ^ x2) ^ 1) | ((x3 ^ x4) ^ 1)
    carry = (x1 | x2) & (x3 | x4)
    if cells == MOMENI_1:
        return total & (cin ^ 1), cin, carry
    return total, carry, 0


@kernel
def add_three(x1, x2, x3, cells):
    """Sum and carry of three bits; exact but for VENKATACHALAM."""
    if cells == VENKATACHALAM:
        return (x1 | x2) ^ x3, (x1 | x2) & x3
    return x1 ^ x2 ^ x3, (x1 & x2) | (x1 & x3) | (x2 & x3)


@kernel
def add_two(x1, x2, cells):
    """Sum and carry of two bits; exact but for VENKATACHALAM."""
    if cells == VENKATACHALAM:
        return x1 | x2, x1 & x2
    return x1 ^ x2, x1 & x2


@kernel
def reduce_columns(bits, heights, columns, target, cells):
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
                total, carry, cout = compress(x1, x2, x3, x4, (couts >> next_count) & 1, cells)
                if cells == MOMENI_1:
                    next_couts |= cout << next_count
                    next_count += 1
                used = 4
            elif excess >= 2 and height >= 3:
                total, carry = add_three(x1, x2, x3, cells)
                used = 3
            else:
                total, carry = add_two(x1, x2, cells)
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


@kernel
def tree_sum(bits, heights, columns, width, cells):
    """Value of the `columns` lowest columns, through the stages and the exact adder; overwrites bits and heights."""
    total = 0
    target = 1
    while 2 * target < width:
        target *= 2
    while target >= 2:
        total += reduce_columns(bits, heights, columns, target, cells)
        target //= 2
    for column in range(columns):
        for n in range(heights[column]):
            total += ((bits[column] >> n) & 1) << column
    return total
