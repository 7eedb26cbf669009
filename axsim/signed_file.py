"""HDF5 files signed in their user block: what networks and multipliers share.

    first 512 bytes    a user block, which HDF5 leaves alone: a line of text with the format's name and the sha256 of
                       all that follows it

The sha256 is compared before HDF5 sees the file: its library has no checksum over what holds the datasets together, and
one wrong byte there can crash the process. Attributes are read as plain Python values of a stated kind; soft, external
and virtual links are refused: reading reads this file only.
"""

import contextlib
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

from .errors import AxsimError, FileFormatError, first_line
from .files import replacing

USER_BLOCK = 512


@contextlib.contextmanager
def creating(path: str | os.PathLike[str], format_name: str, overwrite: bool = True) -> Iterator[h5py.File]:
    """
    Yield an HDF5 file to fill, which is signed and takes its place at `path` when all is written.

    It is made in memory: HDF5 does not survive a disk that fills up under it. Raises AxsimError if `path` cannot be
    written, or exists and `overwrite` is false.
    """
    with replacing(path, overwrite) as temporary:
        with io.BytesIO() as buffer:
            with h5py.File(buffer, "w", userblock_size=USER_BLOCK) as file:
                yield file
            pathlib.Path(temporary).write_bytes(buffer.getvalue())
        sign(temporary, format_name)


@contextlib.contextmanager
def reading(path: str | os.PathLike[str], format_name: str, remedy: str) -> Iterator[h5py.File]:
    """
    Yield a signed HDF5 file, opened for reading.

    Raises FileFormatError, without the path, for what is damaged; `remedy` says what to do then. Errors of axsim that
    the block raises pass.
    """
    try:
        check_signature(path, format_name, remedy)
        with h5py.File(path, "r") as file:
            yield file
    except AxsimError:
        raise
    except Exception as error:
        # What h5py raises on damaged content; its own words are kept as far as one line goes.
        raise FileFormatError(
            f"not a readable {format_name} file, truncated or damaged ({first_line(error)}); {remedy}"
        ) from None


def sign(path: str | os.PathLike[str], format_name: str) -> None:
    """Write into the user block of an HDF5 file the sha256 of what follows it."""
    with open(path, "r+b") as file:
        signature = _signature(file, format_name)
        file.seek(0)
        file.write(signature.ljust(USER_BLOCK, b"\0"))


def check_signature(path: str | os.PathLike[str], format_name: str, remedy: str) -> None:
    """Raise FileFormatError unless the file is as axsim wrote it."""
    with open(path, "rb") as file:
        start = file.read(USER_BLOCK)
        if not start.startswith(f"{format_name} ".encode()):
            noun = format_name.removeprefix("axsim-")
            raise FileFormatError(
                f"format must be {format_name!r}, but the file does not begin so; is this a {noun} file?"
            )
        found = _signature(file, format_name)
    if start.rstrip(b"\0") != found:
        raise FileFormatError(
            "content must match the sha256 at its beginning: the file was truncated or altered after "
            f"axsim wrote it; {remedy}"
        )


def _signature(file: io.BufferedIOBase, format_name: str) -> bytes:
    """Return the line of text about all that follows the user block."""
    file.seek(USER_BLOCK)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{format_name} HDF5 file, sha256 of all after byte {USER_BLOCK}: {digest}\n".encode()


_MISSING = object()


def attribute(group: h5py.Group, name: str, kind: Any, default: Any = _MISSING) -> Any:
    """Read an attribute as a plain Python value of `kind` (str, int, float, bool or a tuple of these)."""
    value = group.attrs.get(name, default)
    if value is _MISSING:
        raise FileFormatError(f"{group.name}: attribute {name!r} is missing")
    if value is default:
        return default
    items = typing.get_args(kind)
    if not items:
        return _scalar(group, name, value, kind)
    values = np.atleast_1d(value)
    if values.ndim != 1 or (items[-1] is not Ellipsis and len(values) != len(items)):
        raise FileFormatError(f"{group.name}: {name} must be {_words(kind)}, got shape {values.shape}")
    return tuple(_scalar(group, name, item, items[0]) for item in values)


def _scalar(group: h5py.Group, name: str, value: Any, kind: type) -> Any:
    kinds: dict[type, tuple[type, ...]] = {
        str: (str,),
        int: (int, np.integer),
        float: (float, int, np.floating, np.integer),
        bool: (bool, np.bool_),
    }
    if not isinstance(value, kinds[kind]) or (kind is not bool and isinstance(value, bool | np.bool_)):
        raise FileFormatError(f"{group.name}: {name} must be {_words(kind)}, got {value!r}")
    return kind(value)


def _words(kind: Any) -> str:
    names = {str: "text", int: "an integer", float: "a number", bool: "true or false"}
    if isinstance(kind, types.GenericAlias):
        items = typing.get_args(kind)
        return f"{'some' if items[-1] is Ellipsis else len(items)} values, each {names[items[0]]}"
    return names[kind]


def check_links(group: h5py.Group) -> None:
    """Refuse everything that would make reading this file read another, or the same thing for ever."""
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise FileFormatError(f"{group.name}: {name} must not be a soft or external link")
        item = group[name]
        if isinstance(item, h5py.Dataset) and (item.is_virtual or item.external):
            raise FileFormatError(f"{item.name} must be stored in this file")
        if isinstance(item, h5py.Group):
            if group.name.count("/") > 1:
                raise FileFormatError(f"{item.name}: groups must not be nested deeper than /nodes/NNN_op")
            check_links(item)
