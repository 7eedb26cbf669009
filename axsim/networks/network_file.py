"""Networks as HDF5: format "axsim-network", version 2.

    first 512 bytes    a user block, which HDF5 leaves alone: a line of text with the sha256 of all that follows it
    /                  attributes: format, version, name, scheme, rounding
    /about             attributes: source, source_sha256, licence, calibration, accuracy ... (text)
    /input             attributes: shape (C, H, W), scale, zero_point, format, pixel_scale, mean, std; fit, crop and
                       interpolation of pictures (files of before them have none: their defaults)
    /nodes/003_conv    one group a node in order of execution; attributes: op, name, inputs, scale, zero_point,
                       format and the operator's own; datasets of a layer: weight int8 or uint8, weight_scale
                       float32, weight_zero_point int32, bias int32; index int32 of a rearrange; codes int8 or
                       uint8 of a constant; gamma and beta float32 of a layer_norm
    /labels            class names (text), where known

Datasets are compressed and carry a checksum each; signed_file.py tells what the signature is for. No pickles.

Version 1 had no weight_zero_point: the weights were int8, their zero points 0. Such files are read.
"""

import dataclasses
import os
import typing
from typing import Any

import h5py

from .. import signed_file
from ..errors import FileFormatError, NetworkError
from ..files import check_readable
from ..signed_file import attribute, check_links
from .network import Network
from .nodes import OPERATORS, Node, Quantization
from .preprocessing import Preprocessing
from .shipped import network_path

FORMAT, VERSION = "axsim-network", 2
OLDEST_VERSION = 1
ARRAYS = ("weight", "weight_scale", "bias", "weight_zero_point", "index", "codes", "gamma", "beta")
FITTING = {"fit": str, "crop": float, "interpolation": str}  # of pictures; files written before have none of it
LARGEST_DATASET = 2**30  # elements; a file may claim any shape at no cost, and reading it would fill the memory


def save(network: Network, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write `network` to `path`: under a temporary name first, then renamed.

    Raises AxsimError if `path` cannot be written, or exists and `overwrite` is false.
    """
    with signed_file.creating(path, FORMAT, overwrite) as file:
        file.attrs.update({"format": FORMAT, "version": VERSION, "name": network.name})
        file.attrs.update({"scheme": network.scheme, "rounding": network.rounding})
        file.create_group("about").attrs.update(network.about)
        given = file.create_group("input")
        given.attrs["shape"] = network.input_shape
        given.attrs.update(dataclasses.asdict(network.input))
        given.attrs.update(dataclasses.asdict(network.preprocessing))
        nodes = file.create_group("nodes")
        digits = max(3, len(str(len(network.nodes) - 1)))  # alphabetical order is that of execution
        for index, node in enumerate(network.nodes):
            group = nodes.create_group(f"{index:0{digits}d}_{node.op}")
            group.attrs["op"] = node.op
            for field in dataclasses.fields(node):
                value = getattr(node, field.name)
                if field.name == "output":
                    group.attrs.update(dataclasses.asdict(value))
                elif field.name in ARRAYS:
                    options = {"compression": "gzip", "shuffle": True} if value.size else {}
                    group.create_dataset(field.name, data=value, fletcher32=bool(value.size), **options)
                elif field.name == "inputs":
                    group.attrs[field.name] = list(value)
                else:
                    group.attrs[field.name] = value
        if network.class_names:
            file.create_dataset("labels", data=list(network.class_names), dtype=h5py.string_dtype())


def sign(path: str | os.PathLike[str]) -> None:
    """Sign a network file that was altered on purpose."""
    signed_file.sign(path, FORMAT)


def load(path: str | os.PathLike[str]) -> Network:
    """
    Read a network file, or one that ships by its name (`axsim networks`), and check it whole.

    Raises
    ------
    NetworkError
        If the file is missing, truncated, altered, of another format or version, or breaks a rule; names the file, the
        group and the rule.
    """
    path = network_path(path)
    check_readable(path, NetworkError, "`axsim networks` lists those that ship, `axsim convert` makes others")
    try:
        with signed_file.reading(path, FORMAT, "convert the network again") as file:
            return _read(file)
    except (NetworkError, FileFormatError) as error:
        raise NetworkError(f"{path}: {error}") from None


def _read(file: h5py.File) -> Network:
    if attribute(file, "format", str, None) != FORMAT:
        raise NetworkError(f"format must be {FORMAT!r}, got {file.attrs.get('format')!r}; is this a network file?")
    version = attribute(file, "version", int)
    if not OLDEST_VERSION <= version <= VERSION:
        raise NetworkError(
            f"version must be from {OLDEST_VERSION} to {VERSION}, got {version}; "
            "this axsim cannot read it, try a newer one"
        )
    check_links(file)
    for name in ("about", "input", "nodes"):
        if not isinstance(file.get(name), h5py.Group):
            raise NetworkError(f"/{name} must be a group")
    given = file["input"]
    labels = file.get("labels")
    if labels is not None and not (isinstance(labels, h5py.Dataset) and h5py.check_string_dtype(labels.dtype)):
        raise NetworkError("/labels must be a dataset of text")
    if labels is not None and labels.size > LARGEST_DATASET:
        raise NetworkError(f"/labels must have at most {LARGEST_DATASET} entries, got {labels.shape}")
    return Network(
        name=attribute(file, "name", str),
        input_shape=attribute(given, "shape", tuple[int, int, int]),
        input=_quantization(given),
        preprocessing=Preprocessing(
            attribute(given, "pixel_scale", float),
            attribute(given, "mean", tuple[float, ...]),
            attribute(given, "std", tuple[float, ...]),
            **{name: attribute(given, name, kind) for name, kind in FITTING.items() if name in given.attrs},
        ),
        nodes=tuple(_node(file["nodes"][key]) for key in sorted(file["nodes"])),
        scheme=attribute(file, "scheme", str),
        class_names=() if labels is None else tuple(str(name) for name in labels.asstr()[:]),
        about={key: attribute(file["about"], key, str) for key in sorted(file["about"].attrs)},
        rounding=attribute(file, "rounding", str),
    )


def _node(group: h5py.Group) -> Node:
    if not isinstance(group, h5py.Group):
        raise NetworkError("/nodes must hold groups only")
    op = attribute(group, "op", str)
    if op not in OPERATORS:
        raise NetworkError(f"{group.name}: op must be one of {', '.join(OPERATORS)}, got {op!r}")
    values: dict[str, Any] = {}
    hints = typing.get_type_hints(OPERATORS[op])
    for field in dataclasses.fields(OPERATORS[op]):
        if field.name not in group and field.name == "weight_zero_point":
            continue  # version 1; the field's default
        if field.name == "output":
            values["output"] = _quantization(group)
        elif field.name in ARRAYS:
            values[field.name] = _array(group, field.name)
        else:
            values[field.name] = attribute(group, field.name, hints[field.name])
    return OPERATORS[op](**values)


def _quantization(group: h5py.Group) -> Quantization:
    return Quantization(
        attribute(group, "scale", float),
        attribute(group, "zero_point", int),
        attribute(group, "format", str),
    )


def _array(group: h5py.Group, name: str) -> Any:
    dataset = group.get(name)
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise NetworkError(f"{group.name}: {name} must be a dataset")
    if dataset.size > LARGEST_DATASET:
        raise NetworkError(f"{group.name}: {name} must have at most {LARGEST_DATASET} elements, got {dataset.shape}")
    return dataset[()]
