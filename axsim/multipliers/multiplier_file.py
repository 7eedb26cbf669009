"""Multipliers as HDF5: format "axsim-multiplier", version 1, signed as signed_file.py tells.

    /         attributes: format, version, name, operands (two of u8 and s8: weight, activation), source
    /about    attributes: source_sha256, kind, operands, order, notes ... (text): where an imported one comes from
    /costs    attributes: power_mw, area_um2, delay_ns (numbers), source (text), where known
    /table    int32 [256, 256], products by the operands' bit patterns, weight first; compressed, with a checksum

Reading one runs nothing, whatever it was imported from.
"""

import dataclasses
import os
import pathlib
import types
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from .. import signed_file
from ..errors import FileFormatError, MultiplierError
from ..files import check_readable
from ..signed_file import attribute, check_links
from .costs import Costs
from .product_table import Multiplier

FORMAT, VERSION = "axsim-multiplier", 1


def save(
    multiplier: Multiplier,
    path: str | os.PathLike[str],
    about: Mapping[str, str] = types.MappingProxyType({}),
    overwrite: bool = True,
) -> None:
    """Write a multiplier to `path`; raises AxsimError if it cannot be written, or exists and `overwrite` is false."""
    with signed_file.creating(path, FORMAT, overwrite) as file:
        file.attrs.update({"format": FORMAT, "version": VERSION, "name": multiplier.name, "source": multiplier.source})
        file.attrs["operands"] = list(multiplier.operands)
        file.create_group("about").attrs.update(about)
        if multiplier.costs is not None:
            file.create_group("costs").attrs.update(dataclasses.asdict(multiplier.costs))
        file.create_dataset("table", data=multiplier.table, fletcher32=True, compression="gzip", shuffle=True)


def load(path: str | os.PathLike[str]) -> Multiplier:
    """
    Read a multiplier file and check it whole.

    Raises
    ------
    MultiplierError
        If the file is missing, truncated, altered, of another format or version, or breaks a rule; names the file and
        the rule.
    """
    path = pathlib.Path(path)
    check_readable(path, MultiplierError, "`axsim import` makes a multiplier file from C, Verilog or a table")
    try:
        with signed_file.reading(path, FORMAT, "import the multiplier again") as file:
            return _read(file)
    except (MultiplierError, FileFormatError) as error:
        raise MultiplierError(f"{path}: {error}") from None


def _read(file: h5py.File) -> Multiplier:
    version = attribute(file, "version", int)
    if version != VERSION:
        raise FileFormatError(f"version must be {VERSION}, got {version}; this axsim cannot read it, try a newer one")
    check_links(file)
    table = file.get("table")
    if not isinstance(table, h5py.Dataset) or table.shape != (256, 256) or table.dtype != np.int32:
        raise FileFormatError("/table must be a dataset of 256 x 256 int32")
    pair: Any = attribute(file, "operands", tuple[str, str])
    costs = file.get("costs")
    return Multiplier(
        attribute(file, "name", str),
        table[()],
        pair,
        costs=None if costs is None else _costs(costs),
        source=attribute(file, "source", str),
    )


def _costs(group: h5py.Group) -> Costs:
    power, area, delay = (attribute(group, name, float) for name in ("power_mw", "area_um2", "delay_ns"))
    return Costs(power, area, delay, attribute(group, "source", str))
