"""The functions of real numbers: float64 inside, one rounding to float32, codes by the rule of ONNX's QuantizeLinear.

Elementary functions are those of the C library through Python's `math`, a few hundred numbers a tensor: codes are few.
"""

import math

import numpy as np
import numpy.typing as npt

from ..formats import Patterns
from ..kernels.float_functions import layer_norm, softmax_rows
from ..networks.nodes import LayerNorm, Quantization, Softmax


def gelu(real: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """x (1 + erf(x / sqrt(2))) / 2 of each number."""
    return np.array([x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in map(float, real)], np.float32)


def softmax(node: Softmax, x: Patterns, quantization: Quantization) -> Patterns:
    """Softmax along the width of patterns [C, B, H, W]."""
    exponentials = np.array([math.exp(-quantization.scale * distance) for distance in range(256)])
    out = np.empty_like(x)
    rows, target = x.reshape(-1, x.shape[-1]), out.reshape(-1, x.shape[-1])
    scale = np.float32(node.output.scale)
    softmax_rows(rows, _flip(quantization), exponentials, scale, node.output.zero_point, *node.clamp, target)
    return out


def normalize(node: LayerNorm, x: Patterns, quantization: Quantization) -> Patterns:
    """Layer normalisation over the channels of patterns [C, B, H, W]."""
    out = np.empty_like(x)
    flip = _flip(quantization)
    layer_norm(
        x.reshape(len(x), -1),
        flip,
        np.int32(quantization.zero_point + int(flip)),
        quantization.scale,
        node.gamma.astype(np.float64),
        node.beta.astype(np.float64),
        node.epsilon,
        np.float32(node.output.scale),
        node.output.zero_point,
        *node.clamp,
        out.reshape(len(x), -1),
    )
    return out


def _flip(quantization: Quantization) -> np.uint8:
    """Return what turns patterns so that their order is that of their codes, which lie this much below them."""
    return np.uint8(128 if quantization.format == "s8" else 0)
