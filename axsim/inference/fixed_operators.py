"""The operators without products by the rounding rules "fixed" and "litert".

They are those of TFLite's reference integer kernels ADD, QUANTIZE, CONCATENATION, AVERAGE_POOL_2D and MEAN. Nodes that
compute no new codes are the same under all rules.
"""

import functools

import numpy as np
import numpy.typing as npt

from ..formats import Patterns, pattern_values
from ..kernels.elementwise import look_up_pairs
from ..kernels.fixed_point import rescale
from ..kernels.pool import average_pool_fixed
from ..networks.nodes import (
    Add,
    AveragePool,
    Concat,
    GlobalAveragePool,
    Node,
    Quantization,
    Requantize,
    Requantizing,
    Shape,
)
from .fixed_point import SUM_BITS, mean_multiplier, quantize_multiplier, sum_multipliers
from .operators import compute, look_up_codes

Integers = npt.NDArray[np.int64]


@functools.singledispatch
def compute_fixed(node: Node, inputs: list[Patterns], formats: list[Quantization], shape: Shape) -> Patterns:
    """Compute a node without products: patterns uint8 [C, B, H, W] of each input to those of the output."""
    return compute(node, inputs, formats, shape, "float")


@compute_fixed.register
def _add(node: Add, inputs: list[Patterns], formats: list[Quantization], shape: Shape) -> Patterns:
    out = np.empty_like(inputs[0])
    look_up_pairs(inputs[0].reshape(-1), inputs[1].reshape(-1), _sums(node, *formats), out.reshape(-1))
    return out


@functools.lru_cache(maxsize=64)  # for the next batch, as in operators.py
def _sums(node: Add, *formats: Quantization) -> Patterns:
    """Code of the sum for each pair of patterns, uint8 [256, 256]."""
    multipliers = sum_multipliers((formats[0].scale, formats[1].scale), node.output.scale)
    a, b = (
        rescale(_above_zero(quantization) << SUM_BITS, *multiplier)
        for quantization, multiplier in zip(formats, multipliers[:2], strict=True)
    )
    return _codes(rescale(a[:, None] + b[None, :], *multipliers[2]), node)


@compute_fixed.register
def _requantize(node: Requantize, inputs: list[Patterns], formats: list[Quantization], shape: Shape) -> Patterns:
    multiplier = quantize_multiplier(np.float64(formats[0].scale) / node.output.scale)
    return look_up_codes(inputs[0], _codes(rescale(_above_zero(formats[0]), *multiplier), node))


@compute_fixed.register
def _concat(node: Concat, inputs: list[Patterns], formats: list[Quantization], shape: Shape) -> Patterns:
    return np.concatenate(
        [look_up_codes(x, _rescaled_in_float(given, node)) for x, given in zip(inputs, formats, strict=True)]
    )


def _rescaled_in_float(given: Quantization, node: Concat) -> Patterns:
    """Code of the output for each input pattern; this kernel of TFLite computes in float32."""
    codes, output = pattern_values(given.format), node.output
    if given == output:
        return np.clip(codes, *node.clamp).astype(np.uint8)
    ratio = np.float32(given.scale) * (np.float32(1) / np.float32(output.scale))
    real = codes.astype(np.float32) * ratio + np.float32(-given.zero_point) * ratio
    return _codes(_round_half_away(real), node)


def _round_half_away(real: npt.NDArray[np.float32]) -> Integers:
    exact = real.astype(np.float64)
    return np.copysign(np.floor(np.abs(exact) + 0.5), exact).astype(np.int64)


@compute_fixed.register
def _average_pool(node: AveragePool, inputs: list[Patterns], formats: list[Quantization], shape: Shape) -> Patterns:
    values = pattern_values(formats[0].format).astype(np.int32)
    out = np.empty((shape[0], inputs[0].shape[1], *shape[1:]), np.uint8)
    average_pool_fixed(inputs[0], values, node.kernel_shape, node.strides, node.pads[:2], *node.clamp, out)
    return out


@compute_fixed.register
def _global_pool(
    node: GlobalAveragePool, inputs: list[Patterns], formats: list[Quantization], shape: Shape
) -> Patterns:
    x, given = inputs[0], formats[0]
    sums = pattern_values(given.format)[x].sum(axis=(2, 3))
    count = x.shape[2] * x.shape[3]
    multiplier = mean_multiplier(given.scale / node.output.scale, count)
    return _codes(rescale(sums - count * given.zero_point, *multiplier), node)[:, :, None, None]


def _above_zero(quantization: Quantization) -> Integers:
    """Code less zero point of each pattern, int64 [256]."""
    return pattern_values(quantization.format) - quantization.zero_point


def _codes(steps: Integers, node: Requantizing) -> Patterns:
    """Patterns of the codes that lie these steps above the output's zero point, clamped."""
    return np.clip(steps + node.output.zero_point, *node.clamp).astype(np.uint8)
