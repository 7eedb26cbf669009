"""Networks as HDF5: format "axsim-network", version 2.

    first 512 bytes    a user block, which HDF5 leaves alone: a line of text with the sha256 of all that follows it
    /                  attributes: format, version, name, scheme, rounding
    /about             attributes: source, source_sha256, licence, calibration, accuracy ... (text)
    /input             attributes: shape (C, H, W), scale, zero_point, format, pixel_scale, mean, std
    /nodes/003_conv    one group a node in order of execution; attributes: op, name, inputs, scale, zero_point,
                       format and the operator's own; datasets of a layer: weight int8 or uint8, weight_scale
                       float32, weight_zero_point int32, bias int32
    /labels            class names (text), where known

Datasets are compressed and carry a checksum each. The sha256 is compared before HDF5 sees the file: its library has no
checksum over what holds the datasets together, and one wrong byte there can crash the process. No pickles; soft,
external and virtual links are refused: loading reads this file only.

Version 1 had no weight_zero_point: the weights were int8, their zero points 0. Such files are read.
"""

import contextlib
import dataclasses
import hashlib
import io
import os
import pathlib
import types
import typing
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from .errors import NetworkError, first_line
from .files import check_readable, replacing
from .network import Network, Preprocessing
from .nodes import OPERATORS, Node, Quantization

FORMAT, VERSION = "axsim-network", 2
OLDEST_VERSION = 1
ARRAYS = ("weight", "weight_scale", "bias", "weight_zero_point")
USER_BLOCK = 512
LARGEST_DATASET = 2**30  # elements; a file may claim any shape at no cost, and reading it would fill the memory


def save(network: Network, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write `network` to `path`: under a temporary name first, then renamed.

    Raises AxsimError if `path` cannot be written, or exists and `overwrite` is false.
    """
    with replacing(path, overwrite) as temporary, _signed_file(temporary) as file:
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


@contextlib.contextmanager
def _signed_file(path: pathlib.Path) -> Iterator[h5py.File]:
    """Create an HDF5 file with a user block and sign it when all is written.

    It is made in memory: HDF5 does not survive a disk that fills up under it.
    """
    with io.BytesIO() as buffer:
        with h5py.File(buffer, "w", userblock_size=USER_BLOCK) as file:
            yield file
        path.write_bytes(buffer.getvalue())
    sign(path)


def sign(path: str | os.PathLike[str]) -> None:
    """Write into the user block of an HDF5 file the sha256 of what follows it."""
    with open(path, "r+b") as file:
        signature = _signature(file)
        file.seek(0)
        file.write(signature.ljust(USER_BLOCK, b"\0"))


def check_signature(path: str | os.PathLike[str]) -> None:
    """Raise NetworkError unless the file is as axsim wrote it."""
    with open(path, "rb") as file:
        start = file.read(USER_BLOCK)
        if not start.startswith(f"{FORMAT} ".encode()):
            raise NetworkError(f"format must be {FORMAT!r}, but the file does not begin so; is this a network file?")
        found = _signature(file)
    if start.rstrip(b"\0") != found:
        raise NetworkError(
            "content must match the sha256 at its beginning: the file was truncated or altered after "
            "axsim wrote it; convert the network again"
        )


def _signature(file: io.BufferedIOBase) -> bytes:
    """Return the line of text about all that follows the user block."""
    file.seek(USER_BLOCK)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{FORMAT} HDF5 file, sha256 of all after byte {USER_BLOCK}: {digest}\n".encode()


def load(path: str | os.PathLike[str]) -> Network:
    """
    Read a network file and check it whole.

    Raises
    ------
    NetworkError
        If the file is missing, truncated, altered, of another format or version, or breaks a rule; names the file, the
        group and the rule.
    """
    path = pathlib.Path(path)
    check_readable(path, NetworkError, "`axsim convert` makes a network from an ONNX model")
    try:
        check_signature(path)
        with h5py.File(path, "r") as file:
            return _read(file)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None
    except Exception as error:
        # What h5py raises on damaged content; its own words are kept as far as one line goes.
        reason = first_line(error)
        raise NetworkError(
            f"{path}: not a readable HDF5 network file, truncated or damaged ({reason}); convert the network again"
        ) from None


def _read(file: h5py.File) -> Network:
    if _attribute(file, "format", str, None) != FORMAT:
        raise NetworkError(f"format must be {FORMAT!r}, got {file.attrs.get('format')!r}; is this a network file?")
    version = _attribute(file, "version", int)
    if not OLDEST_VERSION <= version <= VERSION:
        raise NetworkError(
            f"version must be from {OLDEST_VERSION} to {VERSION}, got {version}; "
            "this axsim cannot read it, try a newer one"
        )
    _check_links(file)
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
        name=_attribute(file, "name", str),
        input_shape=_attribute(given, "shape", tuple[int, int, int]),
        input=_quantization(given),
        preprocessing=Preprocessing(
            _attribute(given, "pixel_scale", float),
            _attribute(given, "mean", tuple[float, ...]),
            _attribute(given, "std", tuple[float, ...]),
        ),
        nodes=tuple(_node(file["nodes"][key]) for key in sorted(file["nodes"])),
        scheme=_attribute(file, "scheme", str),
        class_names=() if labels is None else tuple(str(name) for name in labels.asstr()[:]),
        about={key: _attribute(file["about"], key, str) for key in sorted(file["about"].attrs)},
        rounding=_attribute(file, "rounding", str),
    )


def _node(group: h5py.Group) -> Node:
    if not isinstance(group, h5py.Group):
        raise NetworkError("/nodes must hold groups only")
    op = _attribute(group, "op", str)
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
            values[field.name] = _attribute(group, field.name, hints[field.name])
    return OPERATORS[op](**values)


def _quantization(group: h5py.Group) -> Quantization:
    return Quantization(
        _attribute(group, "scale", float),
        _attribute(group, "zero_point", int),
        _attribute(group, "format", str),
    )


def _array(group: h5py.Group, name: str) -> Any:
    dataset = group.get(name)
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise NetworkError(f"{group.name}: {name} must be a dataset")
    if dataset.size > LARGEST_DATASET:
        raise NetworkError(f"{group.name}: {name} must have at most {LARGEST_DATASET} elements, got {dataset.shape}")
    return dataset[()]


_MISSING = object()


def _attribute(group: h5py.Group, name: str, kind: Any, default: Any = _MISSING) -> Any:
    """Read an attribute as a plain Python value of `kind` (str, int, float, bool or a tuple of these)."""
    value = group.attrs.get(name, default)
    if value is _MISSING:
        raise NetworkError(f"{group.name}: attribute {name!r} is missing")
    if value is default:
        return default
    items = typing.get_args(kind)
    if not items:
        return _scalar(group, name, value, kind)
    values = np.atleast_1d(value)
    if values.ndim != 1 or (items[-1] is not Ellipsis and len(values) != len(items)):
        raise NetworkError(f"{group.name}: {name} must be {_words(kind)}, got shape {values.shape}")
    return tuple(_scalar(group, name, item, items[0]) for item in values)


def _scalar(group: h5py.Group, name: str, value: Any, kind: type) -> Any:
    kinds: dict[type, tuple[type, ...]] = {
        str: (str,),
        int: (int, np.integer),
        float: (float, int, np.floating, np.integer),
        bool: (bool, np.bool_),
    }
    if not isinstance(value, kinds[kind]) or (kind is not bool and isinstance(value, bool | np.bool_)):
        raise NetworkError(f"{group.name}: {name} must be {_words(kind)}, got {value!r}")
    return kind(value)


def _words(kind: Any) -> str:
    names = {str: "text", int: "an integer", float: "a number", bool: "true or false"}
    if isinstance(kind, types.GenericAlias):
        items = typing.get_args(kind)
        return f"{'some' if items[-1] is Ellipsis else len(items)} values, each {names[items[0]]}"
    return names[kind]


def _check_links(group: h5py.Group) -> None:
    """Refuse everything that would make reading this file read another, or the same thing for ever."""
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise NetworkError(f"{group.name}: {name} must not be a soft or external link")
        item = group[name]
        if isinstance(item, h5py.Dataset) and (item.is_virtual or item.external):
            raise NetworkError(f"{item.name} must be stored in this file")
        if isinstance(item, h5py.Group):
            if group.name.count("/") > 1:
                raise NetworkError(f"{item.name}: groups must not be nested deeper than /nodes/NNN_op")
            _check_links(item)
