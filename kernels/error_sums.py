"""Sums over the errors of many products, from which all moments follow; integer sums are exact."""

import numpy as np

from .compilation import kernel

BLOCK = 1 << 17  # most products a call: with products below 2^34 no sum here can overflow

EXCLUDE, ZERO, ONE = 0, 1, 2  # relative error where the exact product is 0: left out, 0, or divided by 1


@kernel
def error_sums(products, w, x, core_is_unsigned, zero_products, integers, reals):
    """
    Sum the errors of up to 2^17 products.

    Parameters
    ----------
    products : int64 [R, C]
        Approximate products, absolute value below 2^34; where `core_is_unsigned`, of abs(w) and abs(x), to be given
        the sign of w x (an operand of 0 is positive).
    w, x : int64 [R, C]
        Operand values, of any strides.
    core_is_unsigned : bool
    zero_products : int
        EXCLUDE, ZERO or ONE.
    integers : int64 [8], written
        Sums of e and abs(e), number of e != 0, largest abs(e); sums of h^2, h l and l^2 where abs(e) = 2^17 h + l, so
        that the sum of e^2 is 2^34, 2^18 and 1 times these; number of relative errors.
    reals : float64 [5], written
        Sums of r = e / exact, abs(r) and r^2, least r and greatest r (0 where there is none of that sign). Summed by
        256 and then these: rounding stays below 1e-13 of the sum of abs(r) or r^2.
    """
    total = absolute = wrong = largest = high_high = high_low = low_low = counted = 0
    relative = relative_absolute = relative_square = least = greatest = 0.0
    for row in range(products.shape[0]):
        for start in range(0, products.shape[1], 256):
            partial = partial_absolute = partial_square = 0.0
            for column in range(start, min(start + 256, products.shape[1])):
                a = w[row, column]
                b = x[row, column]
                exact = a * b
                product = products[row, column]
                if core_is_unsigned and (a < 0) != (b < 0):
                    product = -product
                error = product - exact
                size = abs(error)
                total += error
                absolute += size
                wrong += error != 0
                largest = max(largest, size)
                high = size >> 17
                low = size & 0x1FFFF
                high_high += high * high
                high_low += high * low
                low_low += low * low
                if exact == 0 and zero_products != ONE:
                    counted += zero_products == ZERO
                    continue
                counted += 1
                ratio = np.float64(error) / np.float64(exact if exact != 0 else 1)
                partial += ratio
                partial_absolute += abs(ratio)
                partial_square += ratio * ratio
                least = min(least, ratio)
                greatest = max(greatest, ratio)
            relative += partial
            relative_absolute += partial_absolute
            relative_square += partial_square
    integers[0], integers[1], integers[2], integers[3] = total, absolute, wrong, largest
    integers[4], integers[5], integers[6], integers[7] = high_high, high_low, low_low, counted
    reals[0], reals[1], reals[2], reals[3], reals[4] = relative, relative_absolute, relative_square, least, greatest
