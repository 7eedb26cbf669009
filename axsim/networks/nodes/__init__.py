"""The operators of a quantized network, one class each: its fields are what the file stores, its methods its rules.

Shapes are those of one image, (C, H, W). Nodes are computed by `inference/engine.py` (layers) and
`inference/operators.py` (the others).
"""

from .arrangement import Constant, Flatten, Pad, Rearrange, Slice
from .base import Codes, Node, Pair, Quad, Quantization, Requantizing, Sextuple, Shape, Triple
from .elementwise import Add, Concat, Requantize
from .float_functions import FloatFunction, Gelu, LayerNorm, Softmax
from .layers import LARGEST_BIAS, Conv, Layer, Linear, MatMul, WeightLayer
from .pooling import AveragePool, GlobalAveragePool, MaxPool
from .windows import window_output

OPERATORS: dict[str, type[Node]] = {
    node.op: node
    for node in (
        Conv,
        Linear,
        MatMul,
        Add,
        Concat,
        Requantize,
        MaxPool,
        AveragePool,
        GlobalAveragePool,
        Pad,
        Slice,
        Flatten,
        Rearrange,
        Constant,
        Gelu,
        Softmax,
        LayerNorm,
    )
}

__all__ = [
    "LARGEST_BIAS",
    "OPERATORS",
    "Add",
    "AveragePool",
    "Codes",
    "Concat",
    "Constant",
    "Conv",
    "Flatten",
    "FloatFunction",
    "Gelu",
    "GlobalAveragePool",
    "Layer",
    "LayerNorm",
    "Linear",
    "MatMul",
    "MaxPool",
    "Node",
    "Pad",
    "Pair",
    "Quad",
    "Quantization",
    "Rearrange",
    "Requantize",
    "Requantizing",
    "Sextuple",
    "Shape",
    "Slice",
    "Softmax",
    "Triple",
    "WeightLayer",
    "window_output",
]
