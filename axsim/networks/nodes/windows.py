"""Sliding windows over height and width."""

from ...errors import NetworkError
from .base import Pair, Quad, Shape


def window_output(shape: Shape, kernel: tuple[int, ...], strides: Pair, pads: Quad, dilations: Pair = (1, 1)) -> Pair:
    """Height and width of what a sliding window gives; raises NetworkError where the window does not fit."""
    sizes = []
    for axis in (0, 1):
        span = dilations[axis] * (kernel[axis] - 1) + 1
        room = shape[1 + axis] + pads[axis] + pads[axis + 2] - span
        if room < 0:
            raise NetworkError(f"a window of {kernel} must fit the padded input, got input {shape} and pads {pads}")
        sizes.append(room // strides[axis] + 1)
    return sizes[0], sizes[1]
