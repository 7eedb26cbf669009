"""Network -> ONNX in QDQ form: float operators between DequantizeLinear and QuantizeLinear. Needs the extra `convert`.

Every node's codes are one tensor of the model, the output of a QuantizeLinear, so that a runtime's integers can be
compared with axsim's. A runtime that knows the form runs conv -> QuantizeLinear and the like as one integer kernel.

A clamp that is narrower than the format (a relu under s8, the codes -127 to 127 of a symmetric network) becomes a Relu
or Clip of its own behind the codes, and a second QuantizeLinear of the same scale: between a layer and its
QuantizeLinear it would keep ONNX Runtime from its integer kernel. The numbers are the same.
"""

import dataclasses
import os
from typing import Any

from ..errors import AxsimError
from ..files import check_writable, replacing
from ..importers.onnx import require_onnx
from ..networks.network import Network
from .onnx_operators import write
from .onnx_writer import Writer

LARGEST_MODEL = 2**31 - 1  # bytes of a protobuf


@dataclasses.dataclass(frozen=True)
class ExportedModel:
    """An ONNX model and where its integers are.

    Attributes
    ----------
    proto : onnx.ModelProto
        Input `input`, float32 [N, C, H, W], preprocessed; output `logits`, float32 [N, classes].
    codes : dict of str to str
        For the network's input and every node, the tensor of its codes.
    """

    proto: Any
    codes: dict[str, str]


def export(network: Network, path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """
    Write a network as an ONNX model in QDQ form.

    Raises
    ------
    AxsimError
        If `path` cannot be written, or exists and `overwrite` is false; if a node has no ONNX form; if the model passes
        the 2 GB of one ONNX file; if the extra `convert` is not installed.
    """
    check_writable(path, overwrite)
    content = exported(network).proto.SerializeToString()
    with replacing(path, overwrite) as temporary:
        temporary.write_bytes(content)


def exported(network: Network) -> ExportedModel:
    """Build the model of a network, checked by ONNX's own checker; raises as `export` does."""
    onnx = require_onnx()
    writer = Writer(network)
    for node in network.nodes:
        write(node, writer)
    proto = writer.model()
    if proto.ByteSize() > LARGEST_MODEL:
        raise AxsimError(f"{network.name} must fit the 2 GB of one ONNX file, got {proto.ByteSize()} bytes")
    onnx.checker.check_model(proto)
    return ExportedModel(proto, writer.codes)
