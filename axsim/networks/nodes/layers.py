"""Nodes whose products go through the multiplier: with weights, or of two activations."""

import dataclasses
import math
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ...errors import NetworkError
from ...formats import Format, code_range, format_of
from ...inference.fixed_point import quantize_multiplier
from ..rounding import FIXED
from .base import Codes, Pair, Quad, Quantization, Requantizing, Shape, check_pads, check_positive
from .windows import window_output

LARGEST_BIAS = 2**30  # codes, that what makes networks gives a layer: room for the sums is left in int32


@dataclasses.dataclass(frozen=True, eq=False)
class Layer(Requantizing):
    """A node whose products go through the multiplier."""

    def operand_codes(self, shapes: tuple[Shape, ...]) -> int:
        """Codes in the matrices that are multiplied for one image, weights aside."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, eq=False)
class WeightLayer(Layer):
    """
    A layer with weights, the left operand.

    weight int8 or uint8, codes of real = weight_scale (code - weight_zero_point); weight_scale float32 and
    weight_zero_point int32, [M], one an output channel, or [1], one for all; bias int32 [M], in units of input scale
    times weight scale.
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

    def operand_codes(self, shapes: tuple[Shape, ...]) -> int:
        """See Layer."""
        _, height, width = self.output_shape(shapes)
        return self.groups_of_weights * self.weight[0].size * height * width

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
        for field, shapes_allowed in (("weight_scale", ((channels,), (1,))), ("bias", ((channels,),))):
            if getattr(self, field).shape not in shapes_allowed:
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

    def check_rounding(self, rounding: str, inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        super().check_rounding(rounding, inputs)
        if rounding in FIXED:
            self.fixed_multiplier(inputs[0])

    def weight_rows(self) -> Codes:
        """Weights as the left matrix of the product, contiguous int8 or uint8 [M, K], K = taps of one group."""
        return np.ascontiguousarray(self.weight.reshape(self.weight.shape[0], -1))

    def requantization_multiplier(self, x: Quantization) -> npt.NDArray[np.float32]:
        """Input scale times weight scale over output scale, float32 [M], in ONNX Runtime's order and precision."""
        with np.errstate(over="ignore", under="ignore"):
            multiplier = np.float32(x.scale) * self.weight_scale / np.float32(self.output.scale)
        return np.broadcast_to(multiplier, len(self.weight))

    @property
    def float32_scale_product(self) -> bool:
        """Whether TFLite multiplies input and weight scale in float32: for u8 weights; in float64 otherwise."""
        return self.weight_format == "u8"

    def fixed_multiplier(self, x: Quantization) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Fixed-point multiplier and shift, both int32 [M], as TFLite derives them."""
        scale: npt.NDArray[np.float64] = np.float64(x.scale) * self.weight_scale.astype(np.float64)
        if self.float32_scale_product:
            scale = (np.float32(x.scale) * self.weight_scale).astype(np.float64)
        multiplier, shift = quantize_multiplier(scale / np.float64(self.output.scale))
        return np.resize(multiplier, len(self.weight)), np.resize(shift, len(self.weight))


@dataclasses.dataclass(frozen=True, eq=False)
class Conv(WeightLayer):
    """Convolution; weight [M, C / groups, kh, kw]; pads (top, left, bottom, right), of the input's zero point."""

    op: ClassVar[str] = "conv"
    fixed_rule: ClassVar[bool] = True
    strides: Pair
    pads: Quad
    dilations: Pair
    groups: int

    @property
    def groups_of_weights(self) -> int:
        """See WeightLayer."""
        return self.groups

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        super().check(shapes, inputs)
        check_positive("strides", self.strides)
        check_positive("dilations", self.dilations)
        check_pads(self.pads)
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
class Linear(WeightLayer):
    """Fully connected layer on a flattened input (F, 1, 1); weight [M, F]."""

    op: ClassVar[str] = "linear"
    fixed_rule: ClassVar[bool] = True

    @property
    def float32_scale_product(self) -> bool:
        """See Layer; TFLite does so for all fully connected layers of one weight scale."""
        return super().float32_scale_product or self.weight_scale.shape == (1,)

    def float64_multiplier(self, x: Quantization) -> npt.NDArray[np.float64]:
        """Input scale times weight scale over output scale in float64, [M]: the rule "litert"."""
        multiplier = np.float64(x.scale) * self.weight_scale.astype(np.float64) / np.float64(self.output.scale)
        return np.resize(multiplier, len(self.weight))

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
class MatMul(Layer):
    """
    Product of two activations, matrix by matrix: [C, M, K] by [C, K, N] gives [C, M, N], for each channel (head) alone.

    The first input is the multiplier's left operand. `factor`, a positive float32, multiplies the real result, as
    attention does with 1 / sqrt(K):

        code = clamp(round_half_even(float32(sum_k (a - a_zero) (b - b_zero)) multiplier) + zero_point)
    """

    op: ClassVar[str] = "matmul"
    input_count: ClassVar[int | None] = 2
    factor: float

    def operand_codes(self, shapes: tuple[Shape, ...]) -> int:
        """See Layer."""
        return math.prod(shapes[0]) + math.prod(shapes[1])

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        super().check(shapes, inputs)
        if not np.isfinite(self.factor) or self.factor <= 0 or float(np.float32(self.factor)) != self.factor:
            raise NetworkError(f"factor must be a positive finite float32, got {self.factor!r}")
        multiplier = self.requantization_multiplier(*inputs)
        if not np.isfinite(multiplier) or multiplier <= 0:
            raise NetworkError("scales and factor / output scale must be positive and finite in float32")

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        (channels, rows, depth), (others, taps, columns) = shapes
        if channels != others or depth != taps:
            raise NetworkError(f"inputs must have shapes (C, M, K) and (C, K, N), got {shapes[0]} and {shapes[1]}")
        return channels, rows, columns

    def requantization_multiplier(self, a: Quantization, b: Quantization) -> np.float32:
        """Return the left scale times factor, times the right one, over output scale, in this order, in float32."""
        with np.errstate(over="ignore", under="ignore"):
            scale = np.float32(a.scale) * np.float32(self.factor) * np.float32(b.scale)
            return np.float32(scale / np.float32(self.output.scale))
