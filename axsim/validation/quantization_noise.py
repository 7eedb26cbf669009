"""How well int8 stands for the real numbers of every node: signal-to-quantization-noise ratios, to find a bad layer.

    SQNR = 10 log10(sum real^2 / sum (real - int8)^2)   [dB]

real being the float model's tensor in ONNX Runtime, its channels divided as the network's were by equalization, and
int8 the network's, dequantized, with what a relu shift took off added again, on the same images. Each bit of a uniform
quantizer is worth 6.02 dB (W. R. Bennett, Bell System Technical Journal 27(3), 1948).
"""

import dataclasses
import hashlib
import math
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..conversion.calibrate import FloatModel
from ..conversion.equalization import divided, factors_shown
from ..conversion.relu_shift import shifts_shown, take_out_padding
from ..errors import AxsimError
from ..formats import Patterns
from ..images import Pixels
from ..inference.engine import forward
from ..inference.operators import reals, to_codes
from ..inference.prepared import prepare
from ..networks.network import INPUT, Network


@dataclasses.dataclass(frozen=True)
class NodeNoise:
    """
    One node, or the input, of a network against the float model; ratios in dB, inf where nothing is lost.

    Attributes
    ----------
    node, op : str
    network : float
        Of its output within the int8 network: all that was lost up to there.
    own : float
        Of its output as float, rounded to its codes and clipped to its range: what this quantization alone loses.
    """

    node: str
    op: str
    network: float
    own: float


class _Sums:
    """Sums of the squares of a signal and of its noise."""

    def __init__(self) -> None:
        self.signal = self.noise = 0.0

    def add(self, real: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> None:
        self.signal += float(np.square(real, dtype=np.float64).sum())
        self.noise += float(np.square(real - other, dtype=np.float64).sum())

    def ratio(self) -> float:
        if self.noise == 0:
            return math.inf
        return 10 * math.log10(self.signal / self.noise) if self.signal > 0 else -math.inf


def quantization_noise(
    path: str | os.PathLike[str],
    network: Network,
    images: Pixels,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[NodeNoise, ...]:
    """
    Signal-to-quantization-noise ratio of the input and of every node, in order of execution.

    Left out are nodes whose numbers the float model does not have in this arrangement: constants, and what stands
    between rearrangements.

    Parameters
    ----------
    path : path of the float .onnx model that the network was converted from
    network : Network
    images : uint8 [N, H, W, C], in memory or streamed

    Raises
    ------
    AxsimError
        If the model is another than the network's, by its sha256; what `axsim.convert` and `axsim.run` raise.
    """
    from ..importers.names import node_names
    from ..importers.onnx import computed_tensors, read_graph, read_model

    found = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest() if os.path.isfile(path) else None
    if found is not None and found != network.about.get("source_sha256"):
        raise AxsimError(f"{path} must be the model that {network.name} was converted from: its sha256 is another")
    model = read_model(path)
    graph = read_graph(model, network.name)
    wanted = [node.name for node in network.nodes]
    if node_names(graph) != wanted:
        take_out_padding(graph)  # as `axsim.convert` did if relus are shifted
    names = node_names(graph)
    if names != wanted:
        raise AxsimError(f"{path} must give the nodes of {network.name}; convert it again with this version")
    shown = factors_shown(graph, network)
    factors = {name: shown.get(node.name) for name, node in zip(names, graph.nodes, strict=True)}
    by_node = shifts_shown(graph, network)
    shifts = {name: np.float32(by_node.get(node.name, 0.0)) for name, node in zip(names, graph.nodes, strict=True)}
    known = computed_tensors(model)
    tensors = {name: node.name for name, node in zip(names, graph.nodes, strict=True) if node.name in known}
    tensors[INPUT] = graph.input
    formats = {INPUT: network.input} | {node.name: node.output for node in network.nodes}
    sums = {name: (_Sums(), _Sums()) for name in (INPUT, *names) if name in tensors}
    layers = prepare(network, dict.fromkeys((layer.name for layer in network.layers), None))
    float_model = FloatModel(model, graph.input, list(tensors.values()))
    start = 0
    for values in float_model.run(images, network.preprocessing, progress):
        count = len(values[graph.input])

        def observe(name: str, codes: Patterns, values: Any = values) -> None:
            if name not in tensors:
                return
            real = _laid_out(divided(values[tensors[name]], factors.get(name)), codes.shape)
            shift = shifts.get(name, np.float32(0))
            for total, made in zip(sums[name], (codes, to_codes(real - shift, formats[name], None)), strict=True):
                total.add(real, reals(formats[name])[made] + shift)

        batch = images[start : start + count]
        for _ in forward(network, layers, batch, lambda layer, x: layer.sums(x, None), count, observe=observe):
            pass
        start += count
    ops = {node.name: node.op for node in network.nodes}
    return tuple(NodeNoise(name, ops.get(name, INPUT), *(each.ratio() for each in pair)) for name, pair in sums.items())


def _laid_out(value: npt.NDArray[np.float32], shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Tensor [N, ...] of the float model as the network has it, [C, N, H, W]; without a class that was dropped."""
    channels, count, height, width = shape
    if value.ndim == 3:  # tokens [N, T, F]
        value = value.transpose(0, 2, 1)
    if value.size // count == channels + 1 and (height, width) == (1, 1):
        value = value[:, 1:]
    return value.reshape(count, channels, height, width).transpose(1, 0, 2, 3)
