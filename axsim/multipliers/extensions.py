"""Families and multipliers from outside of axsim: a folder that the user names, and installed packages.

Both are code and run as such, with the user's rights. Neither is found by accident: the folder must stand in the
environment variable AXSIM_FAMILIES (several are separated as in PATH), and a package must be installed and declare

    [project.entry-points."axsim.multipliers"]
    mine = "package.module:object"

A file of the folder, `name.py`, defines FAMILY, as a module of kernels/multipliers does. A package's object is a
Family, a Multiplier, or a function of two unsigned integers.
"""

import functools
import importlib.metadata
import importlib.util
import os
import pathlib
import warnings
from typing import Any

from ..errors import AxsimWarning, MultiplierError, first_line
from ..kernels.multipliers.family import Family
from .product_table import Multiplier

VARIABLE, GROUP = "AXSIM_FAMILIES", "axsim.multipliers"


def families() -> dict[str, Family]:
    """
    Return the families of the folders and of the installed packages, by name.

    Raises
    ------
    MultiplierError
        If a folder of AXSIM_FAMILIES or a file in it cannot be read, or defines no family, or two define the same.
    """
    found: dict[str, Family] = {}
    for folder in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        for family in _of_folder(folder):
            if family.name in found:
                raise MultiplierError(f"{VARIABLE}: {folder} defines {family.name}, which is defined already")
            found[family.name] = family
    return {given.name: given for given in _installed().values() if isinstance(given, Family)} | found


def multipliers() -> dict[str, Multiplier]:
    """
    Return the multipliers that installed packages bring, by the name of their entry point.

    Raises MultiplierError if a function among them fails.
    """
    return {name: _multiplier(name, given) for name, given in _installed().items() if not isinstance(given, Family)}


def _multiplier(name: str, given: Any) -> Multiplier:
    if isinstance(given, Multiplier):
        return given
    return Multiplier.from_function(given, name=name, source=f"entry point {name} of {GROUP}")


def _of_folder(folder: str) -> list[Family]:
    try:
        paths = sorted(path for path in pathlib.Path(folder).iterdir() if path.suffix == ".py" and path.name[0] != "_")
        stamps = tuple((str(path), path.stat().st_mtime_ns) for path in paths)
    except OSError as error:
        raise MultiplierError(f"{VARIABLE}: cannot read {folder}: {error.strerror}") from None
    return [_of_file(path, stamp) for path, stamp in stamps]


@functools.cache
def _of_file(path: str, stamp: int) -> Family:
    """Run a file once for each state of it, and return its FAMILY."""
    name = pathlib.Path(path).stem
    specification = importlib.util.spec_from_file_location(f"axsim_family_{name}", path)
    assert specification is not None and specification.loader is not None  # for a path that ends in .py
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        raise MultiplierError(f"{path}: {type(error).__name__}: {first_line(error)}") from error
    family = getattr(module, "FAMILY", None)
    if not isinstance(family, Family):
        raise MultiplierError(f"{path}: FAMILY must be a Family of axsim.kernels.multipliers.family, got {family!r}")
    return family


@functools.cache
def _installed() -> dict[str, Any]:
    """Objects behind the entry points. One that cannot be loaded is left out with a warning: axsim works without it."""
    found = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        try:
            found[point.name] = point.load()
        except Exception as error:
            said = f"entry point {point.name} = {point.value} of {GROUP} is left out: {first_line(error)}"
            warnings.warn(said, AxsimWarning, stacklevel=4)
    return found
