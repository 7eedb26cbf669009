"""Quantized ONNX -> Network, with its own codes: QDQ and QOperator form. Needs the extra `convert`.

In the order of the work: `integer_operators` writes the QOperator form as QDQ; `reader` takes QuantizeLinear and
DequantizeLinear as what they say of a tensor; `passes` gives every node the quantization of its output; `build` makes
the network. Nothing is calibrated and no weight is touched.
"""

import os

from ..onnx import require_onnx
from .build import QuantizedModel, import_quantized, read_quantized
from .integer_operators import is_quantized

__all__ = ["QuantizedModel", "holds_integers", "import_quantized", "is_quantized", "read_quantized"]


def holds_integers(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a quantized model; False where it is none that can be read, which its reader will say."""
    onnx = require_onnx()
    try:
        return is_quantized(onnx.load(os.fspath(path), load_external_data=False))
    except Exception:  # protobuf and file errors share no base class
        return False
