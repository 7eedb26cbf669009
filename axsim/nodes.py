"""The operators of a quantized network, one class each: its fields are what the file stores, its methods its rules.

Shapes are those of one image, (C, H, W). Nodes are computed by `engine.py` (layers) and `operators.py` (the others).
"""

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .errors import NetworkError
from .formats import FORMATS, Format, code_range, format_of

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

    name: str
    inputs: tuple[str, ...]
    output: Quantization

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """Raise NetworkError if the fields break a rule, given the inputs' shapes and quantizations."""

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


@dataclasses.dataclass(frozen=True, eq=False)
class Layer(Requantizing):
    """
    A node whose products go through the multiplier.

    weight int8 or uint8, codes of real = weight_scale (code - weight_zero_point); weight_scale float32 [M] and
    weight_zero_point int32 [M], one an output channel, or [1] for one zero point for all; bias int32 [M], in units of
    input scale times weight scale.
    """

    weight: Codes
    weight_scale: npt.NDArray[np.float32]
    bias: npt.NDArray[np.int32]
    weight_zero_point: npt.NDArray[np.int32] = dataclasses.field(
        default_factory=lambda: np.zeros(1, np.int32), kw_only=True
    )

    @property
    def weight_format(self) -> Format:
        """Operand format of the weights, the multiplier's left operand."""
        fmt = format_of(self.weight)
        assert fmt is not None  # `check` refuses other dtypes
        return fmt

    @property
    def groups_of_weights(self) -> int:
        """Number of groups the product falls into; group g multiplies its own rows and taps."""
        return 1

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        super().check(shapes, inputs)
        dtypes = {
            "weight": ("int8", "uint8"),
            "weight_scale": ("float32",),
            "bias": ("int32",),
            "weight_zero_point": ("int32",),
        }
        for field, allowed in dtypes.items():
            value = getattr(self, field)
            if not isinstance(value, np.ndarray) or value.dtype.name not in allowed:
                raise NetworkError(f"{field} must be of {' or '.join(allowed)}, got {getattr(value, 'dtype', value)}")
        channels = self.weight.shape[0]
        for field in ("weight_scale", "bias"):
            if getattr(self, field).shape != (channels,):
                raise NetworkError(
                    f"{field} must have one entry for each of the {channels} output channels, "
                    f"got shape {getattr(self, field).shape}"
                )
        low, high = code_range(self.weight_format)
        zero_point = self.weight_zero_point
        if zero_point.shape not in ((1,), (channels,)) or (zero_point < low).any() or (zero_point > high).any():
            raise NetworkError(
                f"weight_zero_point must be one {self.weight_format} code, {low} to {high}, for all output channels "
                f"or for each of the {channels}, got {zero_point.tolist()}"
            )
        if not np.isfinite(self.weight_scale).all() or (self.weight_scale <= 0).any():
            raise NetworkError("weight_scale must be positive and finite")
        multiplier = self.requantization_multiplier(inputs[0])
        if not np.isfinite(multiplier).all() or (multiplier <= 0).any():
            raise NetworkError("input scale x weight_scale / output scale must be positive and finite in float32")

    def weight_rows(self) -> Codes:
        """Weights as the left matrix of the product, contiguous int8 or uint8 [M, K], K = taps of one group."""
        return np.ascontiguousarray(self.weight.reshape(self.weight.shape[0], -1))

    def requantization_multiplier(self, x: Quantization) -> npt.NDArray[np.float32]:
        """Input scale times weight scale over output scale, float32 [M], in ONNX Runtime's order and precision."""
        with np.errstate(over="ignore", under="ignore"):
            return np.float32(x.scale) * self.weight_scale / np.float32(self.output.scale)


@dataclasses.dataclass(frozen=True, eq=False)
class Conv(Layer):
    """Convolution; weight [M, C / groups, kh, kw]; pads (top, left, bottom, right), of the input's zero point."""

    op: ClassVar[str] = "conv"
    strides: Pair
    pads: Quad
    dilations: Pair
    groups: int

    @property
    def groups_of_weights(self) -> int:
        """See Layer."""
        return self.groups

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        super().check(shapes, inputs)
        _check_positive("strides", self.strides)
        _check_positive("dilations", self.dilations)
        _check_pads(self.pads)
        if self.weight.ndim != 4 or 0 in self.weight.shape:
            raise NetworkError(f"weight must have shape [M, C / groups, kh, kw], got {self.weight.shape}")
        if self.groups < 1 or self.weight.shape[0] % self.groups or self.weight.shape[1] * self.groups != shapes[0][0]:
            raise NetworkError(
                f"groups must divide the {self.weight.shape[0]} output and {shapes[0][0]} input channels "
                f"into {self.weight.shape[1]} input channels each, got {self.groups}"
            )

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        height, width = window_output(shapes[0], self.weight.shape[2:], self.strides, self.pads, self.dilations)
        return self.weight.shape[0], height, width


@dataclasses.dataclass(frozen=True, eq=False)
class Linear(Layer):
    """Fully connected layer on a flattened input (F, 1, 1); weight [M, F]."""

    op: ClassVar[str] = "linear"

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        super().check(shapes, inputs)
        if shapes[0][1:] != (1, 1) or self.weight.shape[1:] != shapes[0][:1] or self.weight.shape[0] < 1:
            raise NetworkError(
                f"weight must have shape [M, F] for a flattened input of shape (F, 1, 1), "
                f"got {self.weight.shape} for {shapes[0]}"
            )

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return self.weight.shape[0], 1, 1


@dataclasses.dataclass(frozen=True, eq=False)
class Add(Requantizing):
    """
    Sum of two inputs of one shape, in float32 by the rule of ONNX:

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


@dataclasses.dataclass(frozen=True, eq=False)
class MaxPool(Node):
    """Largest code of each window; padding (top, left, bottom, right) is left out."""

    op: ClassVar[str] = "max_pool"
    keeps_quantization: ClassVar[bool] = True
    kernel_shape: Pair
    strides: Pair
    pads: Quad

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        _check_pool(self)

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return _pool_shape(self, shapes[0])


@dataclasses.dataclass(frozen=True, eq=False)
class AveragePool(Requantizing):
    """Mean of each window: the exact integer sum, divided by the pixels in it (or by kh kw, counting the padding)."""

    op: ClassVar[str] = "average_pool"
    kernel_shape: Pair
    strides: Pair
    pads: Quad
    count_include_pad: bool

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        super().check(shapes, inputs)
        _check_pool(self)

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return _pool_shape(self, shapes[0])


@dataclasses.dataclass(frozen=True, eq=False)
class GlobalAveragePool(Requantizing):
    """Mean over height and width: the exact integer sum, requantized."""

    op: ClassVar[str] = "global_average_pool"

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return shapes[0][0], 1, 1


@dataclasses.dataclass(frozen=True, eq=False)
class Pad(Node):
    """Constant padding of (C, H, W): pads (front, top, left, back, bottom, right), `code` what they are filled with."""

    op: ClassVar[str] = "pad"
    keeps_quantization: ClassVar[bool] = True
    pads: Sextuple
    code: int

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        _check_pads(self.pads)
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
    keeps_quantization: ClassVar[bool] = True
    starts: Triple
    stops: Triple
    steps: Triple

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        _check_positive("steps", self.steps)
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
    keeps_quantization: ClassVar[bool] = True

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return shapes[0][0] * shapes[0][1] * shapes[0][2], 1, 1


OPERATORS: dict[str, type[Node]] = {
    node.op: node
    for node in (Conv, Linear, Add, Concat, Requantize, MaxPool, AveragePool, GlobalAveragePool, Pad, Slice, Flatten)
}


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


def _check_positive(name: str, values: tuple[int, ...]) -> None:
    if any(value < 1 for value in values):
        raise NetworkError(f"{name} must be 1 or more, got {values}")


def _check_pads(values: tuple[int, ...]) -> None:
    if any(value < 0 for value in values):
        raise NetworkError(f"pads must be 0 or more, got {values}")


def _check_pool(node: MaxPool | AveragePool) -> None:
    _check_positive("kernel_shape", node.kernel_shape)
    _check_positive("strides", node.strides)
    _check_pads(node.pads)
    if any(pad >= node.kernel_shape[axis % 2] for axis, pad in enumerate(node.pads)):
        raise NetworkError(f"pads must be smaller than the window {node.kernel_shape}, got {node.pads}")


def _pool_shape(node: MaxPool | AveragePool, shape: Shape) -> Shape:
    height, width = window_output(shape, node.kernel_shape, node.strides, node.pads)
    return shape[0], height, width
