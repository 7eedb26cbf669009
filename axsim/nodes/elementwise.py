"""Nodes that compute each output code from single codes, without weights."""

import dataclasses
from typing import ClassVar

from ..errors import NetworkError
from .base import Requantizing, Shape


@dataclasses.dataclass(frozen=True, eq=False)
class Add(Requantizing):
    """
    Sum of two inputs of one shape, in float32; by the rounding rule of ONNX

    code = clamp(round_half_even((a_scale (a - a_zero) + b_scale (b - b_zero)) / scale) + zero_point)
    """

    op: ClassVar[str] = "add"
    input_count: ClassVar[int | None] = 2

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        if shapes[0] != shapes[1]:
            raise NetworkError(f"inputs must have one shape, got {shapes[0]} and {shapes[1]}")
        return shapes[0]


@dataclasses.dataclass(frozen=True, eq=False)
class Concat(Requantizing):
    """Channels of all inputs one after another, each input requantized to the output's scale."""

    op: ClassVar[str] = "concat"
    input_count: ClassVar[int | None] = None

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        if len({shape[1:] for shape in shapes}) != 1:
            raise NetworkError(f"inputs must have one height and width, got {shapes}")
        return sum(shape[0] for shape in shapes), *shapes[0][1:]


@dataclasses.dataclass(frozen=True, eq=False)
class Requantize(Requantizing):
    """The same numbers at another scale, clamped: a relu or relu6 that no node before it could take in."""

    op: ClassVar[str] = "requantize"

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return shapes[0]
