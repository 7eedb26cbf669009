"""axsim with exact products against LiteRT's reference kernels: every tensor's integers. Needs the extra `litert`.

LiteRT has several kernels for one operator. Its reference kernels, plain loops, state the rounding rule `litert`. Its
default ones (XNNPACK) and its optimized ones round otherwise, and a difference of one code in an early layer spreads.
"""

import hashlib
import importlib.metadata
import math
import os
import pathlib
from typing import Any

import numpy as np

from ..errors import AxsimError, ConversionError, NetworkError, first_line
from ..formats import Patterns
from ..images import Pixels
from ..importers.tflite import import_tflite
from ..inference.engine import Progress, check_images, forward, prepare
from ..networks.network import INPUT, Network
from ..networks.rounding import FIXED
from .node_comparison import RuntimeComparison, Tally

BATCH_CODES = 2**24  # codes of all nodes together that are held at a time


class ReferenceKernels:
    """
    A TFLite model in LiteRT's reference kernels; every tensor can be read after an image has run.

    Raises
    ------
    AxsimError
        If the extra `litert` is not installed.
    ConversionError
        If LiteRT refuses the model.
    """

    def __init__(self, content: bytes) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
        except ImportError:
            raise AxsimError("running TFLite needs the package ai-edge-litert: pip install 'axsim[litert]'") from None
        try:
            self._interpreter = Interpreter(
                model_content=content,
                experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                experimental_preserve_all_tensors=True,
            )
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ConversionError(f"LiteRT refuses the model: {first_line(error)}") from None
        self._input: dict[str, Any] = self._interpreter.get_input_details()[0]

    def run(self, patterns: Patterns) -> None:
        """Run one image, patterns uint8 [C, H, W] of the input's codes."""
        image = np.ascontiguousarray(patterns.transpose(1, 2, 0)).view(self._input["dtype"])
        self._interpreter.set_tensor(self._input["index"], image.reshape(self._input["shape"]))
        self._interpreter.invoke()

    def patterns(self, tensor: int, shape: tuple[int, int, int]) -> Patterns:
        """Patterns of a tensor whose elements lie as an image [H, W, C], as uint8 [C, H, W]."""
        channels, height, width = shape
        values = self._interpreter.get_tensor(tensor).view(np.uint8)
        return values.reshape(height, width, channels).transpose(2, 0, 1)


class LiteRTValidation(RuntimeComparison):
    """What a comparison with LiteRT gave; what is a step towards a tensor, a pool before its activation, has none."""

    @property
    def explanation(self) -> str | None:
        """Why integers differ, where the rounding rule says it."""
        arising = {node.op for node in self.nodes if node.differing and node.inputs_equal}
        if arising == {"linear"} and self.network.rounding == "fixed":
            return (
                "differences arise in fully connected layers only: there LiteRT's reference kernel multiplies by a "
                "float64 scale and rounds once; `axsim convert --rounding litert` does so too"
            )
        return None

    @property
    def remarks(self) -> list[str]:
        """What a report says beside the figures."""
        return [self.explanation] if self.explanation else []

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return super().as_dict() | {"explanation": self.explanation}


def validate_litert(
    network: Network, images: Pixels, model: str | os.PathLike[str], progress: Progress | None = None
) -> LiteRTValidation:
    """
    Run images through axsim, every product exact, and through LiteRT's reference kernels; compare every tensor.

    Parameters
    ----------
    network : Network
        Imported by `axsim.convert_tflite`.
    images : as for `axsim.run`
        Both are given the codes that the network's own preprocessing makes of them.
    model : path of the .tflite file that the network was imported from
    progress : function of (images done, images in all), optional

    Raises
    ------
    NetworkError
        If the network was not imported from `model`.
    ImageError
        If the images do not fit the network.
    AxsimError
        If the extra `litert` is not installed.
    """
    check_images(network, images)
    imported, content = _source(network, model)
    runtime = ReferenceKernels(content)
    tallies = {name: Tally() for name in imported.tensors}
    codes: dict[str, Patterns] = {}
    size = max(1, BATCH_CODES // sum(math.prod(shape) for shape in network.shapes.values()))
    layers = prepare(network, dict.fromkeys((layer.name for layer in network.layers), None))
    start = 0
    for logits in forward(network, layers, images, None, size, progress, codes.__setitem__):
        for index in range(len(logits)):
            runtime.run(codes[INPUT][:, index])
            for name, tally in tallies.items():
                theirs = runtime.patterns(imported.tensors[name], imported.images[name])
                shape = network.shapes[name]
                tally.add(
                    start + index, codes[name][:, index], theirs.reshape(shape), network.quantization(name).format
                )
        start += len(logits)

    clean = {INPUT: True} | {node.name: True for node in network.nodes}
    clean |= {name: not tally.differing for name, tally in tallies.items()}
    compared = tuple(
        tallies[node.name].result(node.name, node.op, all(clean[name] for name in node.inputs))
        for node in network.nodes
        if node.name in tallies
    )
    return LiteRTValidation(
        network,
        len(images),
        compared,
        tuple(node.name for node in network.nodes if node.name not in tallies),
        f"LiteRT {importlib.metadata.version('ai-edge-litert')}, reference kernels",
    )


def _source(network: Network, model: str | os.PathLike[str]) -> tuple[Any, bytes]:
    """Import the model anew, to know its tensors, and its content; it must be what the network came from."""
    if network.rounding not in FIXED:
        raise NetworkError(
            f"{network.name} must have rounding {' or '.join(FIXED)} to be compared with LiteRT, got {network.rounding}"
        )
    imported = import_tflite(model, network.preprocessing, rounding=network.rounding)
    content = pathlib.Path(model).read_bytes()
    names = [node.name for node in imported.network.nodes]
    if hashlib.sha256(content).hexdigest() != network.about.get("source_sha256") or names != [
        node.name for node in network.nodes
    ]:
        raise NetworkError(
            f"{network.name} must have been imported from {model}, but comes from "
            f"{network.about.get('source', 'elsewhere')}, another file; convert it again"
        )
    return imported, content
