"""Nodes that compute functions of real numbers: codes in and out, floating point between."""

import dataclasses
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ...errors import NetworkError
from .base import Quantization, Requantizing, Shape


@dataclasses.dataclass(frozen=True, eq=False)
class FloatFunction(Requantizing):
    """
    A function of the real numbers that its input's codes stand for.

    It is computed in float64, rounded to float32, and quantized by the rule of ONNX's QuantizeLinear in float32.
    """

    computes_reals: ClassVar[bool] = True

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return shapes[0]


@dataclasses.dataclass(frozen=True, eq=False)
class Gelu(FloatFunction):
    """x (1 + erf(x / sqrt(2))) / 2 (Hendrycks and Gimpel, arXiv 1606.08415)."""

    op: ClassVar[str] = "gelu"


@dataclasses.dataclass(frozen=True, eq=False)
class Softmax(FloatFunction):
    """exp(x_w) / sum_w exp(x_w) along the width, the largest x taken off first; the sum in order of w."""

    op: ClassVar[str] = "softmax"


@dataclasses.dataclass(frozen=True, eq=False)
class LayerNorm(FloatFunction):
    """
    gamma (x - mean) / sqrt(variance + epsilon) + beta over the channels of each pixel; gamma, beta float32 [C].

    Mean and variance (that of the population) are quotients of exact integer sums of codes. Ba, Kiros and Hinton, arXiv
    1607.06450.
    """

    op: ClassVar[str] = "layer_norm"
    gamma: npt.NDArray[np.float32]
    beta: npt.NDArray[np.float32]
    epsilon: float

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        super().check(shapes, inputs)
        for field in ("gamma", "beta"):
            value = getattr(self, field)
            if not isinstance(value, np.ndarray) or value.dtype != np.float32 or value.shape != shapes[0][:1]:
                raise NetworkError(f"{field} must be of float32 with one entry for each of {shapes[0][0]} channels")
            if not np.isfinite(value).all():
                raise NetworkError(f"{field} must be finite")
        if not np.isfinite(self.epsilon) or self.epsilon <= 0:
            raise NetworkError(f"epsilon must be a positive finite number, got {self.epsilon!r}")
