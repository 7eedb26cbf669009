"""The operators of a quantized network, one class each: its fields are what the file stores, its methods its rules.

Shapes are those of one image, (C, H, W). Nodes are computed by `engine.py` (layers) and `operators.py` (the others).
"""

from .arrangement import Flatten, Pad, Slice
from .base import Codes, Node, Pair, Quad, Quantization, Requantizing, Sextuple, Shape, Triple
from .elementwise import Add, Concat, Requantize
from .layers import Conv, Layer, Linear
from .pooling import AveragePool, GlobalAveragePool, MaxPool
from .windows import window_output

OPERATORS: dict[str, type[Node]] = {
    node.op: node
    for node in (Conv, Linear, Add, Concat, Requantize, MaxPool, AveragePool, GlobalAveragePool, Pad, Slice, Flatten)
}

__all__ = [
    "OPERATORS",
    "Add",
    "AveragePool",
    "Codes",
    "Concat",
    "Conv",
    "Flatten",
    "GlobalAveragePool",
    "Layer",
    "Linear",
    "MaxPool",
    "Node",
    "Pad",
    "Pair",
    "Quad",
    "Quantization",
    "Requantize",
    "Requantizing",
    "Sextuple",
    "Shape",
    "Slice",
    "Triple",
    "window_output",
]
