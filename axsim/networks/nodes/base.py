"""What every node has: inputs, the meaning of its output codes, rules and shapes."""

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ...errors import NetworkError
from ...formats import FORMATS, Format, code_range
from ..rounding import FIXED

Codes = npt.NDArray[np.integer[Any]]  # int8 or uint8
Shape = tuple[int, int, int]
Pair = tuple[int, int]
Quad = tuple[int, int, int, int]
Triple = tuple[int, int, int]
Sextuple = tuple[int, int, int, int, int, int]


@dataclasses.dataclass(frozen=True)
class Quantization:
    """How codes stand for real numbers: real = scale (code - zero_point); `scale` is a float32."""

    scale: float
    zero_point: int
    format: Format

    def check(self) -> None:
        """Raise NetworkError unless the scale is a positive float32 and the zero point a code."""
        if self.format not in FORMATS:
            raise NetworkError(f"format must be 'u8' or 's8', got {self.format!r}")
        if not np.isfinite(self.scale) or self.scale <= 0 or float(np.float32(self.scale)) != self.scale:
            raise NetworkError(f"scale must be a positive finite float32, got {self.scale!r}")
        with np.errstate(over="ignore"):
            if not np.isfinite(np.float32(self.scale) * np.float32(512)):
                raise NetworkError(f"scale must leave room for sums of codes in float32, got {self.scale!r}")
        low, high = code_range(self.format)
        if not low <= self.zero_point <= high:
            raise NetworkError(f"zero_point must be a {self.format} code, {low} to {high}, got {self.zero_point}")

    @property
    def zero_pattern(self) -> int:
        """Bit pattern of the zero point."""
        return self.zero_point & 0xFF


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """A step of the network: `inputs` name earlier nodes, or "input"; `output` says what its codes mean."""

    op: ClassVar[str]
    input_count: ClassVar[int | None] = 1  # None: any number above 0
    keeps_quantization: ClassVar[bool] = False  # output codes mean what the input's mean
    fixed_rule: ClassVar[bool] = False  # whether it is defined by the rounding rules `FIXED`
    computes_reals: ClassVar[bool] = False  # a function of real numbers, in floating point: no integer hardware's

    name: str
    inputs: tuple[str, ...]
    output: Quantization

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """Raise NetworkError if the fields break a rule, given the inputs' shapes and quantizations."""

    def check_rounding(self, rounding: str, inputs: tuple[Quantization, ...]) -> None:
        """Raise NetworkError if this rule of rounding does not serve the node, given the inputs' quantizations."""
        if rounding in FIXED and not self.fixed_rule:
            raise NetworkError(f"must not be in a network whose rounding is {rounding!r}: there is no such rule for it")

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """Shape of the output for inputs of these shapes."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, eq=False)
class Requantizing(Node):
    """A node that computes new codes: they are clamped to `clamp`, which is how relu and relu6 are folded."""

    clamp: Pair

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        low, high = code_range(self.output.format)
        whole = all(isinstance(bound, int) for bound in self.clamp)
        if not whole or not low <= self.clamp[0] <= self.clamp[1] <= high:
            raise NetworkError(f"clamp must be an ascending pair of codes from {low} to {high}, got {self.clamp}")


def check_positive(name: str, values: tuple[int, ...]) -> None:
    """Raise NetworkError unless all values are 1 or more."""
    if any(value < 1 for value in values):
        raise NetworkError(f"{name} must be 1 or more, got {values}")


def check_pads(values: tuple[int, ...]) -> None:
    """Raise NetworkError unless all pads are 0 or more."""
    if any(value < 0 for value in values):
        raise NetworkError(f"pads must be 0 or more, got {values}")
