"""Nodes that compute each output code from single codes, without weights."""

import dataclasses
from typing import ClassVar

from ...errors import NetworkError
from .base import Requantizing, Shape


@dataclasses.dataclass(frozen=True, eq=False)
class Add(Requantizing):
    """
    Sum of two inputs of one shape. In float32, by the rounding rule of ONNX:

    code = clamp(round_half_even((a_scale (a - a_zero) + b_scale (b - b_zero)) / scale) + zero_point)

    fixed, in integers: each term, shifted left by 20 bits, is rescaled to twice the larger scale, their sum to the
    output's.
    """

    op: ClassVar[str] = "add"
    fixed_rule: ClassVar[bool] = True
    input_count: ClassVar[int | None] = 2

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        if shapes[0] != shapes[1]:
            raise NetworkError(f"inputs must have one shape, got {shapes[0]} and {shapes[1]}")
        return shapes[0]


@dataclasses.dataclass(frozen=True, eq=False)
class Concat(Requantizing):
    """
    Channels of all inputs one after another, each input requantized to the output's scale.

    fixed: inputs of another quantization by TFLite's rule, which is in float32 here: with r = scale / output scale,
    code = clamp(round_half_away(code r - zero_point r) + output zero_point).
    """

    op: ClassVar[str] = "concat"
    fixed_rule: ClassVar[bool] = True
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
    fixed_rule: ClassVar[bool] = True

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return shapes[0]
