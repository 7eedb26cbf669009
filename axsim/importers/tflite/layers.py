"""Layers with weights. TFLite's are [M, kh, kw, C] or, depthwise, [1, kh, kw, M]."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...formats import code_range
from ...networks.nodes import (
    Conv,
    Flatten,
    Linear,
)
from .model import Operator
from .options import ARITHMETIC, clamp_of, pads_of

if TYPE_CHECKING:
    from .importer import Importer


def conv(importer: "Importer", operator: Operator) -> None:
    """CONV_2D, in groups where the weights have fewer channels than the input."""
    weight = importer.constant(operator, 1, ARITHMETIC)
    if weight.ndim != 4 or weight.shape[3] < 1 or importer.plain_input(operator).shape[0] % weight.shape[3]:
        importer.refuse(operator, f"weights must have shape [M, kh, kw, C / groups], got {weight.shape}")
    groups = importer.plain_input(operator).shape[0] // weight.shape[3]
    _append_conv(importer, operator, weight.transpose(0, 3, 1, 2), 0, groups)


def depthwise(importer: "Importer", operator: Operator) -> None:
    """DEPTHWISE_CONV_2D: a group for each channel."""
    weight = importer.constant(operator, 1, ARITHMETIC)
    channels = importer.plain_input(operator).shape[0]
    multiplier = operator.options["DepthMultiplier"]
    if weight.ndim != 4 or weight.shape[0] != 1 or weight.shape[3] != channels * multiplier:
        wanted = f"[1, kh, kw, {channels} x {multiplier}]"
        importer.refuse(operator, f"weights must have shape {wanted}, got {weight.shape}")
    _append_conv(importer, operator, weight.transpose(3, 0, 1, 2), 3, channels)


def _append_conv(importer: "Importer", operator: Operator, weight: npt.NDArray[Any], axis: int, groups: int) -> None:
    value, output = importer.plain_input(operator), importer.quantization(importer.output(operator))
    options = operator.options
    strides = options["StrideH"], options["StrideW"]
    dilations = options["DilationHFactor"], options["DilationWFactor"]
    kernel = weight.shape[2], weight.shape[3]
    node = Conv(
        importer.name(operator),
        (value.node,),
        output,
        clamp_of(importer, operator, output),
        **_parameters(importer, operator, weight, axis),
        strides=strides,
        pads=pads_of(importer, operator, value.shape[1:], kernel, strides, dilations),
        dilations=dilations,
        groups=groups,
    )
    importer.append(operator, node, (value.shape,))


def fully_connected(importer: "Importer", operator: Operator) -> None:
    """FULLY_CONNECTED; of images, weights and codes are flattened channels outermost."""
    weight = importer.constant(operator, 1, ARITHMETIC)
    value, output = importer.input(operator), importer.quantization(importer.output(operator))
    if operator.options["WeightsFormat"] != 0:
        importer.refuse(operator, "shuffled weights are not supported")
    features = value.shape[0] * value.shape[1] * value.shape[2]
    if weight.ndim != 2 or weight.shape[1] != features:
        importer.refuse(operator, f"weights must have shape [M, {features}], got {weight.shape}")
    unflattened = value.unflattened
    name = importer.name(operator)
    if value.shape[1:] != (1, 1):  # it flattens images by itself
        unflattened = value.shape
        flat = Flatten(f"{name}/flatten", (value.node,), importer.quantizations[value.node])
        value = importer.append(operator, flat, (value.shape,), last=False)
    if unflattened is not None:
        channels, height, width = unflattened
        weight = weight.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(len(weight), features)
    node = Linear(
        name,
        (value.node,),
        output,
        clamp_of(importer, operator, output),
        **_parameters(importer, operator, weight, 0),
    )
    importer.append(operator, node, (value.shape,))


def _parameters(importer: "Importer", operator: Operator, weight: npt.NDArray[Any], axis: int) -> dict[str, Any]:
    """Weights [M, ...], their scales and zero points, and the bias; `axis` is that of M in the file."""
    tensor, channels = importer.tensor(operator, 1), len(weight)
    given = importer.tensor(operator, 0)
    if tensor.dtype != given.dtype:
        importer.refuse(operator, f"weights and input must be of one type, got {tensor.dtype} and {given.dtype}")
    scale, zero_point = tensor.scale, tensor.zero_point
    several = scale.shape != (1,)
    if scale.shape not in ((1,), (channels,)) or zero_point.shape not in ((1,), scale.shape):
        importer.refuse(operator, f"weights must have one scale, or one for each of {channels} channels")
    if several and (tensor.axis != axis or tensor.dtype != "INT8"):
        importer.refuse(operator, f"weights with several scales must be INT8 with the scales along axis {axis}")
    low, high = code_range("u8" if tensor.dtype == "UINT8" else "s8")
    if (zero_point < low).any() or (zero_point > high).any():
        importer.refuse(operator, f"weight zero points must be from {low} to {high}, got {zero_point.tolist()}")
    if zero_point.any() and tensor.dtype == "INT8" and (several or operator.kind != "FULLY_CONNECTED"):
        importer.refuse(operator, "INT8 weights must have zero points of 0: TFLite's kernel ignores others")
    bias = np.zeros(channels, np.int32)
    if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
        bias = importer.constant(operator, 2, ("INT32",)).reshape(-1)
    return {
        "weight": np.ascontiguousarray(weight),
        "weight_scale": scale.copy(),
        "weight_zero_point": zero_point.astype(np.int32),
        "bias": bias.astype(np.int32),
    }
