"""Fully integer TFLite -> Network. Needs the extra `tflite`, and no calibration: the scales are given.

What each operator becomes stands in `operators.py`; anything else is refused by name. A softmax at the end, and
what only formats its result, is left out: it changes no class, and the file's `about` names it.
"""

import dataclasses
import hashlib
import os
import pathlib

import numpy as np

from ...errors import AxsimError, ConversionError
from ...formats import code_range
from ...networks.network import INPUT, Network, printable
from ...networks.nodes import Quantization, Shape
from ...networks.preprocessing import Preprocessing
from ...networks.rounding import FIXED
from .importer import Importer
from .model import read_model


@dataclasses.dataclass(frozen=True)
class Imported:
    """
    A network and, by the name of its nodes, the tensor of the file that each computes.

    The tensor's elements lie as an image [H, W, C] of the shape (C, H, W) in `images`. A node that is a step towards a
    tensor has none.
    """

    network: Network
    tensors: dict[str, int]
    images: dict[str, Shape]


def convert_tflite(
    path: str | os.PathLike[str],
    recipe: Preprocessing | None = None,
    *,
    rounding: str = "litert",
    name: str | None = None,
    about: dict[str, str] | None = None,
) -> Network:
    """
    Convert a fully integer TFLite model: same integers, same rounding, layer by layer.

    Parameters
    ----------
    path : path of the .tflite file
    recipe : Preprocessing, optional
        Of one channel, it serves all. By default a pixel is the input's code as it is (u8), or 128 less (s8), as
        deployed models take them.
    rounding : {"fixed", "litert"}
        litert: what LiteRT's reference kernels compute, bit for bit. fixed: the same but for fully connected layers,
        which are in integers too, as in TFLite Micro.
    name : str, optional
        Name of the network; that of the file where not given.
    about : dict of str to str, optional
        What to note of its origin.

    Raises
    ------
    ConversionError
        If the file is damaged, not fully integer, or has an operator that is not supported; names it.
    NetworkError
        If the network that results breaks a rule.
    AxsimError
        If the extra `tflite` is not installed.
    """
    return import_tflite(path, recipe, rounding=rounding, name=name, about=about).network


def import_tflite(
    path: str | os.PathLike[str],
    recipe: Preprocessing | None = None,
    *,
    rounding: str = "litert",
    name: str | None = None,
    about: dict[str, str] | None = None,
) -> Imported:
    """Convert as `convert_tflite` does, and keep which tensor of the file each node computes."""
    if rounding not in FIXED:
        raise AxsimError(f"rounding must be one of {', '.join(FIXED)}, got {rounding!r}")
    model = read_model(path)
    try:
        importer = Importer(model)
        dropped = importer.run()
    except ConversionError as error:
        raise ConversionError(f"{path}: {error}") from None
    file = pathlib.Path(path)
    origin = {
        "source": printable(file.name),
        "source_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        **({"left_out": ", ".join(dropped)} if dropped else {}),
    }
    given = importer.quantizations[INPUT]
    channels = importer.input_shape[0]
    if recipe is not None and len(recipe.mean) == len(recipe.std) == 1:
        recipe = dataclasses.replace(recipe, mean=recipe.mean * channels, std=recipe.std * channels)
    network = Network(
        name or printable(file.stem),
        importer.input_shape,
        given,
        recipe or pixels_as_codes(given, channels),
        tuple(importer.nodes),
        "affine",
        (),
        {**origin, **(about or {})},
        rounding,
    )
    return Imported(network, importer.tensors, importer.images)


def pixels_as_codes(given: Quantization, channels: int) -> Preprocessing:
    """Return the recipe under which code = pixel + lowest code: a pixel is the input's code, as its format counts."""
    mean = float(given.zero_point - code_range(given.format)[0])
    with np.errstate(over="ignore"):
        std = float(np.float32(1 / given.scale))
    return Preprocessing(1.0, (mean,) * channels, (std,) * channels)
