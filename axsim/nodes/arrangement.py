"""Nodes that move codes, or add constant ones, and compute none."""

import dataclasses
from typing import ClassVar

from ..errors import NetworkError
from ..formats import code_range
from .base import Node, Quantization, Sextuple, Shape, Triple, check_pads, check_positive


@dataclasses.dataclass(frozen=True, eq=False)
class Pad(Node):
    """Constant padding of (C, H, W): pads (front, top, left, back, bottom, right), `code` what they are filled with."""

    op: ClassVar[str] = "pad"
    fixed_rule: ClassVar[bool] = True
    keeps_quantization: ClassVar[bool] = True
    pads: Sextuple
    code: int

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        check_pads(self.pads)
        low, high = code_range(self.output.format)
        if not low <= self.code <= high:
            raise NetworkError(f"code must be from {low} to {high}, got {self.code}")

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        c, h, w = (size + a + b for size, a, b in zip(shapes[0], self.pads[:3], self.pads[3:], strict=True))
        return c, h, w


@dataclasses.dataclass(frozen=True, eq=False)
class Slice(Node):
    """Every `steps`-th element from `starts` up to but not including `stops`, along (C, H, W)."""

    op: ClassVar[str] = "slice"
    fixed_rule: ClassVar[bool] = True
    keeps_quantization: ClassVar[bool] = True
    starts: Triple
    stops: Triple
    steps: Triple

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        check_positive("steps", self.steps)
        for size, start, stop in zip(shapes[0], self.starts, self.stops, strict=True):
            if not 0 <= start < stop <= size:
                raise NetworkError(f"starts and stops must lie within {shapes[0]}, got {self.starts} and {self.stops}")

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        c, h, w = (-(-(b - a) // s) for a, b, s in zip(self.starts, self.stops, self.steps, strict=True))
        return c, h, w


@dataclasses.dataclass(frozen=True, eq=False)
class Flatten(Node):
    """All of an image as one column, (C H W, 1, 1), channels outermost."""

    op: ClassVar[str] = "flatten"
    fixed_rule: ClassVar[bool] = True
    keeps_quantization: ClassVar[bool] = True

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return shapes[0][0] * shapes[0][1] * shapes[0][2], 1, 1
