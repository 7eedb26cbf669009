"""Bit operations that several families share."""

from ..compilation import kernel


@kernel
def leading_one(value):
    """Position of the highest set bit, floor(log2(value)), of an int64 above 0; 0 for 0."""
    position = 0
    while value > 1:
        value >>= 1
        position += 1
    return position
