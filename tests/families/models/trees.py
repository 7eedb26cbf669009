"""Models of approximate Dadda trees: columns are lists of arrays of bits, cells take bits from their front."""

import numpy as np


def momeni_compressor(x1, x2, x3, x4):
    return (x1 ^ x2 ^ 1) | (x3 ^ x4 ^ 1), (x1 | x2) & (x3 | x4)


def venkatachalam_compressor(x1, x2, x3, x4):
    return (x1 ^ x2) | (x3 ^ x4) | (x1 & x2 & x3 & x4), (x1 & x2) | (x3 & x4)


def exact_adder(*inputs):
    total = sum(inputs)
    return total & 1, total >> 1


def venkatachalam_adder(a, b, c=None):
    return (a | b, a & b) if c is None else ((a | b) ^ c, (a | b) & c)


def dadda(stack, columns, compressor, adder, ripple):
    """Value of columns of bits; `ripple`: compressors hand their carry on as cout, to be the next column's carry."""
    stack = [*stack, [], [], []]
    for target in (8, 4, 2):
        if max(map(len, stack)) <= target:
            continue
        reduced = [[] for _ in stack]
        waiting = []
        for column in range(columns):
            inputs, couts, carries_in = list(stack[column]), [], waiting
            while True:
                excess = len(inputs) + len(reduced[column]) + len(carries_in) - target
                count = min(excess + 1, 4) if excess > 0 else 0
                count = min(count, len(inputs))
                if count < 2:
                    break
                cell = [inputs.pop(0) for _ in range(count)]
                total, carry = compressor(*cell) if count == 4 else adder(*cell)
                if count == 4 and ripple:
                    couts.append(carry)
                    carry, carries_in = (carries_in[0], carries_in[1:]) if carries_in else (0 * total, [])
                    total = total & (carry ^ 1)
                reduced[column].append(total)
                reduced[column + 1].append(carry)
            reduced[column] += [*carries_in, *inputs]
            waiting = couts
        reduced[columns] += waiting
        for column in range(columns, len(stack)):
            reduced[column] += stack[column]
        stack = reduced
    return sum(bit << column for column, column_bits in enumerate(stack) for bit in column_bits)


def cells(w, x, width, column):
    """Row, column of x and bit of each partial product of a column."""
    return [(i, column - i, (w >> i) & (x >> (column - i)) & 1) for i in range(width) if 0 <= column - i < width]


def momeni(w, x, width, signed, design, columns):
    stack = [[bit for _, _, bit in cells(w, x, width, column)] for column in range(2 * width - 1)]
    return dadda(stack, columns, momeni_compressor, exact_adder, ripple=design == 1)


def venkatachalam(w, x, width, signed, columns):
    stack = []
    for column in range(2 * width - 1):
        products = {(i, j): bit for i, j, bit in cells(w, x, width, column)}
        if column < columns and len(products) > 3:
            pairs = [(products[i, j], products[j, i]) for i, j in products if i > j]
            middle = [bit for (i, j), bit in products.items() if i == j]
            generated = [a & b for a, b in pairs]
            ored = [np.bitwise_or.reduce(generated[start : start + 4]) for start in range(0, len(generated), 4)]
            stack.append([*middle, *(a | b for a, b in pairs), *ored])
        else:
            stack.append(list(products.values()))
    return dadda(stack, columns, venkatachalam_compressor, venkatachalam_adder, ripple=False)


MODELS = {"momeni": momeni, "venkatachalam": venkatachalam}
