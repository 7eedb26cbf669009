"""The operators without products, computed on bit patterns uint8 [C, B, H, W] by the network's rounding rule.

`to_codes` and `reals` are the rule `float`; what another rule does otherwise stands beside it.
"""

import functools

import numpy as np
import numpy.typing as npt

from ..formats import Patterns, code_range, pattern_values
from ..kernels.elementwise import look_up, look_up_pairs
from ..kernels.pool import average_pool, average_pool_of_reals, max_pool
from ..kernels.rearrange import rearrange
from ..networks.nodes import (
    Add,
    AveragePool,
    Concat,
    Constant,
    Flatten,
    Gelu,
    GlobalAveragePool,
    LayerNorm,
    MaxPool,
    Node,
    Pad,
    Quantization,
    Rearrange,
    Requantize,
    Shape,
    Slice,
    Softmax,
)
from ..networks.rounding import fused_multiply_add
from .float_functions import gelu, normalize, softmax


def to_codes(real: npt.NDArray[np.float32], target: Quantization, clamp: tuple[int, int] | None) -> Patterns:
    """
    Quantize by the rule of ONNX's QuantizeLinear: saturate(round_half_even(real / scale) + zero_point), as patterns.

    real float32 of any shape; the division is in float32.
    """
    low, high = clamp or code_range(target.format)
    scaled = np.rint(real / np.float32(target.scale)) + np.float32(target.zero_point)
    return np.clip(scaled, low, high).astype(np.int64).astype(np.uint8)


def reals(x: Quantization) -> npt.NDArray[np.float32]:
    """Real number of each pattern, float32 [256]: scale (code - zero_point) in float32."""
    return (pattern_values(x.format) - x.zero_point).astype(np.float32) * np.float32(x.scale)


@functools.singledispatch
def compute(node: Node, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str) -> Patterns:
    """Compute a node without products: patterns uint8 [C, B, H, W] of each input to those of the output."""
    raise NotImplementedError(node.op)


@compute.register
def _add(node: Add, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str) -> Patterns:
    codes = (_fused_sums if rounding == "onnxruntime" else _sums)(node, *formats)
    out = np.empty_like(inputs[0])
    look_up_pairs(inputs[0].reshape(-1), inputs[1].reshape(-1), codes, out.reshape(-1))
    return out


# The tables of sums take as long to make as a batch of a small network: they are kept for the next batch.
@functools.lru_cache(maxsize=64)
def _sums(node: Add, a: Quantization, b: Quantization) -> Patterns:
    """Code of the sum for each pair of patterns, uint8 [256, 256]."""
    return to_codes(reals(a)[:, None] + reals(b)[None, :], node.output, node.clamp)


@functools.lru_cache(maxsize=64)
def _fused_sums(node: Add, a: Quantization, b: Quantization) -> Patterns:
    """
    Return the same by ONNX Runtime's kernel (QLinearAdd, MLAS for AVX2), in which the zero points are one float32 term:

    code = clamp(round_half_even(fma(a, r_a, fma(b, r_b, z - fma(r_a, a_zero, r_b b_zero))))), r = scale / output scale
    """
    r_a, r_b = (np.float32(given.scale) / np.float32(node.output.scale) for given in (a, b))
    zero_points = fused_multiply_add(r_a, a.zero_point, r_b * np.float32(b.zero_point))
    rest = np.float32(node.output.zero_point) - zero_points
    real = fused_multiply_add(pattern_values(b.format), r_b, rest)
    real = fused_multiply_add(pattern_values(a.format)[:, None], r_a, real)
    return np.clip(np.rint(real), *node.clamp).astype(np.int64).astype(np.uint8)


@compute.register
def _requantize(
    node: Requantize, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str
) -> Patterns:
    return look_up_codes(inputs[0], to_codes(reals(formats[0]), node.output, node.clamp))


@compute.register
def _concat(node: Concat, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str) -> Patterns:
    parts = zip(inputs, formats, strict=True)
    return np.concatenate([look_up_codes(x, to_codes(reals(fmt), node.output, node.clamp)) for x, fmt in parts])


@compute.register
def _max_pool(
    node: MaxPool, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str
) -> Patterns:
    out = np.empty((shape[0], inputs[0].shape[1], *shape[1:]), np.uint8)
    flip = np.uint8(128 if node.output.format == "s8" else 0)
    max_pool(inputs[0], flip, node.kernel_shape, node.strides, node.pads[:2], out)
    return out


@compute.register
def _average_pool(
    node: AveragePool, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str
) -> Patterns:
    # ONNX Runtime's QLinearAveragePool gives a window of the whole input to its kernel for global averages.
    whole = node.kernel_shape == inputs[0].shape[2:] and not any(node.pads)
    if rounding == "onnxruntime" and not whole:
        return _average_of_reals(node, inputs[0], formats[0], shape)
    return _average(
        node, inputs[0], formats[0], shape, node.kernel_shape, node.strides, node.pads, node.count_include_pad
    )


@compute.register
def _global_pool(
    node: GlobalAveragePool, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str
) -> Patterns:
    window = inputs[0].shape[2], inputs[0].shape[3]
    return _average(node, inputs[0], formats[0], shape, window, (1, 1), (0, 0, 0, 0), False)


def _average(
    node: AveragePool | GlobalAveragePool,
    x: Patterns,
    quantization: Quantization,
    shape: Shape,
    window: tuple[int, int],
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    count_include_pad: bool,
) -> Patterns:
    values = (pattern_values(quantization.format) - quantization.zero_point).astype(np.int32)
    counts = _divisors(window, count_include_pad)
    multiplier = np.float32(quantization.scale) / (np.float32(node.output.scale) * counts)
    out = np.empty((shape[0], x.shape[1], *shape[1:]), np.uint8)
    average_pool(x, values, window, strides, pads[:2], multiplier, node.output.zero_point, *node.clamp, out)
    return out


def _average_of_reals(node: AveragePool, x: Patterns, quantization: Quantization, shape: Shape) -> Patterns:
    """By ONNX Runtime's kernel (QLinearAveragePool), which sums real numbers in float32."""
    divisors = _divisors(node.kernel_shape, node.count_include_pad)
    scale, zero_point = np.float32(node.output.scale), np.float32(node.output.zero_point)
    out = np.empty((shape[0], x.shape[1], *shape[1:]), np.uint8)
    average_pool_of_reals(
        x,
        reals(quantization),
        node.kernel_shape,
        node.strides,
        node.pads[:2],
        divisors,
        scale,
        zero_point,
        *node.clamp,
        out,
    )
    return out


def _divisors(window: tuple[int, int], count_include_pad: bool) -> npt.NDArray[np.float32]:
    """Return what the sum over `count` pixels of a window is divided by, float32 [kh kw + 1]."""
    counts = np.arange(window[0] * window[1] + 1, dtype=np.float32)
    counts[:] = counts[-1] if count_include_pad else np.maximum(counts, 1)
    return counts


@compute.register
def _pad(node: Pad, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str) -> Patterns:
    front, top, left, back, bottom, right = node.pads
    widths = ((front, back), (0, 0), (top, bottom), (left, right))
    return np.pad(inputs[0], widths, constant_values=node.code & 0xFF)


@compute.register
def _slice(node: Slice, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str) -> Patterns:
    c, h, w = (slice(*bounds) for bounds in zip(node.starts, node.stops, node.steps, strict=True))
    return np.ascontiguousarray(inputs[0][c, :, h, w])


@compute.register
def _flatten(
    node: Flatten, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str
) -> Patterns:
    x = inputs[0]
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).reshape(-1, x.shape[1], 1, 1)


@compute.register
def _rearrange(
    node: Rearrange, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str
) -> Patterns:
    channels, batch, height, width = inputs[0].shape
    source, pixel = (part.reshape(shape[0], -1) for part in np.divmod(node.index, np.int32(height * width)))
    out = np.empty((shape[0], batch, *shape[1:]), np.uint8)
    rearrange(inputs[0].reshape(channels, batch, -1), source, pixel, out.reshape(shape[0], batch, -1))
    return out


@compute.register
def _constant(
    node: Constant, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str
) -> Patterns:
    """Codes of one image, whatever the batch: uint8 [C, 1, H, W]."""
    return np.ascontiguousarray(node.codes).view(np.uint8)[:, None]


@compute.register
def _gelu(node: Gelu, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str) -> Patterns:
    return look_up_codes(inputs[0], to_codes(gelu(reals(formats[0])), node.output, node.clamp))


@compute.register
def _softmax(
    node: Softmax, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str
) -> Patterns:
    return softmax(node, inputs[0], formats[0])


@compute.register
def _layer_norm(
    node: LayerNorm, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str
) -> Patterns:
    return normalize(node, inputs[0], formats[0])


def look_up_codes(x: Patterns, codes: Patterns) -> Patterns:
    """codes[x]: patterns of any shape through a table of 256."""
    out = np.empty_like(x)
    look_up(x.reshape(-1), codes, out.reshape(-1))
    return out
