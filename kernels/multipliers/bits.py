"""Operations on bits that several families share: leading one, fraction, Mitchell's antilogarithm."""

from ..compilation import kernel


@kernel
def leading_one(value):
    """Position of the highest set bit, floor(log2(value)), of an int64 from 1 to 2^32 - 1; 0 for 0."""
    position = 0
    # Halving steps, which the compiler vectorises: a loop over the bits takes ten times as long.
    for step in (16, 8, 4, 2, 1):
        if value >> step:
            value >>= step
            position += step
    return position


@kernel
def fraction(value, width):
    """Bits behind the leading one of a `value` > 0 below 2^width, as width - 1 bits: (value / 2^k - 1) 2^(width-1)."""
    return (value << (width - 1 - leading_one(value))) - (1 << (width - 1))


@kernel
def antilogarithm(exponent, fractions, width):
    """Product rounded down from the sum of two operands' logarithms, Mitchell's log2(1 + f) ~ f read backwards.

    2^exponent (1 + s) where s = fractions / 2^(width-1) is below 1, else 2^(exponent+1) s; `fractions` below
    2^width is the sum of two fractions, and exponent the sum of the two positions of leading ones.
    """
    one = 1 << (width - 1)
    if fractions < one:
        return ((one + fractions) << exponent) >> (width - 1)
    return (fractions << (exponent + 1)) >> (width - 1)
