"""Float ONNX model and images -> quantized Network: read, fold, calibrate, quantize."""

import dataclasses
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import AxsimError, ConversionError
from ..images import ImageSet, load_images
from ..importers.float_graph import FloatGraph, drop_first_class, final_layer
from ..networks.network import SCHEMES, Network, Scheme, printable
from ..networks.preprocessing import Preprocessing
from .bias_correction import ChannelMeans
from .calibrate import DEFAULT_METHOD, FloatModel, Method, calibrate
from .equalization import ChannelBounds, Factors, equalize
from .quantize import code_rule, quantize
from .relu_shift import code_rule_of_relus, shift_relus, shiftable, take_out_padding


@dataclasses.dataclass(frozen=True)
class ModelInput:
    """What images must become for a float model: shape (C, H, W), the recipe, and its number of classes, if known."""

    input_shape: tuple[int, int, int]
    preprocessing: Preprocessing
    classes: int | None
    class_names: tuple[str, ...] = ()


def model_input(
    path: str | os.PathLike[str], recipe: Callable[[int], Preprocessing], drop_background: bool = False
) -> ModelInput:
    """Say for what `axsim.load_images` shall read the calibration images; `recipe` is given the number of channels.

    Raises ConversionError as `convert`.
    """
    from ..importers.onnx import read_model

    return _model_input(_read_graph(read_model(path), "", drop_background), recipe)


def _read_graph(model: Any, name: str, drop_background: bool) -> FloatGraph:
    from ..importers.onnx import read_graph

    graph = read_graph(model, name)
    if drop_background:
        drop_first_class(graph)
    return graph


def _model_input(graph: FloatGraph, recipe: Callable[[int], Preprocessing]) -> ModelInput:
    layer = final_layer(graph)
    classes = None if layer is None or layer.weight is None else len(layer.weight)
    return ModelInput(graph.shape, recipe(graph.shape[0]), classes)


def convert(
    path: str | os.PathLike[str],
    images: ImageSet | str | os.PathLike[str],
    recipe: Preprocessing,
    *,
    scheme: Scheme = "symmetric",
    method: Method = DEFAULT_METHOD,
    equalization: bool = False,
    relu_shift: bool = False,
    bias_correction: bool = True,
    rounding: str = "onnxruntime",
    drop_background: bool = False,
    name: str | None = None,
    about: dict[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Network:
    """
    Convert a float ONNX model: read, fold, calibrate on the images, quantize.

    Parameters
    ----------
    path : path of the .onnx file
    images : ImageSet or path
        Calibration images of the network's input size; their class names, if any, become the network's. A path is read
        by `axsim.load_images`.
    recipe : Preprocessing
    scheme : {"symmetric", "affine"}
    method : {"minmax", "percentile", "mse"}
        How activation ranges are chosen, as `axsim.conversion.calibrate` says.
    equalization : bool
        Even out the channels that share a scale where layers allow it; see `axsim.conversion.equalization`.
    relu_shift : bool
        Store outputs of relus with their middle at zero, where what reads them allows it: under "symmetric" they then
        use all codes, and 0 is the code -127; see `axsim.conversion.relu_shift`.
    bias_correction : bool
        Take off each bias what rounding the weights adds on average; see `axsim.conversion.bias_correction`.
    rounding : str
        Rule by which results become codes, one of `axsim.networks.rounding.ROUNDINGS`.
    drop_background : bool
        Remove class 0, which TensorFlow's ImageNet models have before the 1,000.
    name : str, optional
        Of the network; the file's without its ending when not given.
    about : dict of str, optional
        Kept in the network as they are, beside what the conversion writes itself: origin, licence.
    progress : callable, optional
        Called with the calibration images done and their number after each batch.

    Returns
    -------
    Network
        Quantized, with `recipe`; `save` writes it.

    Raises
    ------
    ConversionError
        If the model cannot be converted; names the node and the operator.
    ImageError, AxsimError
        If the images do not fit the model, or an argument is none of its values.
    """
    import hashlib

    from ..importers.onnx import computed_tensors, read_model

    if scheme not in SCHEMES:
        raise AxsimError(f"scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}")
    if relu_shift and scheme != "symmetric":
        raise AxsimError(f"relu shift is for the symmetric scheme; the zero points of {scheme} do the same")
    model = read_model(path)
    graph = _read_graph(model, name or printable(pathlib.Path(path).stem), drop_background)
    given = _model_input(graph, lambda channels: recipe)
    if not isinstance(images, ImageSet):
        images = load_images(images, network=given, unlabelled=True)
    channels, height, width = graph.shape
    if images.images.dtype != np.uint8:
        raise AxsimError(f"calibration images must be pixels, uint8, got {images.images.dtype}")
    if images.images.shape[1:] != (height, width, channels):
        raise AxsimError(
            f"calibration images must be {height} x {width} with {channels} channels for this model, "
            f"got {' x '.join(map(str, images.images.shape[1:]))}"
        )
    if len(recipe.mean) != channels or len(recipe.std) != channels:
        raise AxsimError(f"mean and std must have {channels} numbers, one for each channel of the model's input")
    known = computed_tensors(model)
    tensors = [graph.input, *dict.fromkeys(node.of_tensor for node in graph.nodes if node.of_tensor in known)]
    means = ChannelMeans()
    factors: dict[str, Factors] = {}

    def even_out(channels: ChannelBounds) -> dict[str, Factors]:
        if equalization:
            factors.update(equalize(graph, channels))
        return factors

    relus: set[str] = set()  # tensors of the model
    if relu_shift:
        take_out_padding(graph)
        shifted = set[str]().union(*shiftable(graph))
        relus = {node.of_tensor for node in graph.nodes if node.name in shifted}

    ranges = calibrate(
        FloatModel(model, graph.input, tensors),
        images.images,
        recipe,
        method,
        lambda name, bounds: code_rule_of_relus(bounds) if name in relus else code_rule(bounds, scheme),
        progress,
        means.add if bias_correction else lambda values: None,
        even_out,
    )
    means.divide(factors)
    if relus:
        shift_relus(graph, ranges, means)
    words = {"channels equalized": factors, "relus shifted": relus, "biases corrected": bias_correction}
    done = "".join(f", {word}" for word, was_done in words.items() if was_done)
    origin = {
        "source": printable(pathlib.Path(path).name),
        "source_sha256": hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest(),
        "calibration": f"{method} on {len(images)} images{done}",
    }
    network = quantize(
        graph,
        ranges,
        recipe,
        scheme,
        images.class_names,
        {**origin, **(about or {})},
        means,
        rounding,
    )
    if drop_background and network.classes != given.classes:
        raise ConversionError("the background class can be dropped where each channel of the last layer is a class")
    return network
