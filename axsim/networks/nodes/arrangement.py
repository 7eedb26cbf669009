"""Nodes that move codes or bring constant ones, and compute none."""

import dataclasses
import math
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ...errors import NetworkError
from ...formats import DTYPES, code_range
from .base import Codes, Node, Quantization, Sextuple, Shape, Triple, check_pads, check_positive


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


@dataclasses.dataclass(frozen=True, eq=False)
class Rearrange(Node):
    """
    Any choice and order of an image's codes, as transposes, reshapes, splits and slices make it.

    out[c, h, w] = x.reshape(-1)[index[c, h, w]], x of shape (C, H, W); index int32.
    """

    op: ClassVar[str] = "rearrange"
    fixed_rule: ClassVar[bool] = True
    keeps_quantization: ClassVar[bool] = True
    index: npt.NDArray[np.int32]

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        index = self.index
        if not isinstance(index, np.ndarray) or index.dtype != np.int32 or index.ndim != 3 or index.size == 0:
            raise NetworkError(f"index must be an int32 array (C, H, W), got {getattr(index, 'dtype', index)}")
        size = math.prod(shapes[0])
        if index.min() < 0 or index.max() >= size:
            raise NetworkError(f"index must be from 0 to {size - 1}, got {index.min()} to {index.max()}")

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        channels, height, width = self.index.shape
        return channels, height, width


@dataclasses.dataclass(frozen=True, eq=False)
class Constant(Node):
    """The same codes for every image, int8 or uint8 (C, H, W): a class token, a position embedding."""

    op: ClassVar[str] = "constant"
    fixed_rule: ClassVar[bool] = True
    input_count: ClassVar[int | None] = 0
    codes: Codes

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        codes = self.codes
        if not isinstance(codes, np.ndarray) or codes.dtype != DTYPES[self.output.format] or codes.ndim != 3:
            raise NetworkError(
                f"codes must be a {self.output.format} array (C, H, W), got {getattr(codes, 'dtype', codes)}"
            )
        if codes.size == 0:
            raise NetworkError(f"codes must be at least one, got shape {codes.shape}")

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        channels, height, width = self.codes.shape
        return channels, height, width
